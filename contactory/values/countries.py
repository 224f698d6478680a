"""The countries of ISO 3166-1, from the `tzdata` package."""

from functools import cache
from pathlib import Path

import tzdata

_TABLE = Path(tzdata.__file__).parent / "zoneinfo" / "iso3166.tab"

# Codes in common use that ISO 3166 does not assign, and names that the table spells in another way.
_ALIASES = {
    "UK": "GB",
    "EL": "GR",
    "USA": "US",
    "AMERICA": "US",
    "UNITED STATES OF AMERICA": "US",
    "UNITED KINGDOM": "GB",
    "GREAT BRITAIN": "GB",
    "ENGLAND": "GB",
    "DEUTSCHLAND": "DE",
    "HOLLAND": "NL",
    "THE NETHERLANDS": "NL",
    "CZECHIA": "CZ",
    "TÜRKIYE": "TR",
    "UAE": "AE",
}


def _read_countries() -> dict[str, str]:
    lines = _TABLE.read_text("utf-8").splitlines()
    rows = (line.split("\t", 1) for line in lines if line and not line.startswith("#"))
    return dict(rows)


COUNTRIES: dict[str, str] = _read_countries()
"""English names by alpha-2 code."""


def suggest_country(text: str) -> str | None:
    """The code that `text` probably means: one in lower case, a common alias, or a name; otherwise None."""
    wanted = text.strip().upper()
    return wanted if wanted in COUNTRIES else _spellings().get(wanted)


def names_of_country(code: str) -> list[str]:
    """The English name of a country and its other names; empty for a code that is not assigned."""
    if code not in COUNTRIES:
        return []
    return [COUNTRIES[code], *(name for name, meant in _ALIASES.items() if meant == code)]


@cache
def _spellings() -> dict[str, str]:
    return {name.upper(): code for code, name in COUNTRIES.items()} | _ALIASES
