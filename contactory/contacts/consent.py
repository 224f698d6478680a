"""Consent: whether a contact has agreed to calls, text messages and e-mails, if known.

A contact's row contains only what is known, or null if nothing is known:
`{"call": {"status": "granted", "source": "web form", "at": "2026-01-15T10:30:00Z"}, "doNotContact": true}`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeAlias, cast

import msgspec

from contactory.rules.checks import (
    BLANK,
    BOOLEAN,
    TIMESTAMP,
    Errors,
    Form,
    Json,
    Object,
    Rule,
    is_blank,
    one_of,
    text,
    unchecked,
)
from contactory.rules.invalid import Invalid

CHANNELS = ("call", "sms", "email")
DO_NOT_CONTACT = "doNotContact"
NAMES = (*CHANNELS, DO_NOT_CONTACT)
Status: TypeAlias = Literal["unknown", "granted", "denied"]
CARRIED_OVER = "carried over from a deleted contact"
"""The source of an objection that was carried over to a contact (objections.py)."""
TAKEN_OVER = "takenOver"
"""In a row, beside `doNotContact`: that was carried over too, so an upsert cannot end it."""


class ChannelConsent(msgspec.Struct, frozen=True):
    """A contact's consent to one channel: the status, its source and its time."""

    status: Status
    source: str | None
    at: datetime | None


class Consent(msgspec.Struct, frozen=True, rename="camel"):
    """A contact's consent by channel; `doNotContact` forbids all channels."""

    call: ChannelConsent
    sms: ChannelConsent
    email: ChannelConsent
    do_not_contact: bool


_UNKNOWN = ChannelConsent("unknown", None, None)
_NOTHING_KNOWN = Consent(_UNKNOWN, _UNKNOWN, _UNKNOWN, do_not_contact=False)


def show_consent(stored: str | None) -> Consent:
    """The whole consent as the API shows it, from a contact's row."""
    if stored is None:
        return _NOTHING_KNOWN
    known: Object = msgspec.json.decode(stored)
    call, sms, email = (show_channel(known.get(name)) for name in CHANNELS)
    return Consent(call, sms, email, known.get(DO_NOT_CONTACT, False))


def show_channel(known: Object | None) -> ChannelConsent:
    """Consent to one channel as the API shows it."""
    return msgspec.convert({"source": None, **known}, ChannelConsent) if known else _UNKNOWN


class Given(msgspec.Struct, array_like=True):
    """The sent value for one name of a consent; None removes it.

    If the status stays the same, `sent` is added to the stored value; otherwise `fresh` replaces it. So a
    request that repeats the known status does not lose its source and time, and changes nothing.
    """

    sent: Any
    fresh: Any


_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(
    days=1
)  # After this server's clock: a client's clock may be fast, or send local time as UTC.


def _past(value: Json) -> datetime | None:
    if value is None:
        return None
    moment = TIMESTAMP.parse(value)
    if not _EARLIEST <= moment <= datetime.now(UTC) + _AHEAD:
        raise Invalid("implausible_time", "must be between 1970 and now")
    return moment


_SOURCE = text(255)
_CHANNEL = Form(
    {
        "status": one_of("unknown", "granted", "denied"),
        "source": _SOURCE,
        "at": Rule(_past, {}),
    },
    required=("status",),
)


def parse_consent(
    value: Json, errors: Errors, *path: str | int, skip_blank: bool = False
) -> dict[str, Given]:
    """The sent values of a contact's consent, by name; adds the errors to `errors`.

    With `skip_blank`, an empty string counts as not sent.
    """
    if not isinstance(value, dict):
        errors.add(Invalid("wrong_type", f"must be an object with some of {', '.join(NAMES)}"), *path)
        return {}
    given: dict[str, Given] = {}
    for name, item in cast(Object, value).items():
        try:
            if skip_blank and name in NAMES and is_blank(item):
                continue
            if name in CHANNELS:
                sent = _without_blanks(item) if skip_blank else item
                if sent == {} != item:
                    continue
                given[name] = _parse_channel(sent, errors, *path, name)
            elif name == DO_NOT_CONTACT:
                forbidden = BOOLEAN.parse(item) or None
                given[name] = Given(forbidden, forbidden)
            else:
                errors.unknown(name, NAMES, "field", *path, name)
        except Invalid as error:
            errors.add(error, *path, name)
    return given


