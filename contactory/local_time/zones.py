"""The names in the IANA time zone database, from the `tzdata` package."""

import re
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

import tzdata

from contactory.rules.near import LONGEST, Names

TZDATA_VERSION: str = tzdata.IANA_VERSION
"""The release of the database, such as "2025b"."""

_DATA = Path(tzdata.__file__).parent
_ALIKE = 0.75

# For these links the database names a zone in another country that has the same clock today; this table has
# the zone that zone.tab gives for the place itself (`#=` in the database's file `backward`).
_OWN_PLACE = {
    "Africa/Asmera": "Africa/Asmara",
    "Africa/Timbuktu": "Africa/Bamako",
    "America/Coral_Harbour": "America/Atikokan",
    "America/Virgin": "America/St_Thomas",
    "Antarctica/South_Pole": "Antarctica/McMurdo",
    "Atlantic/Jan_Mayen": "Arctic/Longyearbyen",
    "Iceland": "Atlantic/Reykjavik",
    "Pacific/Ponape": "Pacific/Pohnpei",
    "Pacific/Truk": "Pacific/Chuuk",
    "Pacific/Yap": "Pacific/Chuuk",
}

# Names that users write if they do not know the IANA names: abbreviations with one common meaning, and the
# names of Windows and of web forms. Abbreviations with several meanings, such as IST, are left out.
_ALIASES = {
    "America/New_York": "edt|eastern|eastern_time|eastern_standard_time",
    "America/Chicago": "cdt|central|central_time|central_standard_time",
    "America/Denver": "mdt|mountain|mountain_time|mountain_standard_time",
    "America/Los_Angeles": "pst|pdt|pacific|pacific_time|pacific_standard_time|san_francisco",
    "America/Phoenix": "arizona|us_mountain_standard_time",
    "America/Anchorage": "akst|akdt|alaskan_standard_time",
    "Pacific/Honolulu": "hawaii|hawaiian_standard_time",
    "America/Halifax": "atlantic_standard_time",
    "America/Sao_Paulo": "brt|brasilia|e._south_america_standard_time",
    "Europe/London": "bst|england|united_kingdom|gmt_standard_time",
    "Europe/Berlin": "cest|germany|w._europe_standard_time",
    "Europe/Paris": "france|romance_standard_time",
    "Europe/Warsaw": "central_european_standard_time",
    "Europe/Athens": "eest|gtb_standard_time",
    "Europe/Moscow": "msk|russian_standard_time",
    "Asia/Kolkata": "india|india_standard_time|mumbai|delhi|new_delhi|bangalore",
    "Asia/Shanghai": "china|beijing|china_standard_time",
    "Asia/Tokyo": "jst|tokyo_standard_time",
    "Asia/Seoul": "kst|korea_standard_time",
    "Asia/Singapore": "sgt|singapore_standard_time",
    "Australia/Sydney": "aest|aedt|aus_eastern_standard_time",
    "Australia/Perth": "awst|w._australia_standard_time",
    "Pacific/Auckland": "nzst|nzdt|new_zealand|new_zealand_standard_time",
    "Etc/UTC": "coordinated_universal_time",
}


ZONES: frozenset[str] = frozenset((_DATA / "zones").read_text("utf-8").split()) - {"Factory"}
"""Every name of a zone or link. `zoneinfo` opens more files, which are not zones of the database."""


def is_zone(name: str) -> bool:
    """Whether `name` is exactly the name of a zone or of a link."""
    return name in ZONES


@cache
def country_zones() -> dict[str, tuple[str, ...]]:
    """The zones of each ISO 3166 alpha-2 country, as zone.tab gives them, in its geographic order."""
    zones: dict[str, list[str]] = {}
    for line in (_DATA / "zoneinfo" / "zone.tab").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            country, _, zone, *_ = line.split("\t")
            zones.setdefault(country, []).append(zone)
    return {country: tuple(names) for country, names in zones.items()}


@cache
def _links() -> dict[str, str]:
    """The target of each link in the database."""
    lines = (_DATA / "zoneinfo" / "tzdata.zi").read_text("utf-8").splitlines()
    links = (line.split() for line in lines if line.startswith("L "))
    return {name: target for _, target, name in links}


@cache
def _canonical_names() -> dict[str, str]:
    """The name in zone.tab, by each name that is not in zone.tab."""
    kept = {zone for zones in country_zones().values() for zone in zones}
    return {name: target for name, target in (_links() | _OWN_PLACE).items() if name not in kept}


