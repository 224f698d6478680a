"""Changing a contact on a page: by the rules, texts and statements of the API's PATCH."""

from collections.abc import Mapping

from contactory.base.ids import parse_number
from contactory.catalog.calls import catalog_of, catalogs_of, of_actor, with_catalog
from contactory.catalog.catalog import Catalog
from contactory.contacts.api.context import context_of
from contactory.contacts.api.services import services_of
from contactory.contacts.columns import columns_of, value_of
from contactory.contacts.model import SCALARS, Contact, parse_values
from contactory.contacts.pages.grid import layout_of, row_of
from contactory.contacts.pages.tag_forms import from_lines, new_set
from contactory.contacts.read.show import show
from contactory.contacts.write.change import Change, new_change
from contactory.contacts.write.commands import Written, write
from contactory.contacts.write.statement import STALE_TAGS, TAGS_ADD, TAGS_SET
from contactory.dashboard.inputs import as_shown, touched
from contactory.dashboard.visits import Visit, html_part, page_path, visit_of
from contactory.rules.checks import Errors, Object
from contactory.rules.errors import PreconditionFailed
from contactory.web.messages import Response
from contactory.web.operations import Call

FIELD = "field-"


def patch_of(texts: Mapping[str, str], catalog: Catalog) -> Object:
    """The values of a form in the shape of the API's PATCH; empty ones clear."""
    data: Object = {name: texts[name] or None for name in SCALARS if name in texts}
    custom = {
        field.name: texts[FIELD + num] or None
        for num, field in catalog.fields_by_num.items()
        if FIELD + num in texts
    }
    if custom:
        data["customFields"] = custom
    return data


def texts_of(catalog: Catalog, contact: Contact | None = None) -> dict[str, str]:
    """The texts of the inputs of a contact's form, except its tags; empty without a contact."""
    columns = [column for column in columns_of(catalog) if column.editable and column.kind != "tags"]
    return {column.key: value_of(contact, column) or "" if contact else "" for column in columns}


async def change_by_form(call: Call, contact_id: str, catalog: Catalog, *, by_line: bool) -> Written:
    """Changes the values in which the form differs from the contact, and with `tags` the set of tags.

    With `by_line`, the tags are the lines of one text, otherwise each is a value. Raises ValidationProblem,
    Conflict, NotFound, and PreconditionFailed if the contact no longer has the `version` of the form.
    """
    row = await services_of(call).contacts.active(catalog.workspace_id, contact_id)
    contact = await show(catalogs_of(call), catalog, row, contact_id)
    ctx = context_of(call)
    change, errors = new_change(ctx, catalog, contact_id), Errors()
    _take_texts(visit_of(call), change, contact, catalog, errors)
    tags = _sent_tags(call, contact, catalog, errors, by_line=by_line)
    errors.check()
    added = [name for name in tags if name not in contact.tags]
    if set(contact.tags) - set(tags):
        # The set is based on the contact's tags at this version.
        await _take_tags(call, change, tags, catalog, TAGS_SET)
        change.if_match = [row["version"]]
    elif added:
        await _take_tags(call, change, added, catalog, TAGS_ADD)
    if not change.mask & ~STALE_TAGS:
        return Written(contact, row["version"], changed=False)
    if version := visit_of(call).value("version"):
        number = parse_number(version)
        change.if_match = [-1 if number is None else number]
    return await write(ctx, change, catalog)


def _take_texts(visit: Visit, change: Change, contact: Contact, catalog: Catalog, errors: Errors) -> None:
    stored = texts_of(catalog, contact)
    sent = {name: visit.value(name) for name in stored if name in visit.form}
    data = patch_of(touched(sent, stored), catalog)
    if data or not (sent or "tags" in visit.form):
        change.take(parse_values(data, catalog, errors), catalog)


def _sent_tags(call: Call, contact: Contact, catalog: Catalog, errors: Errors, *, by_line: bool) -> list[str]:
    """The new set of tags."""
    sent = visit_of(call).form.get("tags")
    if sent is None or (by_line and as_shown("\n".join(sent)) == as_shown("\n".join(contact.tags))):
        return contact.tags
    names = from_lines("\n".join(sent), contact.tags) if by_line else sent
    return new_set(names, contact.tags, call.app.settings.max_tags_per_contact, catalog, errors)


async def _take_tags(call: Call, change: Change, names: list[str], catalog: Catalog, mode: int) -> None:
    await catalogs_of(call).tag_ids(catalog, names, call.conn)
    change.take_tags(names, catalog, mode)


@with_catalog(of_actor)
async def edit_cell(call: Call, catalog: Catalog) -> Response:
    """Changes a contact; returns its current row. For a script, which can undo a new version."""
    contact_id, known = call.path_id(), visit_of(call).value("version")
    written = await change_by_form(call, contact_id, catalog, by_line=False)
    if known and not written.changed and known != str(written.version):
        raise PreconditionFailed(written.version)
    return await _row(call, catalog, written)


async def show_row(call: Call) -> Response:
    """A contact's current row, for a script."""
    contact_id = call.path_id()
    row = await services_of(call).contacts.active(call.workspace_id, contact_id)
    catalog = await catalog_of(call)
    contact = await show(catalogs_of(call), catalog, row, contact_id)
    return await _row(call, catalog, Written(contact, row["version"]))


async def _row(call: Call, catalog: Catalog, written: Written) -> Response:
    shown = row_of(written.contact, written.version, await layout_of(call, catalog))
    return html_part(
        call,
        "contacts/rows.html",
        rows=[shown],
        following=None,
        here=page_path(call, "contacts"),
    )
