"""Saving the filter of the grid as a view, and deleting a view."""

from contactory.catalog.calls import catalogs_of, of_actor, with_catalog
from contactory.catalog.catalog import Catalog, Stale
from contactory.contacts.pages.grid import RefusedView, grid_page, selected
from contactory.contacts.pages.saved_views import SavedView, delete_view, list_views, make_view, referred_by
from contactory.contacts.pages.selection import Selection, selection_in
from contactory.dashboard.html import see_other, sentence_of
from contactory.dashboard.visits import page_path, visit_of
from contactory.rules.checks import Errors, text
from contactory.rules.errors import Conflict, Forbidden, ValidationProblem
from contactory.rules.invalid import Invalid
from contactory.web.messages import Response
from contactory.web.operations import Call

_HERE = "contacts"
_VIEW_NAME = text(100, null=False)
_UNREAD = "A filter of this view cannot be read. Correct or remove the filter, and save the view again."


@with_catalog(of_actor)
async def save_view(call: Call, catalog: Catalog) -> Response:
    """Saves the current filter under a name; a refused form is shown again with its error."""
    visit = visit_of(call)
    selection = await selection_in(call, catalog, selected(visit.value("back")))
    shared = bool(visit.value("shared")) and call.actor.may("write")
    try:
        view = await _saved(call, catalog, selection, shared=shared)
    except (ValidationProblem, Conflict) as problem:
        if await catalogs_of(call).newest(catalog, call.conn) is not catalog:
            raise Stale from None
        error = sentence_of(problem.errors[0]) if problem.errors else problem.detail
        refused = RefusedView(visit.value("name"), shared, error)
        return await grid_page(call, catalog, selection, problem.status, refused)
    return see_other(page_path(call, f"{_HERE}?{view.link}"))


async def _saved(call: Call, catalog: Catalog, selection: Selection, *, shared: bool) -> SavedView:
    """The new view. Raises ValidationProblem and Conflict."""
    user_id = visit_of(call).person.id
    errors, name = Errors(), ""
    try:
        name = _VIEW_NAME.parse(visit_of(call).value("name"))
    except Invalid as error:
        errors.add(error, "name")
    errors.check()
    if selection.widened:
        raise ValidationProblem(_UNREAD)
    # Saved in its normal form, so that nothing else can get into the address.
    query, referred = selection.query(), referred_by(selection, catalog)
    async with call.transaction() as conn:
        view_id = await make_view(
            conn, catalog.workspace_id, user_id, name, query, shared=shared, referred=referred
        )
    return SavedView(view_id, name, query, shared, referred)


async def remove_view(call: Call) -> Response:
    """Deletes a saved view: the user's own, or with the permission `write` a shared one."""
    workspace_id, user_id, view_id = call.workspace_id, visit_of(call).person.id, call.path_id()
    shared = call.actor.may("write")
    async with call.connection() as conn:
        views = await list_views(conn, workspace_id, user_id)
        if not shared and any(view.id == view_id and view.shared for view in views):
            raise Forbidden("Your role, viewer, does not allow this, because the view is shared.")
        await delete_view(conn, workspace_id, user_id, view_id, shared=shared)
    return see_other(page_path(call, _HERE))
