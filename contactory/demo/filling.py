"""Puts the contacts of the demo into a workspace, by the API's rules and stores, in one transaction.

Until the commit, nothing of it is visible, and an interrupted run leaves nothing behind.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar

import msgspec

from contactory.base.settings import Settings
from contactory.catalog.catalog import Catalog, read_catalog
from contactory.contacts.model import Values, parse_values
from contactory.contacts.read.search import index
from contactory.contacts.write.change import Change, make_tags, new_change
from contactory.contacts.write.create import NewContact, create_contacts, new_contact
from contactory.contacts.write.draft import Origin
from contactory.contacts.write.lanes import apply_changes
from contactory.database.db import Connection
from contactory.demo.people import FIELDS, IMPORT, KEYS, PRESETS, Step
from contactory.fields.model import FieldPatch
from contactory.fields.store import create_field
from contactory.keys.store import create_key, list_keys, revoke_key
from contactory.rules.actor import Actor
from contactory.rules.checks import Errors
from contactory.rules.errors import Conflict, NotFound
from contactory.send_windows.model import presets
from contactory.send_windows.store import create_window
from contactory.workspaces.model import Workspace

T = TypeVar("T")
_PIECE = 500
_REQUEST = "demo"
"""The request id in the history, by which these changes can be recognised."""


class Filled(msgspec.Struct):
    """The result."""

    made: int = 0
    there: int = 0
    """Contacts that were not created, because another one has their phone or e-mail."""
    changes: int = 0


async def fill(
    conn: Connection,
    workspace: Workspace,
    people: Sequence[list[Step]],
    settings: Settings,
    done: Callable[[int], None],
) -> Filled:
    """Creates the contacts and their history, in a transaction; calls `done` with the number of new contacts.

    Raises Conflict if the workspace has a custom field of the same name with another type, or no room.
    """
    origins = await _origins(conn, workspace)
    catalog = await _prepare(conn, workspace.id, people, settings)
    filled = Filled()
    for piece in _pieces(people, _PIECE):
        new = [(_new(steps[0], catalog, origins), steps) for steps in piece]
        made = await create_contacts(conn, [contact for contact, _ in new], settings)
        born = [(contact.id, steps) for contact, (_, steps) in zip(made, new, strict=True) if contact]
        await index(conn, workspace.id, [contact_id for contact_id, _ in born])
        filled.made += len(born)
        filled.there += len(piece) - len(born)
        filled.changes += await _change_later(conn, catalog, origins, born, settings)
        done(len(piece))
    return filled


def _pieces(items: Sequence[T], size: int) -> Iterator[list[T]]:
    left = iter(items)
    while piece := list(islice(left, size)):
        yield piece


async def _origins(conn: Connection, workspace: Workspace) -> dict[str, Origin]:
    """The actors of the changes: keys that are revoked at once and whose secrets are lost, and the import."""
    owner, mode = workspace.account_id, workspace.mode
    known = {k.name: k.id for k in await list_keys(conn, owner, mode, workspace.id, after=None, limit=1000)}
    origins = {IMPORT: Origin(Actor(None, owner, workspace.id, mode, "write", "system", "import"), _REQUEST)}
    for name in KEYS:
        if name not in known:
            made = await create_key(conn, owner, workspace.id, name=name, mode=mode, permission="write")
            await revoke_key(conn, owner, mode, workspace.id, made.id)
            known[name] = made.id
        origins[name] = Origin(Actor(known[name], owner, workspace.id, mode, "write"), _REQUEST)
    return origins


class _Tags(msgspec.Struct):
    """Tags that must exist (change.Tagged)."""

    workspace_id: str
    new_tags: list[str]
    at: datetime


async def _prepare(
    conn: Connection, workspace_id: str, people: Sequence[list[Step]], settings: Settings
) -> Catalog:
    """The workspace's catalogue, with the custom fields, tags and send windows that the demo needs."""
    catalog = await _catalog(conn, workspace_id)
    for name, kind in FIELDS.items():
        known = catalog.fields.get(name)
        if known is None:
            await create_field(
                conn, workspace_id, FieldPatch(name=name, type=kind), settings.max_custom_fields
            )
        elif (known.type, known.next_type) != (kind, None):
            raise Conflict(
                f"The workspace has a custom field {name} of the type {known.type}, but the demo needs "
                f"{kind}: run it without --workspace, so that it creates a new one."
            )
    for preset in (presets()[name] for name in PRESETS):
        if preset.name not in catalog.windows:
            values: dict[str, Any] = {"name": preset.name, "channels": preset.channels, "days": preset.days}
            await create_window(conn, workspace_id, values, settings.max_send_windows)
    tags = sorted({tag for steps in people for step in steps for tag in step.data.get("tags", ())})
    await make_tags(conn, [_Tags(workspace_id, tags, datetime.now(UTC))], settings.max_tags)
    return await _catalog(conn, workspace_id)


async def _catalog(conn: Connection, workspace_id: str) -> Catalog:
    catalog = await read_catalog(conn, workspace_id)
    if catalog is None:
        raise NotFound
    return catalog


def _values(step: Step, catalog: Catalog) -> Values:
    errors = Errors()
    values = parse_values(step.data, catalog, errors)
    errors.check()
    return values


def _new(step: Step, catalog: Catalog, origins: dict[str, Origin]) -> NewContact:
    new = new_contact(origins[step.source], _values(step, catalog), catalog)
    new.at = step.at
    return new


async def _change_later(
    conn: Connection,
    catalog: Catalog,
    origins: dict[str, Origin],
    born: Sequence[tuple[str, list[Step]]],
    settings: Settings,
) -> int:
    """Makes the later changes of contacts: the first change of each, then the second ones, and so on."""
    changed = 0
    for turn in range(1, max((len(steps) for _, steps in born), default=0)):
        changes = [
            _change(contact_id, steps[turn], catalog, origins)
            for contact_id, steps in born
            if turn < len(steps)
        ]
        outcomes = await apply_changes(conn, changes, settings)
        changed += sum(outcome.verdict == "changed" for outcome in outcomes)
    return changed


def _change(contact_id: str, step: Step, catalog: Catalog, origins: dict[str, Origin]) -> Change:
    change = new_change(origins[step.source], catalog, contact_id)
    change.at = step.at
    change.take(_values(step, catalog), catalog)
    return change
