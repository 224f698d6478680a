"""The operations on one contact."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeAlias

import msgspec

from contactory.catalog.catalog import Catalog
from contactory.contacts.consent import show_consent
from contactory.contacts.model import Values, parse_tags, parse_upsert, parse_values
from contactory.contacts.write.commands import Written, create, new_change, show, upsert, write, write_consent
from contactory.contacts.write.lanes import locate
from contactory.contacts.write.purge import address_ids, purge
from contactory.contacts.write.statement import DELETE, RESTORE, TAGS_REMOVE, TAGS_SET
from contactory.database.db import Row
from contactory.rules.checks import BOOLEAN, WORKSPACE_ID, Errors, Form, Object, is_blank, one_of
from contactory.rules.errors import Forbidden, NotFound, ValidationProblem
from contactory.rules.invalid import Invalid
from contactory.values.names import display_name
from contactory.web.messages import Response, json_response
from contactory.web.operations import Call

Parse: TypeAlias = Callable[[Object, Catalog, Errors], Values]
Make: TypeAlias = Callable[[Values, Catalog, Object], Awaitable[Written]]
INCLUDE = one_of("deleted", "timezones", "consent", "version")._replace(many=True)


async def home(call: Call, contact_id: str) -> str:
    """The workspace that a contact is in, or would be in. Raises NotFound."""
    if call.actor.workspace_id is not None:
        return call.actor.workspace_id
    found = call.app.homes.get((call.actor.account_id, call.actor.mode, contact_id))
    if found is None:
        async with call.connection() as conn:
            found = await locate(conn, call.actor, contact_id)
        if found is None:
            raise NotFound
        call.app.homes.put((call.actor.account_id, call.actor.mode, contact_id), found)
    return found


def versions(header: str | None) -> list[int] | None:
    """The versions that If-Match or If-None-Match names; None where it is missing or `*`.

    An entity tag that is none of ours is a version that no contact has.
    """
    if header is None or header.strip() == "*":
        return None
    tags = [tag.strip().removeprefix("W/").strip('"') for tag in header.split(",")]
    return [int(tag) if tag.isascii() and tag.isdigit() and len(tag) < 19 else -1 for tag in tags]


def if_match(call: Call) -> list[int] | None:
    """The versions that the contact must be at, or None for any."""
    header = call.request.header("if-match")
    if header is not None and "W/" in header:
        return [-1]  # If-Match compares strongly (RFC 9110, 13.1.1), so a weak tag never matches.
    return versions(header)


def etag(version: int) -> tuple[str, str]:
    """The header that tells a contact's version."""
    return "etag", f'"{version}"'


def answer(call: Call, written: Written) -> Response:
    """A contact as a write has left it, with its ETag."""
    headers = [etag(written.version)]
    if written.created:
        headers.append(("location", call.url(f"/v1/contacts/{written.contact.id}")))
    return json_response(201 if written.created else 200, written.contact, headers)


async def update_contact(call: Call) -> Response:
    """Changes only what is sent."""
    contact_id = call.path_id()

    async def attempt(catalog: Catalog) -> Response:
        errors = Errors()
        values = parse_values(call.body, catalog, errors)
        errors.check()
        change = new_change(call, catalog, contact_id)
        change.take(values, catalog)
        change.if_match = if_match(call)
        return answer(call, await write(call, change, catalog))

    return await call.by_catalog(await home(call, contact_id), attempt)


STEERING = {"workspaceId": WORKSPACE_ID, "preserveExisting": BOOLEAN}


def take_steering(data: Object, errors: Errors, *names: str) -> Object:
    """Takes out of `data` what is not a field of a contact, checked; an empty string counts as not given."""
    sent = {name: data.pop(name) for name in names if name in data}
    given = {name: value for name, value in sent.items() if not is_blank(value)}
    return Form({name: STEERING[name] for name in names}).collect(given, errors)


async def _made_of(call: Call, parse: Parse, make: Make, *names: str) -> Response:
    data, early = call.body, Errors()
    given = take_steering(data, early, "workspaceId", *names)
    if call.actor.workspace_id is None and given.get("workspaceId") is None:
        early.check()

    async def attempt(catalog: Catalog) -> Response:
        errors = Errors()
        errors.found += early.found
        values = parse(data, catalog, errors)
        call.named = address_ids(catalog.workspace_id, values.phone, values.email_key)
        errors.check()
        return answer(call, await make(values, catalog, given))

    return await call.by_catalog(given.get("workspaceId"), attempt)


async def create_contact(call: Call) -> Response:
    """Makes a contact."""
    return await _made_of(call, parse_values, lambda values, catalog, _: create(call, values, catalog))


async def upsert_contact(call: Call) -> Response:
    """Changes the contact with that phone or e-mail, or makes it."""
    return await _made_of(
        call,
        parse_upsert,
        lambda values, catalog, given: upsert(call, values, catalog, given.get("preserveExisting", False)),
        "preserveExisting",
    )


