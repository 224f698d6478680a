"""The pages about contacts: their rows of the table."""

from typing import Any

from contactory.contacts import (
    bulk_pages,
    consent_pages,
    contact_pages,
    edit_pages,
    export_pages,
    grid_pages,
)
from contactory.contacts.selection import SELECTION_QUERY, TEXT
from contactory.operations import Operation

_CONTACTS = "/w/{workspaceId}/contacts"


def _page(
    name: str, method: str, path: str, summary: str, handler: Any, permission: str = "read", **more: Any
) -> Operation:
    return Operation(
        id=name,
        method=method,
        path=_CONTACTS + path,
        summary=summary,
        handler=handler,
        permission=permission,
        page=True,
        **more,
    )


CONTACT_PAGES = [
    _page("showContacts", "GET", "", "The grid", grid_pages.show_grid, query=grid_pages.GRID_QUERY),
    _page("countContacts", "GET", "/count", "How many", grid_pages.count_grid, query=SELECTION_QUERY),
    _page("arrangeColumns", "POST", "/layout", "Arrange the columns", grid_pages.save_layout),
    _page("saveView", "POST", "/views", "Save a view", grid_pages.save_view),
    _page("deleteView", "POST", "/views/{id}/delete", "Delete a saved view", grid_pages.remove_view),
    _page("suggestTags", "GET", "/tags", "Tags to choose from", grid_pages.suggest_tags, query={"q": TEXT}),
    _page("changeMany", "POST", "/many", "Change many at once", bulk_pages.change_many, "write"),
    _page("exportContacts", "POST", "/export", "Contacts as a file", export_pages.export_contacts),
    _page("showNewContact", "GET", "/new", "A new contact", contact_pages.show_new, "write"),
    _page("makeContact", "POST", "/new", "Make a contact", contact_pages.make_contact, "write"),
    _page(
        "showContact",
        "GET",
        "/{id}",
        "A contact",
        contact_pages.show_contact,
        query=contact_pages.CONTACT_QUERY,
    ),
    _page("saveContact", "POST", "/{id}", "Change a contact", contact_pages.save_contact, "write"),
    _page("showContactReach", "GET", "/{id}/reach", "Whether one may contact", contact_pages.show_reach),
    _page(
        "saveConsent", "POST", "/{id}/consent", "Write a consent down", consent_pages.save_consent, "write"
    ),
    _page("undoChange", "POST", "/{id}/undo", "Take a change back", contact_pages.undo_change, "write"),
    _page("deleteContactPage", "POST", "/{id}/delete", "Delete", contact_pages.delete_contact, "write"),
    _page("restoreContactPage", "POST", "/{id}/restore", "Restore", contact_pages.restore_contact, "write"),
    _page("purgeContactPage", "POST", "/{id}/purge", "Erase", contact_pages.purge_contact, "admin"),
    _page("showRow", "GET", "/{id}/row", "A row of the grid", edit_pages.show_row),
    _page("editCell", "POST", "/{id}/row", "Edit in place", edit_pages.edit_cell, "write"),
]
