"""The page of one contact, and of a new one: its fields in a form, its history, deletion and purge."""

from datetime import datetime
from functools import partial
from typing import Any, cast

import msgspec

from contactory.base.ids import parse_number
from contactory.catalog.calls import catalog_of, catalogs_of, of_actor, with_catalog
from contactory.catalog.catalog import Catalog
from contactory.contacts.api.context import context_of
from contactory.contacts.api.many import EVENT_CURSOR
from contactory.contacts.api.services import services_of
from contactory.contacts.columns import Column, columns_of, in_words, title_of, value_of
from contactory.contacts.consent import Consent, show_consent
from contactory.contacts.model import Contact, Values, parse_values, scalars_of
from contactory.contacts.pages.availability import AvailabilityPanel, availability_panel
from contactory.contacts.pages.consent_forms import Refused, consents
from contactory.contacts.pages.edit import change_by_form, patch_of, texts_of
from contactory.contacts.pages.first_country import country_question, with_country
from contactory.contacts.pages.tag_forms import from_lines, new_set
from contactory.contacts.read.history import timeline
from contactory.contacts.read.show import show
from contactory.contacts.write.change import new_change
from contactory.contacts.write.commands import create, write
from contactory.contacts.write.purge import purge
from contactory.contacts.write.statement import RESTORE
from contactory.contacts.write.undo import delete, undo, undoable
from contactory.dashboard.html import at_input, see_other
from contactory.dashboard.inputs import DONE, as_shown, touched
from contactory.dashboard.visits import done_of, html_page, html_part, page_path, visit_of, wants_page
from contactory.local_time.wall_clock import WallClock, wall_clock
from contactory.rules.checks import Errors
from contactory.rules.errors import (
    Conflict,
    FieldError,
    NotFound,
    PreconditionFailed,
    Problem,
    ValidationProblem,
)
from contactory.rules.invalid import Invalid
from contactory.web.messages import Response
from contactory.web.operations import Call

_HERE = "contacts"
EVENTS = 20
PURGE_WORD = "purge"
CONTACT_QUERY = {"cursor": EVENT_CURSOR, **DONE}
_DONE = {
    "saved": "Contact saved.",
    "same": "Nothing has changed.",
    "created": "Contact created.",
    "undone": "The change was undone.",
    "restored": "Contact restored.",
    "consent": "Consent saved.",
}


class Shown(msgspec.Struct):
    """A contact for its page."""

    contact: Contact
    version: int
    deleted_at: datetime | None
    consent: Consent
    panel: AvailabilityPanel | None
    """None for a deleted contact."""

    @property
    def name(self) -> str:
        """The name to show."""
        full = " ".join(filter(None, (self.contact.first_name, self.contact.last_name)))
        return full or self.contact.email or self.contact.phone or "No name"

    @property
    def clock(self) -> WallClock | None:
        """The contact's clock."""
        return wall_clock(self.contact.timezone)


class Field(msgspec.Struct):
    """A field of the form."""

    column: Column
    value: str
    error: str = ""
    other: str = ""
    """The other contact that has this phone or e-mail."""
    now: str | None = None
    """The current value, if another user has changed it in the meantime."""
    tags: list[str] = []
    """One by one, for a script, because names may have line breaks."""


async def read_shown(call: Call, catalog: Catalog, contact_id: str) -> Shown:
    """A contact; a deleted one only for an admin. Raises NotFound."""
    sees_deleted = call.actor.may("admin")
    row = await services_of(call).contacts.active(catalog.workspace_id, contact_id, deleted_too=sees_deleted)
    contact = await show(catalogs_of(call), catalog, row, contact_id)
    panel = availability_panel(row, catalog) if row["deleted_at"] is None else None
    return Shown(contact, row["version"], row["deleted_at"], show_consent(row["consent"]), panel)


def _text(value: Any) -> str:
    """A value in the form of its input; each tag on its own line."""
    return "\n".join(cast("list[str]", value)) if isinstance(value, list) else value or ""


def fields_of(catalog: Catalog, contact: Contact | None) -> list[Field]:
    columns = [column for column in columns_of(catalog) if column.editable]
    fields = [Field(column, _text(value_of(contact, column)) if contact else "") for column in columns]
    for field in fields:
        if contact and field.column.kind == "tags":
            field.tags = contact.tags
    return fields


