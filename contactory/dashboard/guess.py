"""What the browser says of its user: the country, by its language."""

import re

from contactory.values.compare import without_accents
from contactory.values.countries import COUNTRIES
from contactory.web.messages import Request

COUNTRY_CHOICES = sorted(COUNTRIES.items(), key=lambda country: without_accents(country[1]))
"""Code and name of each country, by name."""
_REGION = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z]{4})?-([A-Za-z]{2})\b")
_READ = 200  # Characters; the user's own languages come first.


def guessed_country(request: Request) -> str:
    """The country of the first language with a region, such as `de-AT`; empty if there is none."""
    found = _REGION.findall((request.header("accept-language") or "")[:_READ])
    return next((code for code in map(str.upper, found) if code in COUNTRIES), "")
