"""A contact: its JSON shape, and the rules for its fields."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

import msgspec

from contactory.catalog.catalog import Catalog
from contactory.contacts.consent import Consent, Given, parse_consent
from contactory.rules.checks import BodyPath, Errors, Json, Object, is_blank, quote, text
from contactory.rules.invalid import Invalid
from contactory.values.email import parse_email
from contactory.values.field_types.registry import kept_form
from contactory.values.names import display_name, new_name
from contactory.values.phones import parse_phone
from contactory.values.timezones import parse_timezone

MAX_TAGS_IN_REQUEST = 100


class Contact(msgspec.Struct, rename="camel"):
    """A contact as the API shows it: exactly these keys, in this order."""

    id: str
    workspace_id: str
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    timezone: str | None
    tags: list[str]
    custom_fields: dict[str, str]
    created_at: datetime
    updated_at: datetime


class ContactIncluded(Contact, kw_only=True, rename="camel"):
    """A contact with the keys that `include` adds."""

    deleted_at: datetime | None = None
    """With `deleted`: when it was deleted."""
    timezones: list[str] = []
    """With `timezones`: every zone that its phone could be in."""
    timezone_source: str | None = None
    """With `timezones`: the source of the time zone."""
    consent: Consent | None = None
    """With `consent`: the contact's consent."""
    version: int | None = None
    """With `version`: the number in its ETag, for If-Match."""


SCALARS = {
    "firstName": "first_name",
    "lastName": "last_name",
    "email": "email",
    "phone": "phone",
    "timezone": "timezone",
}
"""The single values of a contact: the attribute of each by its name in the API and the history."""


class Scalars(msgspec.Struct, kw_only=True):
    """The single values of a contact; None for those that it does not have."""

    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    email_key: str | None = None
    """The e-mail in the writing by which two are the same."""
    phone: str | None = None
    timezone: str | None = None

    def take_scalars(self, other: "Scalars") -> None:
        """Takes over the values of another one."""
        self.first_name, self.last_name = other.first_name, other.last_name
        self.email, self.email_key = other.email, other.email_key
        self.phone, self.timezone = other.phone, other.timezone


def scalars_of(contact: Contact | Scalars) -> dict[str, str | None]:
    """The single values of a contact by their names in the API."""
    return {name: getattr(contact, attribute) for name, attribute in SCALARS.items()}


class Values(Scalars):
    """The checked values of a request for a contact; `given` has the names that the request contains."""

    given: set[str] = msgspec.field(default_factory=set[str])
    tags: list[str] = []
    fields: dict[str, str | None] = {}
    """By the field's key in contacts.fields."""
    consent: dict[str, Given] = {}


def parse_tags(
    value: Json,
    catalog: Catalog,
    errors: Errors,
    *path: str | int,
    most: int = MAX_TAGS_IN_REQUEST,
    skip_blank: bool = False,
) -> list[str]:
    """Names of existing or new tags, each once, at most `most`; adds the errors to `errors`.

    With `skip_blank`, empty strings are ignored.
    """
    if not isinstance(value, list):
        errors.add(
            Invalid("wrong_type", "must be an array of strings; to change no tags, leave it out"), *path
        )
        return []
    items = cast("list[Json]", value)
    if len(items) > most:
        detail = f"must have at most {most} tags, not {len(items)}"
        errors.add(Invalid("too_many_tags", detail), *path)
        return []
    names: dict[str, None] = {}
    for index, item in enumerate(items):
        try:
            if skip_blank and is_blank(item):
                continue
            name = display_name(item)
            names[name if name in catalog.tag_ids else new_name(name)] = None
        except Invalid as error:
            errors.add(error, *path, index)
    return list(names)


