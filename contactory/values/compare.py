"""Texts compared without regard to case and accents, in Python and in SQL. Every other sign counts."""

import re
import unicodedata

# Letters with a stroke, and the i without a dot, have no decomposition in Unicode.
_STROKES, _PLAIN = "ŁłØøĐđı", "LlOoDdi"
_TABLE = str.maketrans(_STROKES, _PLAIN)
_MARKS = re.compile("[\u0300-\u036f]+")


def without_accents(text: str) -> str:
    """The text without accents: Élodie and Elodie, Łódź and Lodz are the same. Case stays."""
    if text.isascii():
        return text
    bare = _MARKS.sub("", unicodedata.normalize("NFD", text))
    return unicodedata.normalize("NFC", bare).translate(_TABLE)


# Without accents and in lower case: texts that differ only in these are equal. Most values are ASCII, and
# take a tenth of the time. `unaccent` is an extension, which a database may lack.
_COMPARED = rf"""lower(case when octet_length(v) = length(v) then v
    else translate(normalize(regexp_replace(normalize(v, NFD), '[\u0300-\u036f]+', '', 'g'), NFC),
                   '{_STROKES}', '{_PLAIN}') end)"""


def sql_contains(place: str, part: str) -> str:
    """A condition: the expression `place`, which is in it once and first, contains `part`.

    `part` stands for a text that has gone through `without_accents`.
    """
    return f"(with t as (select {place} as v) select strpos({_COMPARED}, lower({part})) > 0 from t)"


def sql_compared(place: str) -> str:
    """The expression `place` without accents and in lower case."""
    return f"(with t as (select {place} as v) select {_COMPARED} from t)"
