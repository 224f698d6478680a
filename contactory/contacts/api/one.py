"""The operations on one contact."""

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from contactory.base.ids import parse_number
from contactory.catalog.calls import Where, by_catalog, catalog_of, catalogs_of, with_catalog, workspace_of
from contactory.catalog.catalog import Catalog
from contactory.contacts.api.answers import answer, etag
from contactory.contacts.api.context import context_of
from contactory.contacts.api.services import services_of
from contactory.contacts.consent import show_consent
from contactory.contacts.model import Values, parse_tags, parse_upsert, parse_values
from contactory.contacts.read.show import show, with_extras
from contactory.contacts.write.change import Change, new_change
from contactory.contacts.write.commands import create, upsert, write, write_consent
from contactory.contacts.write.context import WriteContext
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
INCLUDE = one_of("deleted", "timezones", "consent", "version")._replace(many=True)


async def workspace_in_path(call: Call) -> str:
    """The workspace of the contact in the path, whether the contact exists or not. Raises NotFound."""
    if call.actor.workspace_id is not None:
        return call.actor.workspace_id
    contact_id = call.path_id()
    found = services_of(call).workspaces.get((call.actor.account_id, call.actor.mode, contact_id))
    if found is None:
        async with call.connection() as conn:
            found = await locate(conn, call.actor, contact_id)
        if found is None:
            raise NotFound
        services_of(call).workspaces.put((call.actor.account_id, call.actor.mode, contact_id), found)
    return found


def versions(header: str | None) -> list[int] | None:
    """The versions in If-Match or If-None-Match; None if it is missing or `*`.

    An unknown entity tag becomes a version that no contact has.
    """
    if header is None or header.strip() == "*":
        return None
    sent = [parse_number(tag.strip().removeprefix("W/").strip('"')) for tag in header.split(",")]
    return [-1 if version is None else version for version in sent]


def if_match(call: Call) -> list[int] | None:
    """The versions that the contact must have, or None for any."""
    header = call.request.header("if-match")
    if header is not None and "W/" in header:
        return [-1]  # If-Match compares strongly (RFC 9110, 13.1.1), so a weak tag never matches.
    return versions(header)


def _change(call: Call, catalog: Catalog, mask: int = 0) -> tuple[WriteContext, Change]:
    """An empty change of the contact in the path, which must have the version of If-Match."""
    ctx = context_of(call)
    change = new_change(ctx, catalog, call.path_id(), mask)
    change.if_match = if_match(call)
    return ctx, change


@with_catalog(workspace_in_path)
async def update_contact(call: Call, catalog: Catalog) -> Response:
    """Changes only what is sent."""
    ctx, change = _change(call, catalog)
    errors = Errors()
    values = parse_values(call.body, catalog, errors)
    errors.check()
    change.take(values, catalog)
    return answer(call, await write(ctx, change, catalog))


STEERING = {"workspaceId": WORKSPACE_ID, "preserveExisting": BOOLEAN}


def take_steering(data: Object, errors: Errors, *names: str) -> Object:
    """Removes the options of the operation from `data`, checked; an empty string counts as not sent."""
    sent = {name: data.pop(name) for name in names if name in data}
    given = {name: value for name, value in sent.items() if not is_blank(value)}
    return Form({name: STEERING[name] for name in names}).collect(given, errors)


def _in_body(*names: str) -> Where:
    """The workspace in the body, which is one of the options `names` of the operation."""

    async def find(call: Call) -> str | None:
        errors = Errors()
        workspace_id: str | None = take_steering(call.body, errors, *names).get("workspaceId")
        if call.actor.workspace_id is None and workspace_id is None:
            errors.check()
        return workspace_id

    return find


def _parsed(call: Call, catalog: Catalog, parse: Parse, *names: str) -> tuple[Values, Object]:
    """The values in the body for a contact, and the options of the operation."""
    data, errors = call.body, Errors()
    given = take_steering(data, errors, *names)
    values = parse(data, catalog, errors)
    if call.request.header("idempotency-key") is not None:  # Only a stored answer needs them.
        call.named = address_ids(catalog.workspace_id, values.phone, values.email_key)
    errors.check()
    return values, given


@with_catalog(_in_body("workspaceId"))
async def create_contact(call: Call, catalog: Catalog) -> Response:
    """Creates a contact."""
    values, _ = _parsed(call, catalog, parse_values, "workspaceId")
    return answer(call, await create(context_of(call), values, catalog))