def _with_problem(
    fields: list[Field], form: dict[str, list[str]], problem: Problem, *, moved: bool = False
) -> list[Field]:
    """The sent form, with the error of each field; with `moved`, also the current values."""
    errors = {_key(error): error for error in problem.errors}
    for field in fields:
        key, stored = field.column.key, field.value
        if key in form:
            field.value = "\n".join(form[key]) if key == "tags" else form[key][-1]
            field.tags = from_lines(field.value, field.tags)
        error = errors.get(field.column.title if key.startswith("field-") else key)
        if error is not None:
            field.error, field.other = at_input(error), error.contact_id or ""
        if moved and as_shown(field.value) != as_shown(stored):
            field.now = stored
    return fields


def _key(error: FieldError) -> str:
    """The API's name of the field that an error is about."""
    path = (error.pointer or "").removeprefix("/").split("/")
    name = path[1] if path[0] == "customFields" and len(path) > 1 else path[0]
    return name.replace("~1", "/").replace("~0", "~")


async def show_reach(call: Call) -> Response:
    """Whether the contact may be contacted now; for a script."""
    shown = await read_shown(call, await catalog_of(call), call.path_id())
    if shown.panel is None:
        raise NotFound
    target = page_path(call, f"{_HERE}/{shown.contact.id}")
    return html_part(call, "contacts/availability.html", panel=shown.panel, target=target)


@with_catalog(of_actor)
async def show_contact(call: Call, catalog: Catalog) -> Response:
    """The page of a contact; for a script further events of its history."""
    contact_id = call.path_id()
    shown = await read_shown(call, catalog, contact_id)
    if not wants_page(call.request):
        return html_part(call, "contacts/events.html", **await _history(call, shown))
    return await contact_page(call, shown, fields_of(catalog, shown.contact))


async def _history(call: Call, shown: Shown) -> dict[str, Any]:
    contact = shown.contact
    async with call.connection() as conn:
        events, following = await timeline(
            conn, contact.workspace_id, contact.id, EVENTS, call.query.get("cursor")
        )
    here = page_path(call, _HERE)
    return {
        "events": [(version, event, undoable(event)) for version, event in events],
        "older": f"{here}/{contact.id}?cursor={following.text()}" if following else None,
        "dropped": not following and (not events or events[-1][0] > 1),
        "here": here,
        "shown": shown,
        "title_of": title_of,
        "in_words": in_words,
    }


async def contact_page(
    call: Call,
    shown: Shown,
    fields: list[Field],
    status: int = 200,
    problem: str = "",
    refused: Refused | None = None,
) -> Response:
    """The whole page; with the values and errors of a refused form."""
    values = await _history(call, shown)
    values |= {"fields": fields, "problem": problem, "word": PURGE_WORD, "panel": shown.panel}
    values["done"] = done_of(call, _DONE)
    values["consents"] = consents(shown.consent, refused)
    return await html_page(call, "contacts/contact.html", status, **values)


@with_catalog(of_actor)
async def save_contact(call: Call, catalog: Catalog) -> Response:
    """Changes the values that differ; a refused form is shown again with its errors."""
    contact_id, form = call.path_id(), visit_of(call).form
    try:
        written = await change_by_form(call, contact_id, catalog, by_line=True)
    except (ValidationProblem, Conflict, PreconditionFailed) as problem:
        shown = await read_shown(call, catalog, contact_id)
        moved = isinstance(problem, PreconditionFailed)
        fields = _with_problem(fields_of(catalog, shown.contact), form, problem, moved=moved)
        detail = _MOVED if moved else _wrong(fields, problem)
        return await contact_page(call, shown, fields, problem.status, detail)
    if written.changed:
        visit_of(call).note_step("changed", contact_id, written.version)
    return _done(call, contact_id, "saved" if written.changed else "same")


def _done(call: Call, contact_id: str, done: str) -> Response:
    """Redirects to the page of a contact, which says what was done."""
    return see_other(page_path(call, f"{_HERE}/{contact_id}?done={done}"))


def _wrong(fields: list[Field], problem: Problem) -> str:
    """The sentence above a refused form: which fields to correct."""
    named = [field.column.title for field in fields if field.error]
    return f"Nothing was saved. Correct this first: {', '.join(named)}." if named else problem.detail


_MOVED = (
    "Another user or program has changed this contact in the meantime. The current value is below each "
    "value that differs: check them, and save again."
)


