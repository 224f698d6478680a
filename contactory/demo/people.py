"""The contacts of the demo: their names, when they were created, and their later changes, all from a seed.

Their values have the shape of requests to the API, so that the same rules check them.
"""

import tomllib
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from contactory.contacts.read.search import fold

DAYS = 90
"""How far back the history goes."""
FORM, AGENT, NEWSLETTER, IMPORT = "Demo website form", "Demo phone agent", "Demo newsletter", "import"
KEYS = (FORM, AGENT, NEWSLETTER)
"""The names of the API keys in the history."""
FIELDS = {
    "Company": "text",
    "Lead Source": "text",
    "MRR": "number",
    "Renewal": "date",
    "Onboarded": "boolean",
}
"""The custom fields that the demo needs, with their types."""
PRESETS = ("us-tcpa", "ca", "fr", "au")
"""The presets for its send windows."""

_MAILS = ("example.com", "example.com", "example.org", "example.net")
_SECTORS = (
    "Logistics",
    "Labs",
    "Foods",
    "Studio",
    "Energy",
    "Health",
    "Travel",
    "Media",
    "Textiles",
    "Garden",
)
_SOURCES = ("Website", "Website", "Website", "Referral", "Campaign", "Fair", "Webinar")
_INTERESTS = ("newsletter", "webinar", "beta", "press", "partner", "event 2026")
_STROKES = str.maketrans(
    {"ł": "l", "ø": "o", "ß": "ss", "đ": "d", "\N{LATIN SMALL LETTER DOTLESS I}": "i", "æ": "ae"}
)
_HOUR, _DAY = 3600, 86_400


class Step(msgspec.Struct):
    """A change of a contact: what was sent, when, and by which means."""

    at: datetime
    source: str
    data: dict[str, Any]


class Country(msgspec.Struct):
    """The countries of people.toml."""

    share: int
    zone: str
    phones: list[str]
    women: str
    men: str
    family: str
    family_women: str = ""


@cache
def _countries() -> list[Country]:
    tables = tomllib.loads(Path(__file__).with_name("people.toml").read_text("utf-8"))
    return [msgspec.convert(table, Country) for table in tables.values()]


def make_people(count: int, seed: int, now: datetime) -> list[list[Step]]:
    """The steps of `count` contacts, the creation first, in the order of creation.

    The same seed, count and `now` give the same contacts; on another day their dates differ.
    """
    chance = Random(seed)  # noqa: S311 - must be predictable
    maker = _Maker(chance, now)
    births = sorted(_moments(chance, count, now))
    return [maker.person(at) for at in births]


def _moments(chance: Random, count: int, now: datetime) -> list[datetime]:
    """The times of creation: more and more, fewer at weekends, many on the days of a campaign."""
    days = [now - timedelta(days=back) for back in range(DAYS)]
    campaigns = set(chance.sample(range(DAYS), 3))
    weights = [
        (1.6 - back / DAYS)
        * (0.35 if day.weekday() >= 5 else 1)
        * (2.8 if back in campaigns else 1)
        * chance.uniform(0.75, 1.25)
        for back, day in enumerate(days)
    ]
    chosen = chance.choices(days, weights, k=count)
    # Within the 24 hours before that, mostly in the European afternoon.
    return [day - timedelta(seconds=_before(chance, day)) for day in chosen]


def _before(chance: Random, day: datetime) -> float:
    wanted = chance.gauss(15, 4.5) % 24 * _HOUR
    passed = day.hour * _HOUR + day.minute * 60 + day.second
    return (passed - wanted) % _DAY


