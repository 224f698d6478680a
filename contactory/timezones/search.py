"""The search for a time zone while a user types: by city, country, any name, or the current offset."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

import msgspec

from contactory.local_time.zones import usual_names
from contactory.timezones.model import ZoneListed
from contactory.values.countries import names_of_country
from contactory.values.phones import zones_of_countries

MOST = 20
"""The number of places that a search finds."""
_LAST = 1000
_OFFSET = re.compile(r"(?:utc|gmt)?([+-]?)(\d{1,2})(?::?([0-5]\d))?")


class Place(msgspec.Struct, frozen=True):
    """A place with its names, folded for the search."""

    name: str
    """The default name of its zone."""
    names: tuple[str, ...]
    """Every name of its zone, the default one first."""
    title: str
    """Its city, its country and its current offset."""
    offset: str
    """As in `+05:30`."""
    cities: tuple[str, ...]
    countries: tuple[str, ...]
    words: tuple[str, ...]
    """Everything, each text with a space in front."""
    order: int
    """The place among those of its country, the main one first."""


def places_of(zones: Iterable[ZoneListed]) -> list[Place]:
    """The places of zones."""
    countries = {
        zone: (code, order)
        for code, places in zones_of_countries().items()
        for order, zone in enumerate(places)
    }
    return [_place(zone, *countries.get(zone.name, ("", _LAST))) for zone in zones if zone.alias_of is None]


def _place(zone: ZoneListed, country: str, order: int) -> Place:
    names = (zone.name, *zone.aliases)
    cities = [name.rpartition("/")[2] for name in names if "/" in name] + [*usual_names(zone.name)]
    countries = names_of_country(country)
    words = dict.fromkeys(f" {_fold(text)}" for text in (*cities, *countries, *names))
    city = zone.name.rpartition("/")[2].replace("_", " ")
    where = f"{city}, {countries[0]}" if countries else zone.name
    offset = zone.offset.replace("-", "\N{MINUS SIGN}")
    return Place(
        zone.name,
        names,
        f"{where} · UTC{offset}",
        zone.offset,
        tuple(map(_fold, cities)),
        tuple(map(_fold, countries)),
        tuple(words),
        order,
    )


def _fold(text: str) -> str:
    """The text in lower case, without accents, with a space for each divider of a name."""
    plain = unicodedata.normalize("NFKD", text.replace("\N{MINUS SIGN}", "-")).casefold()
    bare = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return " ".join(re.sub(r"[_/,]", " ", bare).split())


def search(places: Sequence[Place], typed: str) -> list[Place]:
    """The places that the typed text may mean, the most probable ones first, MOST at the most."""
    text, offset = _fold(typed), _offset(typed)
    if not text:
        return []
    rated = [(rank, place) for place in places if (rank := _rank(place, text, offset)) is not None]
    rated.sort(key=lambda pair: (pair[0], pair[1].order, len(pair[1].title), pair[1].name))
    return [place for _, place in rated[:MOST]]


def _rank(place: Place, text: str, offset: str | None) -> int | None:
    """How well a place fits, 0 being best; None if it does not."""
    if offset is not None and place.offset == offset:
        return 0
    if any(city.startswith(text) for city in place.cities):
        return 1
    if any(country.startswith(text) for country in place.countries):
        return 2
    if any(f" {text}" in word for word in place.words):
        return 3
    return 4 if any(text in word for word in place.words) else None


def _offset(typed: str) -> str | None:
    """The offset that the text means, as in `+05:30`; None if it means none."""
    found = _OFFSET.fullmatch("".join(typed.casefold().replace("\N{MINUS SIGN}", "-").split()))
    if found is None:
        return None
    sign, hours, minutes = found.groups()
    return f"{sign or '+'}{int(hours):02}:{minutes or '00'}"