async def show_new(call: Call) -> Response:
    """The form for a new contact."""
    catalog = await catalog_of(call)
    return await _new_page(call, catalog, fields_of(catalog, None))


async def _new_page(
    call: Call, catalog: Catalog, fields: list[Field], status: int = 200, problem: str = ""
) -> Response:
    return await html_page(
        call,
        "contacts/new.html",
        status,
        fields=fields,
        problem=problem,
        country=country_question(call, catalog),
        here=page_path(call, _HERE),
    )


@with_catalog(of_actor)
async def make_contact(call: Call, catalog: Catalog) -> Response:
    """Creates a contact; a refused form is shown again with its errors."""
    form, catalog = visit_of(call).form, await with_country(call, catalog)
    try:
        made = await create(context_of(call), _new_values(call, catalog), catalog)
    except (ValidationProblem, Conflict) as problem:
        fields = _with_problem(fields_of(catalog, None), form, problem)
        return await _new_page(call, catalog, fields, problem.status, _wrong(fields, problem))
    visit_of(call).note_step("created", made.contact.id, made.version)
    return _done(call, made.contact.id, "created")


def _new_values(call: Call, catalog: Catalog) -> Values:
    """The values of a new contact. Raises ValidationProblem, also if there are none."""
    visit, errors, empty = visit_of(call), Errors(), texts_of(catalog)
    sent = {name: visit.value(name) for name in empty if name in visit.form}
    data = patch_of(touched(sent, empty), catalog)
    values = parse_values(data, catalog, errors) if data else Values()
    names = from_lines("\n".join(visit.form.get("tags", ())))
    values.tags = new_set(names, (), call.app.settings.max_tags_per_contact, catalog, errors)
    errors.check()
    if (
        not any(scalars_of(values).values())
        and not values.tags
        and not any(v is not None for v in values.fields.values())
    ):
        errors.add(Invalid("no_fields", "Fill in at least one field"))
    errors.check()
    return values


@with_catalog(of_actor)
async def undo_change(call: Call, catalog: Catalog) -> Response:
    """Undoes one change of the history."""
    contact_id, version = call.path_id(), _version(call)
    try:
        undone = await undo(context_of(call), catalog, contact_id, version)
    except (ValidationProblem, Conflict) as problem:
        shown = await read_shown(call, catalog, contact_id)
        return await contact_page(
            call, shown, fields_of(catalog, shown.contact), problem.status, problem.detail
        )
    if undone.changed:
        visit_of(call).note_step("undone", contact_id, undone.version, version)
    return _done(call, contact_id, "undone")


def _version(call: Call) -> int:
    version = parse_number(visit_of(call).value("version"))
    if version is None:
        raise NotFound
    return version


@with_catalog(of_actor)
async def delete_contact(call: Call, catalog: Catalog) -> Response:
    """Deletes a contact; the grid offers to undo that."""
    contact_id = call.path_id()
    deleted = await delete(context_of(call), catalog, contact_id)
    visit_of(call).note_step("deleted", contact_id, deleted.version)
    return see_other(page_path(call, f"{_HERE}?deleted={contact_id}"))


@with_catalog(of_actor)
async def restore_contact(call: Call, catalog: Catalog) -> Response:
    """Restores a deleted contact."""
    contact_id = call.path_id()
    ctx = context_of(call)
    restored = await write(ctx, new_change(ctx, catalog, contact_id, RESTORE), catalog)
    if restored.changed:
        visit_of(call).note_step("restored", contact_id, restored.version)
    return _done(call, contact_id, "restored")


async def purge_contact(call: Call) -> Response:
    """Purges a contact with every trace of its values, if the confirmation word was typed."""
    contact_id = call.path_id()
    catalog = await catalog_of(call)
    if visit_of(call).value("word").strip().casefold() != PURGE_WORD:
        shown = await read_shown(call, catalog, contact_id)
        detail = f"Nothing was purged: type the word {PURGE_WORD} to purge the contact."
        return await contact_page(call, shown, fields_of(catalog, shown.contact), 400, detail)
    async with call.transaction() as conn:
        if not await purge(conn, catalog.workspace_id, contact_id, call.actor, call.request.request_id):
            raise NotFound
    call.after_commit(partial(services_of(call).search.note, catalog.workspace_id, [contact_id]))
    return see_other(page_path(call, f"{_HERE}?done=purged"))
