"""Lines of CSV (RFC 4180) that are safe to open in a spreadsheet.

A cell that a spreadsheet could take for a formula gets an apostrophe before it. A plain number does not, so
that a phone such as +14155551234 and an amount such as -12.5 stay what they are: nothing in them is computed.
"""

import csv
import io
import re
from collections.abc import Sequence

BOM = b"\xef\xbb\xbf"
"""By which Excel knows UTF-8."""
# Excel takes the full-width signs for the others where the language of the system is Japanese.
_FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")  # noqa: RUF001
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


def csv_lines(rows: Sequence[Sequence[str]]) -> bytes:
    """Rows of cells as lines, guarded."""
    out = io.StringIO(newline="")
    # All in quotation marks: where semicolons part cells, one within a cell must not begin another.
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerows([guarded(cell) for cell in row] for row in rows)
    return out.getvalue().encode()


def guarded(text: str) -> str:
    """The text of a cell, with an apostrophe before what a spreadsheet could take for a formula."""
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text
