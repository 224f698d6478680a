"""Writing one contact on behalf of a call: through the writers, or inside the call's own transaction."""

from functools import partial

import msgspec

from contactory.catalog.catalog import Catalog
from contactory.contacts.consent import born, parse_consent, undated
from contactory.contacts.model import Contact, Values, show_fields
from contactory.contacts.write.change import Change, Outcome
from contactory.contacts.write.create import NewContact, create_contacts
from contactory.contacts.write.lanes import Found, apply_changes, find, identifiers
from contactory.contacts.write.queue import Apart
from contactory.contacts.write.statement import FILL, FINDABLE, MATCH, NO_GAIN, RESTORE, STALE_TAGS, TIMEZONE
from contactory.database.constraints import TAKEN, Violation
from contactory.database.db import Row, translated
from contactory.rules.actor import Actor
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
from contactory.values.phones import derive_zone
from contactory.web.operations import Call, Stale

OVERTAKEN = "{} has been changed again since: take that back first, or change it by hand."
_ATTEMPTS = 8  # Each means that somebody else changed just what this call had looked at.


class Written(msgspec.Struct):
    """A contact as a write has left it."""

    contact: Contact
    version: int
    created: bool = False
    changed: bool = True
    """Whether the write made any difference."""
    consent: str | None = None
    """As the row holds it; not said of a contact that was made."""


def new_change(call: Call, catalog: Catalog, contact_id: str, mask: int = 0) -> Change:
    """A change of a contact by this call, still empty."""
    return Change(
        workspace_id=catalog.workspace_id,
        contact_id=contact_id,
        mask=mask | STALE_TAGS if catalog.stale_tags else mask,
        catalog_version=catalog.version,
        actor_type=call.actor.type,
        actor_id=call.actor.id,
        via=call.actor.via,
        request_id=call.request.request_id,
    )


async def write(call: Call, change: Change, catalog: Catalog) -> Written:
    """Commits `change`. Raises the Problem that stands in its way, or Stale."""
    for _ in range(_ATTEMPTS):
        try:
            outcome = await _commit(call, change)
        except Violation:
            await _refuse_clash(call, change)
            continue
        refuse(outcome)
        return await written(call, change, outcome, catalog)
    raise Unavailable("Others are changing the same contacts: try again in a second.")


async def write_consent(
    call: Call, catalog: Catalog, contact_id: str, data: Object, if_match: list[int] | None = None
) -> Written:
    """Writes down a consent; what `data` leaves out stays as it is. Raises ValidationProblem, as write()."""
    errors = Errors()
    given = parse_consent(data, errors)
    if not data:
        errors.add(Invalid("no_fields", "At least one field must be provided"))
    errors.check()
    change = new_change(call, catalog, contact_id)
    change.take_consent(given)
    change.if_match = if_match
    return await write(call, change, catalog)


async def _commit(call: Call, change: Change) -> Outcome:
    if call.conn is None:
        return await call.app.changes.put(change)
    with translated():
        async with call.transaction() as conn:
            [outcome] = await apply_changes(conn, [change], call.app.settings)
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


async def _refuse_clash(call: Call, change: Change) -> None:
    """Raises Conflict naming the contact that has the phone or e-mail; returns where it has just let go."""
    phone, email_key = change.phone, change.email_key
    async with call.connection() as conn:
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


def learn(call: Call, change: Change, outcome: Outcome, catalog: Catalog) -> None:
    """Tells those who have to know of it what a change has done."""
    if change.mask & FINDABLE and outcome.verdict == "changed":
        call.after_commit(partial(call.app.search.note, change.workspace_id, [change.contact_id]))
    catalog.learn_tags(outcome.made_tags)


async def written(call: Call, change: Change, outcome: Outcome, catalog: Catalog) -> Written:
    """The contact as a change has left it."""
    learn(call, change, outcome, catalog)
    contact = await show(call, outcome.row, change.contact_id, catalog)
    return Written(
        contact,
        outcome.row["version"],
        changed=outcome.verdict == "changed",
        consent=outcome.row["consent"],
    )


async def show(call: Call, row: Row, contact_id: str, catalog: Catalog) -> Contact:
    """A contact's row as the API shows it."""
    [contact] = await show_all(call, [(contact_id, row)], catalog)
    return contact


async def show_all(call: Call, rows: list[tuple[str, Row]], catalog: Catalog) -> list[Contact]:
    """Contacts, each given by its id and row, as the API shows them."""
    await call.app.catalogs.tag_names(catalog, [row["tag_ids"] for _, row in rows], call.conn)
    if call.conn is not None:
        call.touched += [contact_id for contact_id, _ in rows]
    return [_contact(row, contact_id, catalog) for contact_id, row in rows]