class _Maker:
    """Creates one contact after the other, without repeating a phone or an e-mail."""

    def __init__(self, chance: Random, now: datetime) -> None:
        self._chance = chance
        self._now = now
        self._taken: set[str] = set()
        self._shares = [country.share for country in _countries()]

    def person(self, born: datetime) -> list[Step]:
        chance = self._chance
        [country] = chance.choices(_countries(), self._shares)
        data, latin = self._name(country)
        if chance.random() < 0.93:
            data["email"] = self._email(*latin)
        phone = self._phone(country) if chance.random() < 0.88 or "email" not in data else None
        if phone:
            data["phone"] = phone
        elif chance.random() < 0.9:
            data["timezone"] = country.zone
        source = chance.choices((FORM, IMPORT, AGENT), (6, 3, 1))[0]
        data |= self._background(source, latin[1])
        return [Step(born, source, data), *self._story(born, data)]

    def _name(self, country: Country) -> tuple[dict[str, Any], tuple[str, str]]:
        """The name fields to send, and both names in Latin letters."""
        woman = self._chance.random() < 0.5
        family = (country.family_women if woman else "") or country.family
        first, first_latin = self._one_of(country.women if woman else country.men)
        last, last_latin = self._one_of(family)
        return {"firstName": first, "lastName": last}, (first_latin, last_latin)

    def _one_of(self, names: str) -> tuple[str, str]:
        name, _, latin = self._chance.choice(names.split()).partition("=")
        return name, latin or name

    def _email(self, first: str, last: str) -> str:
        first, last = _plain(first), _plain(last)
        local = self._chance.choice(
            (f"{first}.{last}", f"{first}.{last}", f"{first[0]}.{last}", f"{first}{last}")
        )
        return self._unused(lambda n: f"{local}{n or ''}@{self._chance.choice(_MAILS)}", 10_000) or ""

    def _phone(self, country: Country) -> str | None:
        def draw(_: int) -> str:
            form = self._chance.choice(country.phones)
            return "".join(str(self._chance.randrange(10)) if c == "#" else c for c in form)

        return self._unused(draw, 8)

    def _unused(self, draw: Callable[[int], str], tries: int) -> str | None:
        for attempt in range(tries):
            drawn = draw(attempt)
            if drawn not in self._taken:
                self._taken.add(drawn)
                return drawn
        return None

    def _background(self, source: str, family: str) -> dict[str, Any]:
        chance = self._chance
        tags = ["lead", *chance.sample(_INTERESTS, chance.choices((0, 1, 2), (5, 4, 1))[0])]
        fields = {"Lead Source": "Website" if source == FORM else chance.choice(_SOURCES)}
        if chance.random() < 0.6:
            fields["Company"] = f"{family.title()} {chance.choice(_SECTORS)}"
        return {"tags": tags, "customFields": fields}

    def _story(self, born: datetime, data: dict[str, Any]) -> list[Step]:
        """The later changes, in order, without those in the future."""
        chance = self._chance
        tellers = [
            (0.3, self._consents),
            (0.3, self._buys),
            (0.12, self._corrected),
            (0.02, self._wants_peace),
        ]
        steps: list[Step] = []
        at = born
        for likely, tell in tellers:
            if chance.random() < likely:
                at += timedelta(seconds=chance.expovariate(1 / (9 * _DAY)) + chance.randrange(60, _HOUR))
                steps += tell(at, data)
        return sorted((step for step in steps if step.at < self._now), key=lambda step: step.at)

    def _consents(self, at: datetime, data: dict[str, Any]) -> list[Step]:
        status = self._chance.choices(("granted", "denied"), (6, 1))[0]
        given = {"status": status, "source": "newsletter form", "at": at.isoformat().replace("+00:00", "Z")}
        channels = {"email": given} if "email" in data else {"sms": given}
        tags = {"tags": ["newsletter"]} if status == "granted" else {}
        return [Step(at, NEWSLETTER, {"consent": channels, **tags})]

    def _buys(self, at: datetime, data: dict[str, Any]) -> list[Step]:
        chance = self._chance
        revenue = chance.choice((19, 19, 49, 49, 99, 250, 480, 1200))
        renewal = (at + timedelta(days=365)).date().isoformat()
        fields = {"MRR": revenue, "Renewal": renewal, "Onboarded": False}
        tags = ["customer", *(["vip"] if revenue >= 480 else [])]
        onboarded = at + timedelta(days=chance.uniform(1, 12))
        return [
            Step(at, AGENT, {"tags": tags, "customFields": fields}),
            Step(onboarded, AGENT, {"customFields": {"Onboarded": True}}),
        ]

    def _corrected(self, at: datetime, data: dict[str, Any]) -> list[Step]:
        return [
            Step(at, AGENT, {"customFields": {"Lead Source": self._chance.choice(("Referral", "Partner"))}})
        ]

    def _wants_peace(self, at: datetime, data: dict[str, Any]) -> list[Step]:
        return [Step(at, AGENT, {"consent": {"doNotContact": True}, "tags": ["do not disturb"]})]


def _plain(name: str) -> str:
    """A name for an address: only a to z."""
    return "".join(c for c in fold(name).translate(_STROKES) if "a" <= c <= "z")
