"""Changing a contact from a page: by the rules, texts and statements of the API's PATCH."""

from contactory.catalog import Catalog
from contactory.checks import Errors, Object
from contactory.contacts.grid_pages import layout_of, row_of
from contactory.contacts.model import parse_tags, parse_values
from contactory.contacts.statement import TAGS_SET
from contactory.contacts.writing import Written, new_change, show, write
from contactory.errors import NotFound
from contactory.http import Response
from contactory.operations import Call
from contactory.visits import part

_SCALARS = ("firstName", "lastName", "email", "phone", "timezone")
FIELD = "field-"


def patch_of(form: dict[str, list[str]], catalog: Catalog) -> Object:
    """The values of a form as the API's PATCH would have them; what is empty clears."""
    data: Object = {name: form[name][-1] or None for name in _SCALARS if name in form}
    custom = {
        field.name: form[FIELD + num][-1] or None
        for num, field in catalog.fields_by_num.items()
        if FIELD + num in form
    }
    if custom:
        data["customFields"] = custom
    return data


async def change_by_form(call: Call, contact_id: str, catalog: Catalog) -> Written:
    """Changes what the form names: values, and with `tags` the whole set of tags.

    Raises ValidationProblem, Conflict, NotFound, and PreconditionFailed where the contact is at another
    `version` than the form says.
    """
    form, errors = call.visit.form, Errors()
    data, names = patch_of(form, catalog), [name for name in form.get("tags", ()) if name.strip()]
    values = parse_values(data, catalog, errors) if data or "tags" not in form else None
    tags = parse_tags(names, catalog, errors, "tags")
    errors.check()
    change = new_change(call, catalog, contact_id)
    if values:
        change.take(values, catalog)
    if "tags" in form:
        await call.app.catalogs.tag_ids(catalog, tags, call.conn)
        change.take_tags(tags, catalog, TAGS_SET)
    version = call.visit.value("version")
    if version:
        known = version.isascii() and version.isdigit() and len(version) < 19
        change.if_match = [int(version) if known else -1]
    return await write(call, change, catalog)


async def edit_cell(call: Call) -> Response:
    """Changes a contact; gives its row as it is now. For a script."""
    contact_id = call.path_id()

    async def attempt(catalog: Catalog) -> Response:
        written = await change_by_form(call, contact_id, catalog)
        return await _row(call, catalog, written)

    return await call.by_catalog(None, attempt)


async def show_row(call: Call) -> Response:
    """A contact's row as it is now. For a script."""
    contact_id = call.path_id()
    row = await call.app.contacts.get(call.actor.workspace_id or "", contact_id)
    if row is None or row["deleted_at"] is not None:
        raise NotFound
    catalog = await call.catalog(None)
    contact = await show(call, row, contact_id, catalog)
    return await _row(call, catalog, Written(contact, row["version"]))


async def _row(call: Call, catalog: Catalog, written: Written) -> Response:
    shown = row_of(written.contact, written.version, await layout_of(call, catalog))
    return part(
        call,
        "contacts/rows.html",
        rows=[shown],
        following=None,
        here=f"/w/{call.actor.workspace_id}/contacts",
    )