def _contact(row: Row, contact_id: str, catalog: Catalog) -> Contact:
    return Contact(
        contact_id,
        catalog.workspace_id,
        row["first_name"],
        row["last_name"],
        row["email"],
        row["phone"],
        row["timezone"],
        catalog.show_tags(row["tag_ids"]),
        show_fields(row["fields"], catalog),
        row["created_at"],
        row["updated_at"],
    )


def new_contact(call: Call, values: Values, catalog: Catalog) -> NewContact:
    """The contact that `values` describe, as this call is to make it."""
    new = born_of(values, catalog, call.actor, call.request.request_id)
    _refuse_too_much(new, call)
    return new


def born_of(values: Values, catalog: Catalog, actor: Actor, request_id: str) -> NewContact:
    """The contact that `values` describe; its time zone is the given one, or that of phone or workspace."""
    new = NewContact(
        workspace_id=catalog.workspace_id,
        actor=actor,
        request_id=request_id,
        catalog_version=catalog.version,
        via=actor.via,
        first_name=values.first_name,
        last_name=values.last_name,
        email=values.email,
        email_key=values.email_key,
        phone=values.phone,
        tag_ids=sorted(catalog.tag_ids[name] for name in values.tags if name in catalog.tag_ids),
        new_tags=[name for name in values.tags if name not in catalog.tag_ids],
        fields={num: value for num, value in values.fields.items() if value is not None},
        consent=born(values.consent),
        undated=undated(values.consent),
    )
    if values.timezone:
        new.timezone, new.timezone_source = values.timezone, "caller"
    else:
        derived = derive_zone(values.phone, catalog.timezone, catalog.country)
        new.timezone, new.timezone_source = derived.timezone, derived.source
        new.timezones = list(derived.zones) if len(derived.zones) > 1 else []
    return new


def _refuse_too_much(new: NewContact, call: Call) -> None:
    if sum(map(len, new.fields.values())) > call.app.settings.max_custom_characters:
        refuse(Outcome("characters"))
    if len(new.tag_ids) + len(new.new_tags) > call.app.settings.max_tags_per_contact:
        refuse(Outcome("tags"))


async def create(call: Call, values: Values, catalog: Catalog) -> Written:
    """Makes a contact. Raises Conflict where its phone or e-mail is taken, or Stale."""
    new = new_contact(call, values, catalog)
    made = await _insert(call, new)
    if made is None:
        async with call.connection() as conn:
            refuse_taken(await find(conn, new.workspace_id, new.phone, new.email_key))
        raise Stale
    return _made(call, made, values, catalog)


async def _insert(call: Call, new: NewContact) -> NewContact | None:
    if call.conn is None:
        return await call.app.creates.put(new)
    try:
        with translated():
            async with call.transaction() as conn:
                [made] = await create_contacts(conn, [new], call.app.settings)
    except Apart:
        return None
    return made


def _made(call: Call, new: NewContact, values: Values, catalog: Catalog) -> Written:
    catalog.learn_tags(new.made_tags)
    call.after_commit(partial(call.app.search.note, new.workspace_id, [new.id]))
    call.touched.append(new.id)
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
    call: Call, values: Values, catalog: Catalog, preserve: bool, known: Found | None = None
) -> Written:
    """Changes the active contact with that phone, else with that e-mail, else makes one.

    `preserve`: only what is empty takes the value given. `known`: who was found a moment ago. Raises Conflict
    where phone and e-mail belong to two contacts, or Stale.
    """
    for _ in range(_ATTEMPTS):
        found, known = known, None
        if found is None:
            async with call.connection() as conn:
                found = await find(conn, catalog.workspace_id, values.phone, values.email_key)
        if found.by_phone and found.by_email and found.by_phone != found.by_email:
            refuse_taken(found)
        if found.id:
            change = new_change(call, catalog, found.id)
            change.take(values, catalog)
            change.mask |= MATCH | (FILL if preserve else 0)
            if found.has(values.phone, values.email_key):
                change.mask |= NO_GAIN
            if not preserve:
                change.mask &= ~TIMEZONE
            try:
                outcome = await _commit(call, change)
            except Violation:
                continue  # Another contact took the phone or e-mail just now; the next look finds it.
            if outcome.verdict in ("missing", "moved"):
                continue
            refuse(outcome)
            return await written(call, change, outcome, catalog)
        made = await _insert(call, new_contact(call, values, catalog))
        if made is not None:
            return _made(call, made, values, catalog)
        await _refresh(call, catalog)
    raise Unavailable("Others are changing the same contact: try again in a second.")


async def _refresh(call: Call, catalog: Catalog) -> None:
    """Raises Stale where the catalogue, and no other contact, was what kept the new one from being made."""
    if await call.newest(catalog) is not catalog:
        raise Stale
