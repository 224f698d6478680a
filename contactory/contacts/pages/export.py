"""Export of contacts: the selected ones, or all that match the filter.

They are read and sent piece by piece, with a new connection for each piece, so that neither the memory nor
the length of a transaction grows with their number: while a transaction is open, the database cannot remove
rows that a PATCH has replaced. Each contact is in the file once, as it was when it was read; newer ones are
not.
"""

import re
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from urllib.parse import quote

from contactory.access.users import list_workspaces_of
from contactory.base.ids import parse_id
from contactory.catalog.calls import catalogs_of, of_actor, with_catalog
from contactory.catalog.catalog import Catalog
from contactory.contacts.columns import columns_of
from contactory.contacts.model import Contact
from contactory.contacts.pages.export_formats import ID_COLUMN, Render, as_csv, as_json_lines
from contactory.contacts.pages.grid import layout_of, selected
from contactory.contacts.pages.selection import filter_of, selection_in
from contactory.contacts.read.by_key import read_many
from contactory.contacts.read.filter import And, Compare, shape_of
from contactory.contacts.read.listing import list_contacts
from contactory.contacts.read.show import show_all
from contactory.dashboard.visits import visit_of
from contactory.database.db import Row
from contactory.rules.checks import Errors, one_of
from contactory.rules.errors import ValidationProblem
from contactory.rules.invalid import Invalid
from contactory.web.messages import Response
from contactory.web.operations import Call

PIECE = 500
_FORMATS = {"csv": "text/csv; charset=utf-8; header=present", "jsonl": "application/jsonl"}
_FORMAT = one_of(*_FORMATS)
_COLUMNS = one_of("shown", "all")
_ODD = re.compile(r"[^\w.()-]+")


@with_catalog(of_actor)
async def export_contacts(call: Call, catalog: Catalog) -> Response:
    """Answers with the contacts as a file."""
    kind, every = _asked(call)
    begun = datetime.now(UTC)
    head, render = await _renderer(call, catalog, kind, every)
    rows = _all(call, catalog, begun) if "all" in visit_of(call).form else _chosen(call, catalog)
    # Read the first piece before the answer begins, because an error can still be answered as a problem then.
    first = await anext(rows, list[Row]())
    name = await _file_name(call, kind, begun)
    headers = [
        ("content-type", _FORMATS[kind]),
        ("content-disposition", f"attachment; {name}"),
    ]
    stream = _file(call, catalog, head, render, first, rows)
    return Response(200, b"", headers, stream)


def _asked(call: Call) -> tuple[str, bool]:
    """The format, and whether to export every column. Raises ValidationProblem."""
    errors, found = Errors(), {"format": "csv", "columns": "shown"}
    for name, rule in (("format", _FORMAT), ("columns", _COLUMNS)):
        try:
            found[name] = rule.parse(visit_of(call).value(name) or found[name])
        except Invalid as error:
            errors.add(error, name)
    errors.check()
    return found["format"], found["columns"] == "all"


async def _renderer(call: Call, catalog: Catalog, kind: str, every: bool) -> tuple[bytes, Render]:
    shown = [placed.column for placed in await layout_of(call, catalog) if placed.shown]
    if kind == "jsonl":
        return as_json_lines(None if every else shown)
    return as_csv([ID_COLUMN, *columns_of(catalog)] if every else shown)


async def _all(call: Call, catalog: Catalog, begun: datetime) -> AsyncGenerator[list[Row]]:
    """All contacts that match the filter, oldest first, in pieces."""
    selection, cursor = await selection_in(call, catalog, selected(visit_of(call).value("back"))), None
    selection.refuse_wider()
    wanted = await filter_of(call, catalog, selection)
    wanted = And((wanted, Compare("createdAt", "until", begun)))
    while True:
        async with call.connection(shape_of(wanted)) as conn:
            # By creation, which never changes: no contact is repeated or left out.
            found = await list_contacts(conn, catalog, wanted, "createdAt", PIECE, 0, cursor)
        yield found.rows
        cursor = found.next
        if cursor is None:
            return


async def _chosen(call: Call, catalog: Catalog) -> AsyncGenerator[list[Row]]:
    """The selected contacts that still exist, in the order of the selection, in pieces."""
    sent = (parse_id(text.partition(":")[0]) for text in visit_of(call).form.get("contact", ()))
    ids = [*dict.fromkeys(filter(None, sent))]
    if not ids:
        raise ValidationProblem("Select at least one contact to export.")
    for at in range(0, len(ids), PIECE):
        keys = [(catalog.workspace_id, contact_id) for contact_id in ids[at : at + PIECE]]
        async with call.connection() as conn:
            found = await read_many(conn, keys)
        yield [found[key] for key in keys if key in found and found[key]["deleted_at"] is None]


async def _file(
    call: Call,
    catalog: Catalog,
    head: bytes,
    render: Render,
    first: list[Row],
    rest: AsyncGenerator[list[Row]],
) -> AsyncGenerator[bytes]:
    yield head
    yield render(await _contacts(call, catalog, first))
    async for rows in rest:
        yield render(await _contacts(call, catalog, rows))


async def _contacts(call: Call, catalog: Catalog, rows: list[Row]) -> list[Contact]:
    return await show_all(catalogs_of(call), catalog, rows)


async def _file_name(call: Call, kind: str, begun: datetime) -> str:
    """The file's name for Content-Disposition (RFC 6266): the workspace and the day in UTC."""
    async with call.connection() as conn:
        workspaces = await list_workspaces_of(conn, visit_of(call).person)
    title = next((name for id_, name, _ in workspaces if id_ == call.actor.workspace_id), "contacts")
    whole = f"{_ODD.sub(' ', title).strip() or 'contacts'} {begun:%Y-%m-%d}.{kind}"
    plain = whole.encode("ascii", "replace").decode().replace("?", "_")
    return f"filename=\"{plain}\"; filename*=UTF-8''{quote(whole, safe='')}"