def _without_blanks(value: Json) -> Json:
    """The sent values of a channel, without empty strings."""
    if not isinstance(value, dict):
        return value
    given = cast(Object, value).items()
    return {name: item for name, item in given if name not in _CHANNEL.rules or not is_blank(item)}


def _parse_channel(value: Json, errors: Errors, *path: str | int) -> Given:
    if not isinstance(value, dict):
        raise Invalid("wrong_type", 'must be an object such as {"status": "granted", "source": "web form"}')
    sent = _CHANNEL.collect(cast(Object, value), errors, *path)
    if sent.get("status") == "unknown":
        for name in ("source", "at"):
            if sent.get(name) is not None:
                detail = "is possible only with granted and denied, not with unknown"
                errors.add(Invalid("not_here", detail), *path, name)
        return Given(None, None)
    if sent.get("at") is None:
        sent.pop("at", None)
    return Given(sent, {"at": datetime.now(UTC), **sent})


def born(given: Mapping[str, Given]) -> Object:
    """The consent in the row of a new contact: the sent values without unknown ones."""
    return {name: _known(item.fresh) for name, item in given.items() if item.fresh is not None}


def undated(given: Mapping[str, Given]) -> list[str]:
    """The channels with a granted consent but without its time."""
    sent = {name: cast(Object, item.sent) for name, item in given.items() if name in CHANNELS and item.sent}
    return [name for name, item in sent.items() if item["status"] == "granted" and "at" not in item]


def _known(fresh: Any) -> Any:
    if fresh is True:
        return True
    return {key: value for key, value in cast(Object, fresh).items() if value is not None}


def _channel_schema(statuses: list[str], source: Object, at: Object) -> Object:
    return {
        "type": "object",
        "properties": {"status": {"type": "string", "enum": statuses}, "source": source, "at": at},
        "required": ["status"],
        "additionalProperties": False,
    }


_NULL: Object = {"type": "null"}
_FREE: Object = {
    "type": "object",
    "properties": dict.fromkeys(_CHANNEL.rules, BLANK),
    "minProperties": 1,
    "additionalProperties": False,
}
"""A channel that an upsert ignores."""


def _or_blank(schema: Mapping[str, Any]) -> Object:
    return {"anyOf": [schema, BLANK]}


def _given_channel(title: str, *, upsert: bool) -> Object:
    at: Object = {
        "anyOf": [TIMESTAMP.schema, _NULL],
        "description": "Since when; default: now. Not before 1970 and not in the future.",
    }
    source: Object = {**_SOURCE.schema, "examples": ["web form"]}
    known = _channel_schema(["granted", "denied"], source, _or_blank(at) if upsert else at)
    unknown = _channel_schema(["unknown"], {"anyOf": [_NULL, BLANK]}, _or_blank(_NULL) if upsert else _NULL)
    free = [_FREE, BLANK] if upsert else []
    return {
        "title": title,
        "anyOf": [known, unknown, *free],
        "description": "If the status stays the same, values that are left out stay; with another status, "
        "`source` becomes null and `at` becomes now. `unknown` removes the consent.",
    }


_CHANNEL_SCHEMA = _given_channel("GivenChannelConsent", upsert=False)


CONSENT = Form(
    {
        **{name: unchecked(_CHANNEL_SCHEMA) for name in CHANNELS},
        DO_NOT_CONTACT: unchecked(
            {**BOOLEAN.schema, "description": "The contact must not be contacted on any channel."}
        ),
    },
    some=True,
)
"""The body that sets a consent; values that are left out do not change."""
CONSENT_SCHEMA: Object = {
    **{key: value for key, value in CONSENT.schema.items() if key != "anyOf"},
    "title": "GivenConsent",
    "description": "Consent by channel; values that are left out do not change.",
}
_UPSERTED_CHANNEL = _given_channel("UpsertedChannelConsent", upsert=True)
UPSERTED_CONSENT_SCHEMA: Object = {
    **CONSENT_SCHEMA,
    "title": "UpsertedConsent",
    "properties": {
        **dict.fromkeys(CHANNELS, _UPSERTED_CHANNEL),
        DO_NOT_CONTACT: _or_blank(CONSENT.rules[DO_NOT_CONTACT].schema),
    },
    "description": "Consent by channel; values that are left out, or an empty string, do not change.",
}
