"""Taking one change of a contact back, as its history has it."""

from typing import Any, cast

from contactory.catalog import Catalog
from contactory.checks import Errors, Object
from contactory.contacts.history import Event, FieldChange, event_at
from contactory.contacts.model import parse_values
from contactory.contacts.statement import DELETE, RESTORE, TAGS_SET
from contactory.contacts.writing import Written, new_change, show, write
from contactory.errors import Conflict, NotFound
from contactory.operations import Call

CUSTOM, CONSENT = "customFields.", "consent."
_SINCE = "{} has been changed again since: take that back first, or change it by hand."


def undoable(event: Event) -> bool:
    """Whether an event is one that can be taken back from the timeline."""
    # What somebody consented to is a fact of its time, and no value to be put back.
    plain = all(not change.field.startswith(CONSENT) for change in event.changes)
    return event.type == "contact.updated" and bool(event.changes) and plain


async def undo(call: Call, catalog: Catalog, contact_id: str, version: int) -> Written:
    """Takes back the change that made this version of a contact.

    A deletion is taken back by a restoration. Raises NotFound where there is no such change, and Conflict
    where something of it has been changed again since, or cannot be what it was.
    """
    async with call.connection() as conn:
        event = await event_at(conn, catalog.workspace_id, contact_id, version)
    if event is None or not (event.type == "contact.deleted" or undoable(event)):
        raise NotFound("There is no such change, or none that can be taken back.")
    if event.type == "contact.deleted":
        return await write(call, new_change(call, catalog, contact_id, RESTORE), catalog)
    row = await call.app.contacts.get(catalog.workspace_id, contact_id)
    if row is None or row["deleted_at"] is not None:
        raise NotFound
    now = await show(call, row, contact_id, catalog)
    data, tags = _as_before(event.changes, {**_flat(now)})
    return await _write_back(call, catalog, contact_id, row["version"], data, tags)


def _flat(contact: Any) -> Object:
    """A contact's values by the names that the history has for them."""
    scalars = {
        "firstName": contact.first_name,
        "lastName": contact.last_name,
        "email": contact.email,
        "phone": contact.phone,
        "timezone": contact.timezone,
        "tags": contact.tags,
    }
    return scalars | {CUSTOM + name: value for name, value in contact.custom_fields.items()}


def _as_before(changes: list[FieldChange], now: Object) -> tuple[Object, list[str] | None]:
    """What a PATCH has to say so that all is as it was, and the set of tags where they were changed."""
    data: Object = {}
    tags: list[str] | None = None
    for change in changes:
        if change.field == "tags":
            before, after = (set(cast("list[str]", side or [])) for side in (change.before, change.after))
            tags = sorted((set(now["tags"]) - (after - before)) | (before - after))
            continue
        if now.get(change.field) != change.after:
            raise Conflict(_SINCE.format(change.field.removeprefix(CUSTOM)))
        if change.field.startswith(CUSTOM):
            data.setdefault("customFields", {})[change.field.removeprefix(CUSTOM)] = change.before
        else:
            data[change.field] = change.before
    return data, tags


async def _write_back(
    call: Call, catalog: Catalog, contact_id: str, version: int, data: Object, tags: list[str] | None
) -> Written:
    errors = Errors()
    change = new_change(call, catalog, contact_id)
    if data:
        values = parse_values(data, catalog, errors)
        errors.check()
        change.take(values, catalog)
    if tags is not None:
        await call.app.catalogs.tag_ids(catalog, tags, call.conn)
        change.take_tags(tags, catalog, TAGS_SET)
    # By the version that was looked at, so that nothing is overwritten that came in between.
    change.if_match = [version]
    return await write(call, change, catalog)


async def delete(call: Call, catalog: Catalog, contact_id: str) -> Written:
    """Deletes a contact softly."""
    return await write(call, new_change(call, catalog, contact_id, DELETE), catalog)
