"""Bulk changes: a piece in each request, so that the browser can show the progress and stop.

A piece is a list of contacts, or the next contacts that match the filter. Each contact is changed on its own:
refusals are counted by reason, and the other changes continue.

Of the contacts that match, only as many are changed as the user has seen: the first piece is refused if their
number is another one by now, and contacts that are created afterwards are left alone.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from contactory.base.ids import parse_id, parse_number
from contactory.catalog.calls import catalogs_of, of_actor, with_catalog
from contactory.catalog.catalog import Catalog, Stale
from contactory.contacts.api.context import context_of
from contactory.contacts.model import parse_tags, parse_values
from contactory.contacts.pages.edit import patch_of
from contactory.contacts.pages.grid import selected
from contactory.contacts.pages.selection import filter_of, selection_in
from contactory.contacts.read.counting import count_contacts
from contactory.contacts.read.cursors import Cursor, parse_cursor
from contactory.contacts.read.filter import And, Compare, shape_of
from contactory.contacts.read.listing import list_contacts
from contactory.contacts.write.change import new_change
from contactory.contacts.write.commands import Written, write
from contactory.contacts.write.statement import TAGS_ADD, TAGS_REMOVE
from contactory.contacts.write.undo import delete, undo
from contactory.dashboard.visits import visit_of
from contactory.rules.checks import TIMESTAMP, Errors, one_of
from contactory.rules.errors import Conflict, FieldError, Problem, ValidationProblem
from contactory.rules.invalid import Invalid
from contactory.web.messages import Response, json_response
from contactory.web.operations import Call

PIECE = 250
CHANGED = "{} now, not {}, so nothing was changed: check the list, and confirm the new number."
ACTION = one_of("addTags", "removeTags", "set", "delete", "undo")
Act = Callable[[str], Awaitable[Written]]


class Result(msgspec.Struct, rename="camel"):
    """The result of a piece."""

    changed: list[str]
    """`id:version` of each changed contact, for an undo."""
    same: int
    """How many contacts already had the value."""
    refused: dict[str, int]
    """How often each reason for a refusal occurred."""
    next: str | None = None
    """The cursor of the next piece."""
    until: datetime | None = None
    """When the first piece began: contacts that were created later are left alone."""


@with_catalog(of_actor)
async def change_many(call: Call, catalog: Catalog) -> Response:
    """Changes a piece of the selected contacts; for a script."""
    action = _parsed_action(call)
    piece = await _piece(call, catalog)
    act = await _ACTS[action](call, catalog)
    return json_response(200, await _each(piece, act))


def _parsed_action(call: Call) -> str:
    try:
        return ACTION.parse(visit_of(call).value("action"))
    except Invalid as error:
        detail = f"The action {error.detail}"
        raise ValidationProblem(detail, [FieldError("/action", None, error.code, detail)]) from None


class _Piece(NamedTuple):
    targets: list[tuple[str, int]]
    """The contacts, each with its version."""
    following: str | None = None
    until: datetime | None = None


async def _piece(call: Call, catalog: Catalog) -> _Piece:
    visit = visit_of(call)
    if "all" not in visit.form:
        return _Piece(_named(call))
    selection = await selection_in(call, catalog, selected(visit.value("back")))
    selection.refuse_wider()
    left = _expected(visit.value("expected"))
    begin, until = _position(visit.value("cursor"), visit.value("until"))
    wanted = await filter_of(call, catalog, selection)
    wanted = And((wanted, Compare("createdAt", "until", until)))
    async with call.connection(shape_of(wanted)) as conn:
        if begin is None and left is not None:
            _check_number(left, await count_contacts(conn, catalog, wanted))
        size = PIECE if left is None else min(PIECE, left)
        # By creation, which never changes: no contact is repeated or left out.
        found = await list_contacts(conn, catalog, wanted, "createdAt", size, 0, begin)
    done = found.next is None or left == len(found.rows)
    following = None if done or found.next is None else found.next.text()
    return _Piece([(row["id"], row["version"]) for row in found.rows], following, until)


def _expected(sent: str) -> int | None:
    """The number of contacts that the user has seen, without those of earlier pieces; None if not sent."""
    number = parse_number(sent)
    if sent and not number:
        raise ValidationProblem("The expected number is not a number above 0.")
    return number


def _position(cursor: str, until: str) -> tuple[Cursor | None, datetime]:
    """Where this piece begins, and when the first one began."""
    try:
        begin = parse_cursor(cursor) if cursor else None
        return begin, TIMESTAMP.parse(until) if until else datetime.now(UTC)
    except Invalid as error:
        raise ValidationProblem(error.detail) from None


def _check_number(seen: int, now: int) -> None:
    if now != seen:
        detail = CHANGED.format(_contacts(now), f"{seen:,}")
        raise Conflict(errors=[FieldError("/expected", None, "count_changed", detail, f"{now}")])


def _contacts(count: int) -> str:
    return "1 contact matches" if count == 1 else f"{count:,} contacts match"


def _named(call: Call) -> list[tuple[str, int]]:
    named: dict[str, int] = {}
    for text in visit_of(call).form.get("contact", ()):
        sent, _, version = text.partition(":")
        contact_id, number = parse_id(sent), parse_number(version)
        if contact_id and number is not None:
            named[contact_id] = number
    if not 1 <= len(named) <= PIECE:
        raise ValidationProblem(f"Send 1 to {PIECE} contacts at once.")
    return list(named.items())


async def _each(piece: _Piece, act: Act) -> Result:
    """Changes all contacts at the same time: the writer collects the changes into few commits."""
    outcomes = await asyncio.gather(*(act(f"{i}:{v}") for i, v in piece.targets), return_exceptions=True)
    result, refused = Result([], 0, {}, piece.following, piece.until), Counter[str]()
    for (contact_id, _), outcome in zip(piece.targets, outcomes, strict=True):
        if isinstance(outcome, Written):
            result.same += not outcome.changed
            result.changed += [f"{contact_id}:{outcome.version}"] if outcome.changed else []
        elif isinstance(outcome, Problem | Stale):
            refused[_reason(outcome)] += 1
        else:
            raise outcome
    result.refused = dict(refused)
    return result


def _reason(problem: Problem | Stale) -> str:
    if isinstance(problem, Stale):
        return "The workspace's fields or tags were changed at the same moment: try again"
    return problem.errors[0].detail if problem.errors else problem.detail


def _split(target: str) -> tuple[str, int]:
    contact_id, _, version = target.partition(":")
    return contact_id, int(version)


async def _tags(call: Call, catalog: Catalog, mode: int) -> Act:
    errors = Errors()
    names = [name for name in visit_of(call).form.get("tags", ()) if name.strip()]
    if not names:
        errors.add(Invalid("required", "Enter at least one tag"), "tags")
    tags = parse_tags(names, catalog, errors, "tags", most=call.app.settings.max_tags_per_contact)
    errors.check()
    await catalogs_of(call).tag_ids(catalog, tags, call.conn)

    ctx = context_of(call)

    async def act(target: str) -> Written:
        change = new_change(ctx, catalog, _split(target)[0])
        if mode == TAGS_ADD:
            change.take_tags(tags, catalog, TAGS_ADD)
        else:
            change.mask |= TAGS_REMOVE
            change.tag_ids = [tag_id for name in tags for tag_id in catalog.aliases(name)]
        return await write(ctx, change, catalog)

    return act


async def _add_tags(call: Call, catalog: Catalog) -> Act:
    return await _tags(call, catalog, TAGS_ADD)


async def _remove_tags(call: Call, catalog: Catalog) -> Act:
    return await _tags(call, catalog, TAGS_REMOVE)


async def _set(call: Call, catalog: Catalog) -> Act:
    errors = Errors()
    data = patch_of(visit_of(call).texts, catalog)
    values = parse_values(data, catalog, errors)
    errors.check()

    ctx = context_of(call)

    async def act(target: str) -> Written:
        change = new_change(ctx, catalog, _split(target)[0])
        change.take(values, catalog)
        return await write(ctx, change, catalog)

    return act


async def _delete(call: Call, catalog: Catalog) -> Act:
    ctx = context_of(call)

    async def act(target: str) -> Written:
        return await delete(ctx, catalog, _split(target)[0])

    return act


async def _undo(call: Call, catalog: Catalog) -> Act:
    ctx = context_of(call)

    async def act(target: str) -> Written:
        return await undo(ctx, catalog, *_split(target), by_deletion=True)

    return act


_ACTS: dict[str, Callable[[Call, Catalog], Awaitable[Act]]] = {
    "addTags": _add_tags,
    "removeTags": _remove_tags,
    "set": _set,
    "delete": _delete,
    "undo": _undo,
}