@with_catalog(_in_body(*STEERING))
async def upsert_contact(call: Call, catalog: Catalog) -> Response:
    """Changes the contact with that phone or e-mail, or creates it."""
    values, given = _parsed(call, catalog, parse_upsert, *STEERING)
    preserve: bool = given.get("preserveExisting", False)
    return answer(call, await upsert(context_of(call), values, catalog, preserve))


async def get_contact(call: Call) -> Response:
    """One contact."""
    contact_id = call.path_id()
    include = set(call.query.get("include", ()))
    row, catalog = await _read(call, contact_id, includes_deleted(call))
    if _has(call, row["version"]):
        return Response(304, b"", [etag(row["version"])])
    contact = await show(catalogs_of(call), catalog, row, contact_id)
    return json_response(200, with_extras(contact, row, include), [etag(row["version"])])


def includes_deleted(call: Call) -> bool:
    """Whether a deleted contact is asked for too. Raises Forbidden where the caller may not see it."""
    asked = "deleted" in call.query.get("include", ())
    if asked and not call.actor.may("admin"):
        raise Forbidden("Only a key with the permission admin sees deleted contacts.")
    return asked


async def _read(call: Call, contact_id: str, deleted_too: bool = False) -> tuple[Row, Catalog]:
    """A contact's row and its workspace's catalogue. Raises NotFound."""
    workspace_id = await workspace_in_path(call)
    row = await services_of(call).contacts.active(workspace_id, contact_id, deleted_too=deleted_too)
    return row, await catalog_of(call, workspace_id)  # Without its workspace the contact does not exist.


def _has(call: Call, version: int) -> bool:
    """Whether the caller already has this version (RFC 9110, 13.1.2)."""
    known = call.request.header("if-none-match")
    return known is not None and (known.strip() == "*" or version in (versions(known) or ()))


async def delete_contact(call: Call) -> Response:
    """Deletes a contact softly, or purges it."""
    contact_id = call.path_id()
    if not call.query.get("purge", False):
        return await _delete(call)
    if not call.actor.may("admin"):
        raise Forbidden("Purging needs a key with the permission admin.")
    workspace_id = await workspace_of(call, await workspace_in_path(call))
    async with call.transaction() as conn:
        if not await purge(conn, workspace_id, contact_id, call.actor, call.request.request_id):
            raise NotFound
    call.after_commit(partial(services_of(call).search.note, workspace_id, [contact_id]))
    return Response(204)


@with_catalog(workspace_in_path)
async def _delete(call: Call, catalog: Catalog) -> Response:
    ctx, change = _change(call, catalog, DELETE)
    await write(ctx, change, catalog)
    return Response(204)


@with_catalog(workspace_in_path)
async def restore_contact(call: Call, catalog: Catalog) -> Response:
    """Restores a deleted contact."""
    ctx = context_of(call)
    return answer(call, await write(ctx, new_change(ctx, catalog, call.path_id(), RESTORE), catalog))


@with_catalog(workspace_in_path)
async def set_tags(call: Call, catalog: Catalog) -> Response:
    """Replaces a contact's tags."""
    ctx, change = _change(call, catalog)
    errors = Errors()
    for name in call.body.keys() - {"tags"}:
        errors.unknown(name, ("tags",), "field", name)
    names = parse_tags(call.body.get("tags"), catalog, errors, "tags")
    errors.check()
    change.take_tags(names, catalog, TAGS_SET)
    return answer(call, await write(ctx, change, catalog))


async def remove_tag(call: Call) -> Response:
    """Removes a tag from a contact."""
    call.path_id()  # An error in the id comes first.
    try:
        name = display_name(call.path["name"])
    except Invalid as error:
        raise ValidationProblem(error.detail) from None
    return await by_catalog(call, await workspace_in_path(call), partial(_remove_tag, call, name))


async def _remove_tag(call: Call, name: str, catalog: Catalog) -> Response:
    ctx, change = _change(call, catalog, TAGS_REMOVE)
    await catalogs_of(call).tag_ids(catalog, [name], call.conn)
    change.tag_ids = catalog.aliases(name)
    await write(ctx, change, catalog)
    return Response(204)


async def get_consent(call: Call) -> Response:
    """A contact's consent."""
    contact_id = call.path_id()
    row, _ = await _read(call, contact_id)
    if _has(call, row["version"]):
        return Response(304, b"", [etag(row["version"])])
    return json_response(200, show_consent(row["consent"]), [etag(row["version"])])


@with_catalog(workspace_in_path)
async def set_consent(call: Call, catalog: Catalog) -> Response:
    """Changes a consent; values that are left out do not change."""
    written = await write_consent(context_of(call), catalog, call.path_id(), call.body, if_match(call))
    return json_response(200, show_consent(written.consent), [etag(written.version)])
