"""Undoing one change of a contact, from its history."""

from typing import Any, cast

from contactory.catalog.catalog import Catalog
from contactory.contacts.model import Contact, Values, parse_values, scalars_of
from contactory.contacts.read.by_key import read_many
from contactory.contacts.read.history import Event, FieldChange, ZoneChange, changed_since, event_at
from contactory.contacts.read.show import show
from contactory.contacts.write.change import Change, Zone, new_change
from contactory.contacts.write.commands import OVERTAKEN, Written, write
from contactory.contacts.write.context import WriteContext
from contactory.contacts.write.statement import DELETE, RESTORE, TAGS_ADD, UNDO
from contactory.database.db import Row
from contactory.rules.checks import Errors, Object
from contactory.rules.errors import Conflict, FieldError, NotFound, PreconditionFailed
from contactory.values.phones import derive_zone

CUSTOM, CONSENT = "customFields.", "consent."
GONE = "The history of this change has been dropped: change the contact by hand."
TOUCHED = "The contact has been changed again since: undo that change first, or delete the contact by hand."
DELETED = "The contact has been deleted in the meantime."
_ZONE = ("timezone", "timezoneSource")
_BEGINNINGS = ("contact.created", "contact.restored")


def undoable(event: Event) -> bool:
    """Whether an event can be undone from the timeline."""
    # A consent is a statement of the contact at a time, and not a value to restore.
    plain = all(not change.field.startswith(CONSENT) for change in event.changes)
    return event.type == "contact.updated" and bool(event.changes) and plain


async def undo(
    ctx: WriteContext, catalog: Catalog, contact_id: str, version: int, *, by_deletion: bool = False
) -> Written:
    """Undoes the change that created this version of a contact.

    A deletion is undone by a restoration, and, if `by_deletion`, a creation or a restoration by a deletion.
    Other changes since then stay. Raises NotFound if the change does not exist or the contact has been
    deleted, and Conflict if one of its values has been changed again since, cannot be restored, or if its
    history has been dropped.
    """
    async with ctx.work.connection() as conn:
        found = await event_at(conn, catalog.workspace_id, contact_id, version)
    if found is None and await _had(ctx, catalog, contact_id, version):
        raise Conflict(errors=[FieldError(code="history_gone", detail=GONE)])
    reversible = ("contact.deleted", *(_BEGINNINGS if by_deletion else ()))
    if found is None or not (found[0].type in reversible or undoable(found[0])):
        raise NotFound("The change does not exist, or cannot be undone.")
    event, zone = found
    if event.type == "contact.deleted":
        return await write(ctx, _undoing(ctx, catalog, contact_id, RESTORE, event), catalog)
    row = await _row(ctx, catalog, contact_id)
    if row is None or row["deleted_at"] is not None:
        raise NotFound(DELETED)
    if event.type in _BEGINNINGS:
        return await _delete_again(ctx, catalog, contact_id, version, event, row)
    now = _flat(await show(ctx.shared.catalogs, catalog, row, contact_id, ctx.work.conn), row)
    # The values are compared here so that the error can name one, and again after the row is locked.
    change = _undoing(ctx, catalog, contact_id, UNDO, event)
    _put_back(change, event.changes, now, catalog)
    if zone is not None:
        _put_zone_back(change, zone, now, catalog)
    await _put_tags_back(ctx, change, event.changes, catalog)
    return await write(ctx, change, catalog)


async def _delete_again(
    ctx: WriteContext, catalog: Catalog, contact_id: str, version: int, event: Event, row: Row
) -> Written:
    """Deletes a contact that this event created or restored, unless it has been changed since."""
    async with ctx.work.connection() as conn:
        if await changed_since(conn, catalog.workspace_id, contact_id, version, event.at):
            raise Conflict(TOUCHED)
    change = _undoing(ctx, catalog, contact_id, DELETE, event)
    change.if_match = [row["version"]]
    try:
        return await write(ctx, change, catalog)
    except PreconditionFailed:
        raise Conflict(TOUCHED) from None


