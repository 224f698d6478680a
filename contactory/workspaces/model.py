"""A workspace: its JSON shape, and the rules for what may be written to it."""

from datetime import datetime

import msgspec

from contactory.rules.checks import Errors, Json, Object, Rule, one_of, quote, text, unchecked
from contactory.rules.invalid import Invalid
from contactory.values.countries import COUNTRIES, suggest_country
from contactory.values.email import EMAIL, normalise_email
from contactory.values.phones import PHONE, parse_phone
from contactory.values.timezones import TIMEZONE


class Workspace(msgspec.Struct, rename="camel", kw_only=True, frozen=True):
    """A workspace as the API shows it: exactly these keys, in this order."""

    id: str
    account_id: str
    name: str
    description: str | None = None
    mode: str = "live"
    """`live` or `test`, fixed at creation: only keys of the same mode see the workspace."""
    timezone: str | None = None
    """The IANA zone for contacts whose phone does not give one."""
    country: str | None = None
    """The ISO 3166 country in which phones without a country code are read."""
    icon: str | None = None
    contact_name: str | None = None
    contact_phone: str | None = None
    contact_email: str | None = None
    street_address: str | None = None
    state: str | None = None
    zip: str | None = None
    business_registration_number: str | None = None
    created_at: datetime
    updated_at: datetime


def _country(value: Json) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise Invalid("wrong_type", "must be a string or null")
    if value not in COUNTRIES:
        detail = f"{quote(value)} is not an ISO 3166 alpha-2 country code, such as US"
        raise Invalid("unknown_country", detail, suggest_country(value[:100]))
    return value


def _email(value: Json) -> str | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if not isinstance(value, str):
        raise Invalid("wrong_type", "must be a string or null")
    return normalise_email(value)[0]


NAME = text(255, null=False)
COUNTRY = Rule(_country, {"title": "Country", "type": ["string", "null"], "enum": [*COUNTRIES, "", None]})
_LINE = text(255)
FIELDS = {
    "name": NAME,
    "description": text(1000),
    "timezone": TIMEZONE,
    "country": COUNTRY,
    "icon": _LINE,
    "contactName": _LINE,
    # Checked by `take_phone`, which knows the country.
    "contactPhone": unchecked(PHONE),
    "contactEmail": Rule(_email, EMAIL),
    "streetAddress": _LINE,
    "state": _LINE,
    "zip": _LINE,
    "businessRegistrationNumber": _LINE,
}
"""The writable fields. Texts are trimmed and have at most 255 characters, the description 1,000. null clears
any field except the name, an empty string any field except the name and the time zone."""
MODE = one_of("live", "test")
_ATTRIBUTES = dict(zip(Workspace.__struct_encode_fields__, Workspace.__struct_fields__, strict=True))


def take_phone(values: Object, country: str | None, errors: Errors) -> None:
    """Replaces the phone in `values` by its E.164 form, read in the country in `values`, or in `country`."""
    if "contactPhone" in values:
        try:
            values["contactPhone"] = parse_phone(values["contactPhone"], values.get("country", country))
        except Invalid as error:
            errors.add(error, "contactPhone")


def attributes(values: Object) -> Object:
    """`values` under their names in Python."""
    return {_ATTRIBUTES[name]: value for name, value in values.items()}
