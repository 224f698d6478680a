"""The pages about contacts: their rows of the table."""

from contactory.contacts.pages import bulk, consent, contact, edit, export, grid, tag_suggestions, views
from contactory.web.operations import workspace_page as _page

CONTACT_PAGES = [
    _page("showContacts", "GET", "contacts", "The grid", grid.show_grid, query=grid.GRID_QUERY),
    _page("countContacts", "GET", "contacts/count", "How many", grid.count_grid, query=grid.COUNT_QUERY),
    _page("arrangeColumns", "POST", "contacts/layout", "Arrange the columns", grid.save_layout),
    _page("showWorkspaceHome", "GET", "", "Redirect to the contacts", grid.show_home),
    _page("saveView", "POST", "contacts/views", "Save a view", views.save_view),
    _page("deleteView", "POST", "contacts/views/{id}/delete", "Delete a saved view", views.remove_view),
    _page(
        "suggestTags",
        "GET",
        "contacts/tags",
        "Suggest tags",
        tag_suggestions.suggest_tags,
        query=tag_suggestions.SUGGESTED,
    ),
    _page("changeMany", "POST", "contacts/many", "Change contacts in bulk", bulk.change_many, "write"),
    _page("exportContacts", "POST", "contacts/export", "Export contacts", export.export_contacts),
    _page("showNewContact", "GET", "contacts/new", "A new contact", contact.show_new, "write"),
    _page("makeContact", "POST", "contacts/new", "Make a contact", contact.make_contact, "write"),
    _page(
        "showContact",
        "GET",
        "contacts/{id}",
        "A contact",
        contact.show_contact,
        query=contact.CONTACT_QUERY,
    ),
    _page("saveContact", "POST", "contacts/{id}", "Change a contact", contact.save_contact, "write"),
    _page(
        "showContactReach",
        "GET",
        "contacts/{id}/reach",
        "Show the availability of a contact",
        contact.show_reach,
    ),
    _page(
        "saveConsent",
        "POST",
        "contacts/{id}/consent",
        "Change a consent",
        consent.save_consent,
        "write",
    ),
    _page("undoChange", "POST", "contacts/{id}/undo", "Undo a change", contact.undo_change, "write"),
    _page("deleteContactPage", "POST", "contacts/{id}/delete", "Delete", contact.delete_contact, "write"),
    _page(
        "restoreContactPage",
        "POST",
        "contacts/{id}/restore",
        "Restore",
        contact.restore_contact,
        "write",
    ),
    _page("purgeContactPage", "POST", "contacts/{id}/purge", "Erase", contact.purge_contact, "admin"),
    _page("showRow", "GET", "contacts/{id}/row", "Show a row of the grid", edit.show_row),
    _page("editCell", "POST", "contacts/{id}/row", "Edit in place", edit.edit_cell, "write"),
]
