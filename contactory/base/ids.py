"""Ids: UUIDs; new ones are of version 7 (RFC 9562, section 5.7)."""

import os
import re
import time

_BULK = 128
_DIGITS = 19
_VARIANTS = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))
_tails: list[str] = []
os.register_at_fork(after_in_child=_tails.clear)  # Otherwise two processes would create the same ids.
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def new_id() -> str:
    """A new UUID version 7, in lower case: 48 bits of milliseconds, then 74 random bits."""
    if not _tails:
        _tails.extend(_random_tails())
    millis = f"{time.time_ns() // 1_000_000:012x}"
    return f"{millis[:8]}-{millis[8:]}{_tails.pop()}"


def _random_tails() -> list[str]:
    """The part of an id after the time: created in bulk, because a request needs two ids."""
    digits = os.urandom(_BULK * _DIGITS // 2).hex()
    return [
        f"-7{d[:3]}-{_VARIANTS[d[3]]}{d[4:7]}-{d[7:]}"
        for d in (digits[at : at + _DIGITS] for at in range(0, _BULK * _DIGITS, _DIGITS))
    ]


def parse_number(text: str) -> int | None:
    """A number of PostgreSQL's bigint, as versions and tags have, or None where `text` is not its digits."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def parse_id(text: object) -> str | None:
    """A UUID in upper or lower case in our form, or None if `text` is not a UUID."""
    if isinstance(text, str) and _UUID.fullmatch(text):
        return text.lower()
    return None
