"""Writing one contact: through the writers, or inside the transaction that the whole work runs in."""

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

OVERTAKEN = "{} has been changed again since: take that back first, or change it by hand."
_ATTEMPTS = 8  # Each means that another write changed just what this one had looked at.


class Written(msgspec.Struct):
    """A contact as a write has left it."""

    contact: Contact
    version: int
    created: bool = False
    changed: bool = True
    """Whether the write made any difference."""
    consent: str | None = None
    """As the row holds it; not said of a contact that was made."""


async def write(ctx: WriteContext, change: Change, catalog: Catalog) -> Written:
    """Commits `change`. Raises the Problem that stands in its way, or Stale."""
    for _ in range(_ATTEMPTS):
        try:
            outcome = await _commit(ctx, change)
        except Violation:
            await _refuse_clash(ctx, change)
            continue
        refuse(outcome)
        return await written(ctx, change, outcome, catalog)
    raise Unavailable("Others are changing the same contacts: try again in a second.")


async def write_consent(
    ctx: WriteContext, catalog: Catalog, contact_id: str, data: Object, if_match: list[int] | None = None
) -> Written:
    """Writes down a consent; what `data` leaves out stays as it is. Raises ValidationProblem, as write()."""
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
        return await ctx.shared.changes.put(change)
    with translated():
        async with ctx.work.transaction() as conn:
            [outcome] = await apply_changes(conn, [change], ctx.shared.settings)
    return outcome


def refuse(outcome: Outcome) -> None:
    """Raises what an outcome means to the caller, where nothing was written."""
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
                "/tags", "too_many_tags", "The contact would carry more tags than a contact may"
            )
        case "characters":
            detail = "The contact's custom values would have more characters than a contact may hold"
            raise _past_limit("/customFields", "too_long", detail)
        case _:
            return


def _past_limit(pointer: str, code: str, detail: str) -> ValidationProblem:
    return ValidationProblem(errors=[FieldError(pointer, None, code, detail)])


async def _refuse_clash(ctx: WriteContext, change: Change) -> None:
    """Raises Conflict naming the contact that has the phone or e-mail; returns where it has just let go."""
    phone, email_key = change.phone, change.email_key
    async with ctx.work.connection() as conn:
        if change.mask & RESTORE:
            phone, email_key = await identifiers(conn, *change.key)
        found = await find(conn, change.workspace_id, phone, email_key)
    refuse_taken(found, change.contact_id)


def refuse_taken(found: Found, own_id: str | None = None) -> None:
    """Raises Conflict where a contact other than `own_id` was found; its id is named."""
    taken = [("phone", found.by_phone), ("email", found.by_email)]
    errors = [
        TAKEN[f"contacts_{name}"].error(contact_id)
        for name, contact_id in taken
        if contact_id and contact_id != own_id
    ]
    if errors:
        raise Conflict(errors=errors)


def learn(ctx: WriteContext, change: Change, outcome: Outcome, catalog: Catalog) -> None:
    """Tells those who have to know of it what a change has done."""
    if change.mask & FINDABLE and outcome.verdict == "changed":
        ctx.work.after_commit(partial(ctx.shared.search.note, change.workspace_id, [change.contact_id]))
    catalog.learn_tags(outcome.made_tags)


async def written(ctx: WriteContext, change: Change, outcome: Outcome, catalog: Catalog) -> Written:
    """The contact as a change has left it."""
    learn(ctx, change, outcome, catalog)
    ctx.touched.append(change.contact_id)
    contact = await show(ctx.shared.catalogs, catalog, outcome.row, change.contact_id, ctx.work.conn)
    return Written(
        contact,
        outcome.row["version"],
        changed=outcome.verdict == "changed",
        consent=outcome.row["consent"],
    )


def _new(ctx: WriteContext, values: Values, catalog: Catalog) -> NewContact:
    """The contact that `values` describe. Raises ValidationProblem where it would be too much."""
    new, settings = new_contact(ctx, values, catalog), ctx.shared.settings
    if sum(map(len, new.fields.values())) > settings.max_custom_characters:
        refuse(Outcome("characters"))
    if len(new.tag_ids) + len(new.new_tags) > settings.max_tags_per_contact:
        refuse(Outcome("tags"))
    return new


async def create(ctx: WriteContext, values: Values, catalog: Catalog) -> Written:
    """Makes a contact. Raises Conflict where its phone or e-mail is taken, or Stale."""
    new = _new(ctx, values, catalog)
    made = await _insert(ctx, new)
    if made is None:
        async with ctx.work.connection() as conn:
            refuse_taken(await find(conn, new.workspace_id, new.phone, new.email_key))
        raise Stale
    return _made(ctx, made, values, catalog)


async def _insert(ctx: WriteContext, new: NewContact) -> NewContact | None:
    if ctx.work.conn is None:
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
    contact = Contact(
        new.id,
        new.workspace_id,
        new.first_name,
        new.last_name,
        new.email,
        new.phone,
        new.timezone,
        sorted(values.tags),
        {field.name: new.fields[num] for num, field in catalog.fields_by_num.items() if num in new.fields},
        new.at,
        new.at,
    )
    return Written(contact, 1, created=True)


async def upsert(
    ctx: WriteContext, values: Values, catalog: Catalog, preserve: bool, known: Found | None = None
) -> Written:
    """Changes the active contact with that phone, else with that e-mail, else makes one.

    `preserve`: only what is empty takes the value given. `known`: who was found a moment ago. Raises Conflict
    where phone and e-mail belong to two contacts, or Stale.
    """
    for _ in range(_ATTEMPTS):
        found, known = known, None
        if found is None:
            async with ctx.work.connection() as conn:
                found = await find(conn, catalog.workspace_id, values.phone, values.email_key)
        if found.by_phone and found.by_email and found.by_phone != found.by_email:
            refuse_taken(found)
        if found.id:
            change = new_change(ctx, catalog, found.id)
            change.take(values, catalog)
            change.mask |= MATCH | (FILL if preserve else 0)
            if found.has(values.phone, values.email_key):
                change.mask |= NO_GAIN
            if not preserve:
                change.mask &= ~TIMEZONE
            try:
                outcome = await _commit(ctx, change)
            except Violation:
                continue  # Another contact took the phone or e-mail just now; the next look finds it.
            if outcome.verdict in ("missing", "moved"):
                continue
            refuse(outcome)
            return await written(ctx, change, outcome, catalog)
        made = await _insert(ctx, _new(ctx, values, catalog))
        if made is not None:
            return _made(ctx, made, values, catalog)
        await _refresh(ctx, catalog)
    raise Unavailable("Others are changing the same contact: try again in a second.")


async def _refresh(ctx: WriteContext, catalog: Catalog) -> None:
    """Raises Stale where the catalogue, and no other contact, was what kept the new one from being made."""
    if await ctx.shared.catalogs.newest(catalog, ctx.work.conn) is not catalog:
        raise Stale
