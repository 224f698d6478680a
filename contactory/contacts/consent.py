"""Consent: whether a contact may be called, texted and written to, as far as that is known.

A contact's row holds only what is known, and null where that is nothing:
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
"""The source of an objection that a contact has taken over (objections.py)."""
TAKEN_OVER = "takenOver"
"""In a row beside `doNotContact`, which it names: that was taken over too, so no upsert ends it."""


class ChannelConsent(msgspec.Struct, frozen=True):
    """What is known of a contact's consent to one channel: where it was given or refused, and when."""

    status: Status
    source: str | None
    at: datetime | None


class Consent(msgspec.Struct, frozen=True, rename="camel"):
    """What is known of a contact's consent, channel by channel; `doNotContact` forbids them all."""

    call: ChannelConsent
    sms: ChannelConsent
    email: ChannelConsent
    do_not_contact: bool


_UNKNOWN = ChannelConsent("unknown", None, None)
_NOTHING_KNOWN = Consent(_UNKNOWN, _UNKNOWN, _UNKNOWN, do_not_contact=False)


def show_consent(stored: str | None) -> Consent:
    """Consent as the API shows it, whole, from what a contact's row holds."""
    if stored is None:
        return _NOTHING_KNOWN
    known: Object = msgspec.json.decode(stored)
    call, sms, email = (show_channel(known.get(name)) for name in CHANNELS)
    return Consent(call, sms, email, known.get(DO_NOT_CONTACT, False))


def show_channel(known: Object | None) -> ChannelConsent:
    """Consent to one channel as the API shows it."""
    return msgspec.convert({"source": None, **known}, ChannelConsent) if known else _UNKNOWN


class Given(msgspec.Struct, array_like=True):
    """What a request gives for one name of a consent; None forgets it.

    `sent` is added to what is stored while the status stays the same, else `fresh` takes its place: whoever
    says again what is known does not lose when and where it was learnt, and changes nothing.
    """

    sent: Any
    fresh: Any


_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=1)  # Of our clock: theirs may be fast, or tell local time for UTC.


def _past(value: Json) -> datetime | None:
    if value is None:
        return None
    moment = TIMESTAMP.parse(value)
    if not _EARLIEST <= moment <= datetime.now(UTC) + _AHEAD:
        raise Invalid("implausible_time", "must lie between 1970 and now")
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
    """What a request gives for a contact's consent, by name; what is wrong goes to `errors`.

    With `skip_blank`, an empty string gives nothing.
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
    """What a channel is given, but for empty strings."""
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
                detail = "goes with granted and denied only: of what is unknown there is none"
                errors.add(Invalid("not_here", detail), *path, name)
        return Given(None, None)
    if sent.get("at") is None:
        sent.pop("at", None)
    return Given(sent, {"at": datetime.now(UTC), **sent})


def born(given: Mapping[str, Given]) -> Object:
    """What the row of a new contact holds: of what is given, all that is known."""
    return {name: _known(item.fresh) for name, item in given.items() if item.fresh is not None}


def undated(given: Mapping[str, Given]) -> list[str]:
    """The channels for which a consent is given without the time since when."""
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
"""A channel that an upsert passes over."""


def _or_blank(schema: Mapping[str, Any]) -> Object:
    return {"anyOf": [schema, BLANK]}


def _given_channel(title: str, *, upsert: bool) -> Object:
    at: Object = {
        "anyOf": [TIMESTAMP.schema, _NULL],
        "description": "When; now unless given. Not before 1970, nor in the future.",
    }
    source: Object = {**_SOURCE.schema, "examples": ["web form"]}
    known = _channel_schema(["granted", "denied"], source, _or_blank(at) if upsert else at)
    unknown = _channel_schema(["unknown"], {"anyOf": [_NULL, BLANK]}, _or_blank(_NULL) if upsert else _NULL)
    free = [_FREE, BLANK] if upsert else []
    return {
        "title": title,
        "anyOf": [known, unknown, *free],
        "description": "While the status stays the same, what is left out stays too; with another one, "
        "`source` becomes null and `at` now. `unknown` forgets what was known.",
    }


_CHANNEL_SCHEMA = _given_channel("GivenChannelConsent", upsert=False)


CONSENT = Form(
    {
        **{name: unchecked(_CHANNEL_SCHEMA) for name in CHANNELS},
        DO_NOT_CONTACT: unchecked(
            {**BOOLEAN.schema, "description": "Asked to be left alone, on every channel."}
        ),
    },
    some=True,
)
"""The body that sets a consent; what is left out of it stays as it is."""
CONSENT_SCHEMA: Object = {
    **{key: value for key, value in CONSENT.schema.items() if key != "anyOf"},
    "title": "GivenConsent",
    "description": "Consent by channel; what is left out stays as it is.",
}
_UPSERTED_CHANNEL = _given_channel("UpsertedChannelConsent", upsert=True)
UPSERTED_CONSENT_SCHEMA: Object = {
    **CONSENT_SCHEMA,
    "title": "UpsertedConsent",
    "properties": {
        **dict.fromkeys(CHANNELS, _UPSERTED_CHANNEL),
        DO_NOT_CONTACT: _or_blank(CONSENT.rules[DO_NOT_CONTACT].schema),
    },
    "description": "Consent by channel; what is left out, or an empty string, stays as it is.",
}
