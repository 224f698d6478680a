"""Writing one contact: through the queue, or inside the transaction of the whole work."""

from functools import partial

import msgspec

from contactory.catalog.catalog import Catalog, Stale
from contactory.contacts.consent import parse_consent
from contactory.contacts.model import Contact, Values
from contactory.contacts.read.show import show
from contactory.contacts.write.change import Change, Outcome, new_change
from contactory.contacts.write.context import WriteContext
from contactory.contacts.write.create import NewContact, create_contacts, new_contact
from contactory.contacts.write.lanes import Found, apply_changes, find, identifiers
from contactory.contacts.write.queue import Apart
from contactory.contacts.write.statement import FILL, FINDABLE, MATCH, NO_GAIN, RESTORE, TIMEZONE
from contactory.database.answers import Unclear
from contactory.database.constraints import TAKEN, Violation
from contactory.database.db import translated
from contactory.rules.checks import Errors, Object
from contactory.rules.errors import (
    Conflict,
    FieldError,
    NotFound,
    PreconditionFailed,
    Unavailable,
    ValidationProblem,
)
from contactory.rules.invalid import Invalid

OVERTAKEN = "{} has been changed again since: undo that change first, or edit the value."
_ATTEMPTS = 8  # Each means that another write changed what this one had read.


class Written(msgspec.Struct):
    """A contact after a write."""

    shown: Contact | msgspec.Raw
    """The contact, or its JSON as it is kept for an Idempotency-Key."""
    version: int
    created: bool = False
    changed: bool = True
    """Whether the write changed anything."""
    consent: str | None = None
    """In the form of the row; None for a new contact."""

    @property
    def contact(self) -> Contact:
        """The contact."""
        if isinstance(self.shown, msgspec.Raw):
            return msgspec.json.decode(self.shown, type=Contact)
        return self.shown


async def write(ctx: WriteContext, change: Change, catalog: Catalog) -> Written:
    """Commits `change`. Raises a Problem, or Stale."""
    for _ in range(_ATTEMPTS):
        try:
            outcome = await _commit(ctx, change)
        except Violation:
            await _refuse_clash(ctx, change)
            continue
        refuse(outcome)
        return await written(ctx, change, outcome, catalog)
    raise Unavailable("Other requests are changing the same contacts: try again in a second.")


async def write_consent(
    ctx: WriteContext, catalog: Catalog, contact_id: str, data: Object, if_match: list[int] | None = None
) -> Written:
    """Changes a consent; values that `data` leaves out do not change. Raises like write()."""
    errors = Errors()
    given = parse_consent(data, errors)
    if not data:
        errors.add(Invalid("no_fields", "At least one field must be provided"))
    errors.check()
    change = new_change(ctx, catalog, contact_id)
    change.take_consent(given)
    change.if_match = if_match
    return await write(ctx, change, catalog)


async def _commit(ctx: WriteContext, change: Change) -> Outcome:
    if ctx.work.conn is None:
        if ctx.keyed is not None:
            change.take_claim(ctx.keyed.claim)
        return await ctx.shared.changes.put(change)
    with translated():
        async with ctx.work.transaction() as conn:
            [outcome] = await apply_changes(conn, [change], ctx.shared.settings)
    return outcome


def refuse(outcome: Outcome) -> None:
    """Raises the problem of an outcome without a write; Stale, or Unclear."""
    match outcome.verdict:
        case "missing" | "moved":
            raise NotFound
        case "stale":
            raise Stale
        case "version":
            raise PreconditionFailed(outcome.row["version"])
        case "overtaken":
            raise Conflict(OVERTAKEN.format("The value"))
        case "tags":
            raise _past_limit(
                "/tags", "too_many_tags", "The contact would have more tags than a contact may have"
            )
        case "characters":
            detail = "The contact's custom values would have more characters than a contact may have"
            raise _past_limit("/customFields", "too_long", detail)
        case "unclear":
            raise Unclear
        case _:
            return


def _past_limit(pointer: str, code: str, detail: str) -> ValidationProblem:
    return ValidationProblem(errors=[FieldError(pointer, None, code, detail)])


async def _refuse_clash(ctx: WriteContext, change: Change) -> None:
    """Raises Conflict with the contact that has the phone or e-mail; returns if none has it any more."""
    phone, email_key = change.phone, change.email_key
    async with ctx.work.connection() as conn:
        if change.mask & RESTORE:
            phone, email_key = await identifiers(conn, *change.key)
        found = await find(conn, change.workspace_id, phone, email_key)
    refuse_taken(found, change.contact_id)


def refuse_taken(found: Found, own_id: str | None = None) -> None:
    """Raises Conflict with the id of the found contact, unless it is `own_id`."""
    taken = [("phone", found.by_phone), ("email", found.by_email)]
    errors = [
        TAKEN[f"contacts_{name}"].error(contact_id)
        for name, contact_id in taken
        if contact_id and contact_id != own_id
    ]
    if errors:
        raise Conflict(errors=errors)


def learn(ctx: WriteContext, change: Change, outcome: Outcome, catalog: Catalog) -> None:
    """Notes the effects of a change."""
    if change.mask & FINDABLE and outcome.verdict == "changed":
        ctx.work.after_commit(partial(ctx.shared.search.note, change.workspace_id, [change.contact_id]))
    catalog.learn_tags(outcome.made_tags)


