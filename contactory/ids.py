"""Ids: UUIDs, version 7 (RFC 9562, section 5.7) where we make them."""

import os
import re
import time

_CHUNK = 80 * 100
_random: list[bytes] = []
os.register_at_fork(after_in_child=_random.clear)  # Or two processes would make the same ids.
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def new_id() -> str:
    """A new UUID version 7, in lower case: 48 bits of milliseconds, then 74 random bits."""
    millis = time.time_ns() // 1_000_000
    if not _random:
        fresh = os.urandom(_CHUNK)
        _random.extend(fresh[i : i + 10] for i in range(0, _CHUNK, 10))
    random = int.from_bytes(_random.pop(), "big")
    value = millis << 80 | 0x7 << 76 | (random & 0xFFF) << 64 | 0b10 << 62 | random >> 18
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def parse_id(text: object) -> str | None:
    """A UUID in either case as we write it, or None where `text` is no UUID."""
    if isinstance(text, str) and _UUID.fullmatch(text):
        return text.lower()
    return None
