"""The pages about contacts: their rows of the table."""

from contactory.contacts import (
    bulk_pages,
    consent_pages,
    contact_pages,
    edit_pages,
    export_pages,
    grid_pages,
)
from contactory.contacts.selection import SELECTION_QUERY, TEXT
from contactory.web.operations import workspace_page as _page

CONTACT_PAGES = [
    _page("showContacts", "GET", "contacts", "The grid", grid_pages.show_grid, query=grid_pages.GRID_QUERY),
    _page("countContacts", "GET", "contacts/count", "How many", grid_pages.count_grid, query=SELECTION_QUERY),
    _page("arrangeColumns", "POST", "contacts/layout", "Arrange the columns", grid_pages.save_layout),
    _page("saveView", "POST", "contacts/views", "Save a view", grid_pages.save_view),
    _page("deleteView", "POST", "contacts/views/{id}/delete", "Delete a saved view", grid_pages.remove_view),
    _page(
        "suggestTags",
        "GET",
        "contacts/tags",
        "Tags to choose from",
        grid_pages.suggest_tags,
        query={"q": TEXT},
    ),
    _page("changeMany", "POST", "contacts/many", "Change many at once", bulk_pages.change_many, "write"),
    _page("exportContacts", "POST", "contacts/export", "Contacts as a file", export_pages.export_contacts),
    _page("showNewContact", "GET", "contacts/new", "A new contact", contact_pages.show_new, "write"),
    _page("makeContact", "POST", "contacts/new", "Make a contact", contact_pages.make_contact, "write"),
    _page(
        "showContact",
        "GET",
        "contacts/{id}",
        "A contact",
        contact_pages.show_contact,
        query=contact_pages.CONTACT_QUERY,
    ),
    _page("saveContact", "POST", "contacts/{id}", "Change a contact", contact_pages.save_contact, "write"),
    _page(
        "showContactReach", "GET", "contacts/{id}/reach", "Whether one may contact", contact_pages.show_reach
    ),
    _page(
        "saveConsent",
        "POST",
        "contacts/{id}/consent",
        "Write a consent down",
        consent_pages.save_consent,
        "write",
    ),
    _page(
        "undoChange", "POST", "contacts/{id}/undo", "Take a change back", contact_pages.undo_change, "write"
    ),
    _page(
        "deleteContactPage", "POST", "contacts/{id}/delete", "Delete", contact_pages.delete_contact, "write"
    ),
    _page(
        "restoreContactPage",
        "POST",
        "contacts/{id}/restore",
        "Restore",
        contact_pages.restore_contact,
        "write",
    ),
    _page("purgeContactPage", "POST", "contacts/{id}/purge", "Erase", contact_pages.purge_contact, "admin"),
    _page("showRow", "GET", "contacts/{id}/row", "A row of the grid", edit_pages.show_row),
    _page("editCell", "POST", "contacts/{id}/row", "Edit in place", edit_pages.edit_cell, "write"),
]