async def get_contact(call: Call) -> Response:
    """One contact."""
    contact_id = call.path_id()
    include = set(call.query.get("include", ()))
    if "deleted" in include and not call.actor.may("admin"):
        raise Forbidden("Only a key with the permission admin sees deleted contacts.")
    row, catalog = await _read(call, contact_id, "deleted" in include)
    if _has(call, row["version"]):
        return Response(304, b"", [etag(row["version"])])
    contact = await show(call, row, contact_id, catalog)
    return json_response(200, with_extras(contact, row, include), [etag(row["version"])])


async def _read(call: Call, contact_id: str, deleted_too: bool = False) -> tuple[Row, Catalog]:
    """A contact's row and its workspace's catalogue. Raises NotFound."""
    workspace_id = await home(call, contact_id)
    row = await call.app.contacts.get(workspace_id, contact_id)
    if row is None or (row["deleted_at"] is not None and not deleted_too):
        raise NotFound
    return row, await call.catalog(workspace_id)  # Where the workspace is gone, so is the contact.


def _has(call: Call, version: int) -> bool:
    """Whether the caller says that it has this version (RFC 9110, 13.1.2)."""
    known = call.request.header("if-none-match")
    return known is not None and (known.strip() == "*" or version in (versions(known) or ()))


def with_extras(contact: Any, row: Any, include: set[str]) -> Any:
    """The contact with what was asked for besides its eleven keys."""
    if not include:
        return contact
    extras: Object = {}
    if "deleted" in include:
        extras["deletedAt"] = row["deleted_at"]
    if "timezones" in include:
        extras["timezones"] = row["timezones"] or ([row["timezone"]] if row["timezone"] else [])
        extras["timezoneSource"] = row["timezone_source"]
    if "consent" in include:
        extras["consent"] = show_consent(row["consent"])
    if "version" in include:
        extras["version"] = row["version"]
    return {**msgspec.to_builtins(contact), **extras}


async def delete_contact(call: Call) -> Response:
    """Deletes a contact softly, or erases it."""
    contact_id = call.path_id()
    purging = call.query.get("purge", False)
    if purging and not call.actor.may("admin"):
        raise Forbidden("Purging needs a key with the permission admin.")
    workspace_id = await home(call, contact_id)
    if purging:
        return await _purge(call, workspace_id, contact_id)

    async def attempt(catalog: Catalog) -> Response:
        change = new_change(call, catalog, contact_id, DELETE)
        change.if_match = if_match(call)
        await write(call, change, catalog)
        return Response(204)

    return await call.by_catalog(workspace_id, attempt)


async def _purge(call: Call, workspace_id: str, contact_id: str) -> Response:
    await call.catalog(workspace_id)
    async with call.transaction() as conn:
        if not await purge(conn, workspace_id, contact_id, call.actor, call.request.request_id):
            raise NotFound
    call.after_commit(partial(call.app.search.note, workspace_id, [contact_id]))
    return Response(204)


async def restore_contact(call: Call) -> Response:
    """Makes a deleted contact active again."""
    contact_id = call.path_id()

    async def attempt(catalog: Catalog) -> Response:
        change = new_change(call, catalog, contact_id, RESTORE)
        return answer(call, await write(call, change, catalog))

    return await call.by_catalog(await home(call, contact_id), attempt)


async def set_tags(call: Call) -> Response:
    """Replaces a contact's tags."""
    contact_id = call.path_id()

    async def attempt(catalog: Catalog) -> Response:
        errors = Errors()
        for name in call.body.keys() - {"tags"}:
            errors.unknown(name, ("tags",), "field", name)
        names = parse_tags(call.body.get("tags"), catalog, errors, "tags")
        errors.check()
        change = new_change(call, catalog, contact_id)
        change.take_tags(names, catalog, TAGS_SET)
        change.if_match = if_match(call)
        return answer(call, await write(call, change, catalog))

    return await call.by_catalog(await home(call, contact_id), attempt)


async def remove_tag(call: Call) -> Response:
    """Takes a tag off a contact."""
    contact_id = call.path_id()
    try:
        name = display_name(call.path["name"])
    except Invalid as error:
        raise ValidationProblem(error.detail) from None

    async def attempt(catalog: Catalog) -> Response:
        change = new_change(call, catalog, contact_id, TAGS_REMOVE)
        await call.app.catalogs.tag_ids(catalog, [name], call.conn)
        change.tag_ids = catalog.aliases(name)
        change.if_match = if_match(call)
        await write(call, change, catalog)
        return Response(204)

    return await call.by_catalog(await home(call, contact_id), attempt)


async def get_consent(call: Call) -> Response:
    """What is known of a contact's consent."""
    contact_id = call.path_id()
    row, _ = await _read(call, contact_id)
    if _has(call, row["version"]):
        return Response(304, b"", [etag(row["version"])])
    return json_response(200, show_consent(row["consent"]), [etag(row["version"])])


async def set_consent(call: Call) -> Response:
    """Writes down a consent; what is left out stays as it is."""
    contact_id = call.path_id()

    async def attempt(catalog: Catalog) -> Response:
        written = await write_consent(call, catalog, contact_id, call.body, if_match(call))
        return json_response(200, show_consent(written.consent), [etag(written.version)])

    return await call.by_catalog(await home(call, contact_id), attempt)