def parse_fields(
    value: Json, catalog: Catalog, errors: Errors, *path: str | int, skip_blank: bool = False
) -> dict[str, str | None]:
    """Custom values by the field's key, None to clear; adds the errors to `errors`."""
    if not isinstance(value, dict):
        errors.add(Invalid("wrong_type", "must be an object of custom values by field name"), *path)
        return {}
    values: dict[str, str | None] = {}
    for sent, item in cast(Object, value).items():
        try:
            field = catalog.fields.get(sent) or catalog.fields.get(display_name(sent))
            if field is None:
                errors.unknown(sent, catalog.field_names, "custom_field", *path, sent)
            elif field.num in values:
                errors.add(Invalid("given_twice", f"{quote(field.name)} is given twice"), *path, sent)
            elif not (skip_blank and is_blank(item)):
                values[field.num] = kept_form(field.type, item, field.next_type)
        except Invalid as error:
            errors.add(error, *path, sent)
    return values


NAME = text(255)
_SIMPLE: dict[str, Callable[[Json], Any]] = {
    "firstName": NAME.parse,
    "lastName": NAME.parse,
    "timezone": parse_timezone,
}
FIELD_NAMES = (*SCALARS, "tags", "customFields", "consent")


def parse_values(data: Object, catalog: Catalog, errors: Errors, *path: str | int) -> Values:
    """The values in `data` for a contact of the catalogue's workspace; adds the errors to `errors`.

    `data` is the object at `path` of the body, without the names that are options of the operation.
    """
    values = Values()
    for name, value in data.items():
        try:
            _take(values, name, value, catalog, errors, path)
        except Invalid as error:
            errors.add(error, *path, name)
    if not data:
        errors.add(Invalid("no_fields", "At least one field must be provided"), *path)
    return values


def parse_upsert(data: Object, catalog: Catalog, errors: Errors, *path: str | int) -> Values:
    """Like parse_values, for an upsert: it needs a phone or an e-mail, and empty strings count as not sent.

    Automations send an empty string for each field that was not filled in.
    """
    values = Values()
    for name, value in data.items():
        try:
            if name not in FIELD_NAMES or not is_blank(value):
                _take(values, name, value, catalog, errors, path, skip_blank=True)
        except Invalid as error:
            errors.add(error, *path, name)
    if all(data.get(name) is None or is_blank(data[name]) for name in ("phone", "email")):
        errors.add(Invalid("required", "A phone or an email is required, to find the contact by"), *path)
    return values


def _take(
    values: Values,
    name: str,
    value: Json,
    catalog: Catalog,
    errors: Errors,
    path: BodyPath,
    skip_blank: bool = False,
) -> None:
    if name in _SIMPLE:
        setattr(values, SCALARS[name], _SIMPLE[name](value))
    elif name == "tags":
        values.tags = parse_tags(value, catalog, errors, *path, name, skip_blank=skip_blank)
    elif name == "customFields":
        values.fields = parse_fields(value, catalog, errors, *path, name, skip_blank=skip_blank)
    elif name == "consent":
        values.consent = parse_consent(value, errors, *path, name, skip_blank=skip_blank)
    elif name == "email":
        values.email, values.email_key = parse_email(value) or (None, None)
    elif name == "phone":
        values.phone = parse_phone(value, catalog.country)
    elif name in catalog.fields:
        raise Invalid(
            "misplaced_custom_field", f"{quote(name)} is a custom field: send it under customFields"
        )
    else:
        errors.unknown(name, FIELD_NAMES, "field", *path, name)
    values.given.add(name)


_stored = msgspec.json.Decoder(dict[str, str])


def show_fields(fields: str, catalog: Catalog) -> dict[str, str]:
    """Custom values by display name, in the workspace's order."""
    return {} if len(fields) == 2 else show_stored(_stored.decode(fields), catalog)  # 2: "{}"


def show_stored(stored: dict[str, str], catalog: Catalog) -> dict[str, str]:
    """As show_fields, from the decoded values."""
    if len(stored) == 1:
        for num, value in stored.items():
            field = catalog.fields_by_num.get(num)
            return {field.name: value} if field else {}
    return {field.name: stored[num] for num, field in catalog.fields_by_num.items() if num in stored}
