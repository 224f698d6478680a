"""The forms of consent: one for each channel, so that saving one cannot change another."""

import re

import msgspec

from contactory.contacts.consent import CHANNELS, DO_NOT_CONTACT, ChannelConsent, Consent
from contactory.dashboard.html import at_input
from contactory.local_time.windows import CHANNEL_TITLES
from contactory.rules.checks import Object
from contactory.rules.errors import Problem

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class Refused(msgspec.Struct, frozen=True):
    """A refused form: the typed values and their errors."""

    form: dict[str, list[str]]
    problem: Problem


class ConsentForm(msgspec.Struct):
    """The consent to one channel, and its form."""

    channel: str
    title: str
    known: ChannelConsent
    status: str
    """The value in the form, like `source` and `day`."""
    source: str = ""
    day: str = ""
    errors: dict[str, str] = {}
    """The errors by the name of the input; empty unless the form was refused."""


def consents(consent: Consent, refused: Refused | None) -> list[ConsentForm]:
    """The forms of all channels; a refused one with the sent values."""
    return [_form(name, getattr(consent, name), refused) for name in CHANNELS]


def _form(channel: str, known: ChannelConsent, refused: Refused | None) -> ConsentForm:
    shown = ConsentForm(channel, CHANNEL_TITLES[channel], known, known.status)
    if refused is None or refused.form.get("channel", [""])[-1] != channel:
        return shown
    sent = {name: values[-1] for name, values in refused.form.items()}
    shown.status, shown.source, shown.day = (sent.get(name, "") for name in ("status", "source", "day"))
    for error in refused.problem.errors:
        name = (error.pointer or "").rpartition("/")[2]
        field = "day" if name == "at" else name if name in ("source", "status") else "status"
        shown.errors[field] = at_input(error)
    return shown


def consent_of(form: dict[str, list[str]]) -> Object:
    """The values of a form in the shape of the API, without empty ones."""
    sent = {name: values[-1].strip() for name, values in form.items()}
    if DO_NOT_CONTACT in sent:
        return {DO_NOT_CONTACT: sent[DO_NOT_CONTACT] == "true"}
    if "channel" not in sent:
        return {}
    given: Object = {"status": sent.get("status", "")}
    if sent.get("source"):
        given["source"] = sent["source"]
    if day := sent.get("day"):
        given["at"] = f"{day}T00:00:00Z" if _DAY.fullmatch(day) else day
    return {sent["channel"]: given}