async def _row(ctx: WriteContext, catalog: Catalog, contact_id: str) -> Row | None:
    """The contact, including what the transaction, if there is one, has already written."""
    key = (catalog.workspace_id, contact_id)
    if ctx.work.conn is None:
        return await ctx.shared.contacts.get(*key)
    return (await read_many(ctx.work.conn, [key])).get(key)


async def _had(ctx: WriteContext, catalog: Catalog, contact_id: str, version: int) -> bool:
    """Whether the contact has had this version; each had an event."""
    row = await _row(ctx, catalog, contact_id)
    return row is not None and 0 < version <= row["version"]


def _undoing(ctx: WriteContext, catalog: Catalog, contact_id: str, mask: int, event: Event) -> Change:
    change = new_change(ctx, catalog, contact_id, mask)
    change.cause_type, change.cause_id = "undo", event.id
    return change


def _flat(contact: Contact, row: Row) -> Object:
    """A contact's values by their names in the history."""
    custom = {CUSTOM + name: value for name, value in contact.custom_fields.items()}
    return {**scalars_of(contact), "timezoneSource": row["timezone_source"], **custom}


def _expect(change: Change, now: Object, name: str, value: Any, key: str | None = None) -> None:
    """Makes the change depend on this value. Raises Conflict if the contact does not have it now."""
    if now.get(name) != value:
        shown = "timezone" if name == "timezoneSource" else name.removeprefix(CUSTOM)
        raise Conflict(OVERTAKEN.format(shown))
    change.expected = {**change.expected, key or name: value}


def _put_back(change: Change, changes: list[FieldChange], now: Object, catalog: Catalog) -> None:
    """Restores the values of an event, except the time zone and the tags."""
    data: Object = {}
    values = Values()
    for each in changes:
        name = each.field.removeprefix(CUSTOM)
        if each.field in _ZONE or each.field == "tags":
            continue
        field = catalog.fields.get(name) if each.field.startswith(CUSTOM) else None
        _expect(change, now, each.field, each.after, field.num if field else None)
        if each.field.startswith(CUSTOM):
            data.setdefault("customFields", {})[name] = each.before
        else:
            data[name] = each.before
    # The phone is restored as it was stored, even if it would be parsed differently today.
    phone = cast("str | None", data.pop("phone", None))
    if data:
        errors = Errors()
        values = parse_values(data, catalog, errors)
        errors.check()
    if any(each.field == "phone" for each in changes):
        values.given.add("phone")
        values.phone = phone
    change.take(values, catalog)


def _put_zone_back(change: Change, zone: ZoneChange, now: Object, catalog: Catalog) -> None:
    _expect(change, now, "timezone", zone.after)
    if zone.state_before is not None:
        _expect(change, now, "timezoneSource", zone.source_after)
        change.take_zone_back(Zone(zone.before, *zone.state_before))
    else:
        change.take_zone_back(_probable(zone.before, now["phone"], catalog))


def _probable(timezone: str | None, phone: str | None, catalog: Catalog) -> Zone:
    """A zone of an old event that has only its name: derived, if that gives it, otherwise the caller's."""
    derived = derive_zone(phone, catalog.timezone, catalog.country)
    if timezone is None or timezone != derived.timezone:
        return Zone(timezone, "caller" if timezone else None, None)
    return Zone(timezone, derived.source, list(derived.zones) if len(derived.zones) > 1 else None)


async def _put_tags_back(
    ctx: WriteContext, change: Change, changes: list[FieldChange], catalog: Catalog
) -> None:
    """Removes the tags that an event added, and adds those that it removed; others stay."""
    for each in changes:
        if each.field == "tags":
            before, after = (set(cast("list[str]", side or [])) for side in (each.before, each.after))
            await ctx.shared.catalogs.tag_ids(catalog, sorted(before ^ after), ctx.work.conn)
            change.take_tags(sorted(before - after), catalog, TAGS_ADD)
            change.tag_ids_off = [tag for name in after - before for tag in catalog.aliases(name)]


async def delete(ctx: WriteContext, catalog: Catalog, contact_id: str) -> Written:
    """Deletes a contact softly."""
    return await write(ctx, new_change(ctx, catalog, contact_id, DELETE), catalog)