async def written(ctx: WriteContext, change: Change, outcome: Outcome, catalog: Catalog) -> Written:
    """The contact after a change."""
    learn(ctx, change, outcome, catalog)
    ctx.touched.append(change.contact_id)
    if change.claim_key is None:
        shown = await show(ctx.shared.catalogs, catalog, outcome.row, change.contact_id, ctx.work.conn)
    else:
        shown = msgspec.Raw(outcome.row["answer"].encode())
    return Written(
        shown,
        outcome.row["version"],
        changed=outcome.verdict == "changed",
        consent=outcome.row["consent"],
    )


def checked_new(ctx: WriteContext, values: Values, catalog: Catalog) -> NewContact:
    """The contact with `values`. Raises ValidationProblem above the limits."""
    new, settings = new_contact(ctx, values, catalog), ctx.shared.settings
    if sum(map(len, new.fields.values())) > settings.max_custom_characters:
        refuse(Outcome("characters"))
    if len(new.tag_ids) + len(new.new_tags) > settings.max_tags_per_contact:
        refuse(Outcome("tags"))
    return new


async def create(ctx: WriteContext, values: Values, catalog: Catalog) -> Written:
    """Creates a contact. Raises Conflict if another contact has its phone or e-mail, or Stale."""
    new = checked_new(ctx, values, catalog)
    made = await _insert(ctx, new, values.tags, catalog)
    if made is None:
        async with ctx.work.connection() as conn:
            refuse_taken(await find(conn, new.workspace_id, new.phone, new.email_key))
        raise Stale
    return _made(ctx, made, values, catalog)


async def _insert(ctx: WriteContext, new: NewContact, tags: list[str], catalog: Catalog) -> NewContact | None:
    if ctx.work.conn is None:
        if ctx.keyed is not None:
            new.claim = ctx.keyed.claim
            new.answer = ctx.keyed.created(new.shown(tags, catalog))
        return await ctx.shared.creates.put(new)
    try:
        with translated():
            async with ctx.work.transaction() as conn:
                [made] = await create_contacts(conn, [new], ctx.shared.settings)
    except Apart:
        return None
    return made


def _made(ctx: WriteContext, new: NewContact, values: Values, catalog: Catalog) -> Written:
    catalog.learn_tags(new.made_tags)
    ctx.work.after_commit(partial(ctx.shared.search.note, new.workspace_id, [new.id]))
    ctx.touched.append(new.id)
    return Written(new.shown(values.tags, catalog), 1, created=True)


def refuse_two(found: Found) -> None:
    """Raises Conflict if the phone and the e-mail of an upsert belong to two contacts."""
    if found.by_phone and found.by_email and found.by_phone != found.by_email:
        refuse_taken(found)


def upsert_change(
    ctx: WriteContext, values: Values, catalog: Catalog, preserve: bool, found: Found
) -> Change:
    """The change by which an upsert writes `values` to the contact that it has found."""
    change = new_change(ctx, catalog, found.id or "")
    change.take(values, catalog)
    change.mask |= MATCH | (FILL if preserve else 0)
    if found.has(values.phone, values.email_key):
        change.mask |= NO_GAIN
    if not preserve:
        change.mask &= ~TIMEZONE
    return change


async def upsert(
    ctx: WriteContext, values: Values, catalog: Catalog, preserve: bool, known: Found | None = None
) -> Written:
    """Changes the active contact with that phone, otherwise with that e-mail, otherwise creates one.

    `preserve`: only empty fields take the given values. `known`: the contacts found a moment ago. Raises
    Conflict if phone and e-mail belong to two contacts, or Stale.
    """
    for _ in range(_ATTEMPTS):
        found, known = known, None
        if found is None:
            found = await _find(ctx, catalog.workspace_id, values.phone, values.email_key)
        refuse_two(found)
        if found.id:
            change = upsert_change(ctx, values, catalog, preserve, found)
            try:
                outcome = await _commit(ctx, change)
            except Violation:
                continue  # Another contact has just got the phone or e-mail; the next look-up finds it.
            if outcome.verdict in ("missing", "moved"):
                continue
            refuse(outcome)
            return await written(ctx, change, outcome, catalog)
        made = await _insert(ctx, checked_new(ctx, values, catalog), values.tags, catalog)
        if made is not None:
            return _made(ctx, made, values, catalog)
        await _refresh(ctx, catalog)
    raise Unavailable("Other requests are changing the same contact: try again in a second.")


async def _find(ctx: WriteContext, workspace_id: str, phone: str | None, email_key: str | None) -> Found:
    """The active contacts with this phone and this e-mail; simultaneous upserts share the look-ups."""
    if ctx.work.conn is not None:
        return await find(ctx.work.conn, workspace_id, phone, email_key)
    reader = ctx.shared.contacts
    by_phone = await reader.by_phone(workspace_id, phone) if phone else None
    by_email = await reader.by_email(workspace_id, email_key) if email_key else None
    return Found(by_phone and by_phone["id"], by_email and by_email["id"])


async def _refresh(ctx: WriteContext, catalog: Catalog) -> None:
    """Raises Stale if the catalogue, and not another contact, prevented the creation."""
    if await ctx.shared.catalogs.newest(catalog, ctx.work.conn) is not catalog:
        raise Stale