def canonical_zone(name: str) -> str:
    """The name in zone.tab for the place of `name`: Asia/Calcutta gives Asia/Kolkata.

    `name` must be a zone. A zone without a country (`Etc/UCT`) gives the zone that it links to.
    """
    names = _canonical_names()
    while name in names:
        name = names[name]
    return name


@cache
def _places() -> dict[str, tuple[str, ...]]:
    """Every name of each place, by its name in zone.tab."""
    found: dict[str, list[str]] = {}
    for name in sorted(ZONES):
        found.setdefault(canonical_zone(name), []).append(name)
    return {place: tuple(names) for place, names in found.items()}


def names_of_place(name: str) -> tuple[str, ...]:
    """Every name of the place of `name`, in order; only `name` if it is not in the database."""
    return _places().get(canonical_zone(name), (name,))


def usual_names(place: str) -> tuple[str, ...]:
    """What users write instead of the IANA name of a place, in lower case, with underscores for spaces."""
    return tuple(filter(None, _ALIASES.get(place, "").split("|")))


def zone_file(name: str) -> Path:
    """The file with the clock of a zone or link of the database."""
    file = _DATA / "zoneinfo" / name
    # Some packages leave out the links.
    return file if file.is_file() else _DATA / "zoneinfo" / _links().get(name, name)


@lru_cache(maxsize=2048)
def zone_info(name: str | None) -> ZoneInfo | None:
    """The clock of a zone or link, from the data of release TZDATA_VERSION.

    None for a name that this data does not contain, for example a name of a newer release that another
    process has stored: it counts as an unknown time zone, and must not be an error. Python's own look-up is
    not used, because it prefers the data of the operating system, whose release is not known.
    """
    if name is None or name not in ZONES:
        return None
    try:
        with zone_file(name).open("rb") as data:
            return ZoneInfo.from_file(data, key=name)
    except (OSError, ValueError):
        return None


_YEAR = timedelta(days=365)
_UPDATED = re.compile(r"^#updated\s+(\d+)", re.MULTILINE)


@cache
def data_since() -> date:
    """The earliest possible day of the data's release.

    The data does not contain its release date, only the year, and the date of the last update of its leap
    seconds, which happens in January and July. So this is the true day, or up to half a year before it.
    """
    year = re.match(r"\d{4}", TZDATA_VERSION)
    since = date(int(year[0]), 1, 1) if year else date.min
    try:
        updated = _UPDATED.search((_DATA / "zoneinfo" / "leapseconds").read_text("utf-8"))
    except OSError:
        updated = None
    return max(since, datetime.fromtimestamp(int(updated[1]), UTC).date()) if updated else since


def is_outdated(today: date) -> bool:
    """Whether the data may be more than a year old, so that some clocks may have changed since."""
    return today - data_since() > _YEAR


def spelt_zone(text: str) -> str | None:
    """The zone that `text` names, in any case, also by its city or by a usual name; otherwise None."""
    return text if text in ZONES else _spellings().get(_key(text[:LONGEST]))


def suggest_zone(text: str) -> str | None:
    """The zone that `text` probably means: in another case, only a city, or misspelt; otherwise None."""
    key = _key(text[:LONGEST])
    zone = _spellings().get(key)
    if zone is None and not any(map(str.isdigit, key)):
        return _names().closest(key)
    return zone  # UTC+1 and UTC+2 are similar, but not misspellings of each other.


def _key(text: str) -> str:
    key = "_".join(text.partition("(")[0].casefold().split())
    return key.removeprefix("posix/").removeprefix("right/")


@cache
def _spellings() -> dict[str, str]:
    """Zones by their case-folded spellings; if two zones share one, the first one wins."""
    cities: dict[str, str] = {}
    for zone in sorted(ZONES, key=lambda name: (canonical_zone(name) != name, name)):
        area, _, city = zone.rpartition("/")
        if area.startswith(("Africa", "America", "Asia", "Atlantic", "Europe", "Indian", "Pacific")) or (
            area == "Australia" and canonical_zone(zone) == zone
        ):
            cities.setdefault(city.casefold(), canonical_zone(zone))
    aliases = {alias: zone for zone, names in _ALIASES.items() for alias in names.split("|")}
    return cities | aliases | {zone.casefold(): zone for zone in ZONES}


@cache
def _names() -> Names:
    # Their cities must be similar too: a common "asia/" means little.
    return Names(_spellings(), _ALIKE, divider="/")
