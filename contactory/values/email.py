"""E-mail addresses: the form that is stored, and the form that is compared."""

import re
import unicodedata
from functools import lru_cache

import email_validator

from contactory.rules.checks import CLEARED, Json, Object, is_blank, quote
from contactory.rules.invalid import Invalid

MAX_LENGTH = 254
"""The longest address, in bytes of UTF-8 (RFC 5321, section 4.5.3.1.3, less the angle brackets)."""

# Names such as example.test and printer.local do not exist on the public Internet, but they are used in
# private networks and in tests, and only the syntax is checked here. The library allows changes of the list.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()


def normalise_email(text: str) -> tuple[str, str]:
    """The address in `text` as it is stored, and the key that is unique in a workspace.

    No network look-up. The address is trimmed and NFC, its domain is in lower case and, if it is
    internationalised, in Unicode (xn--bcher-kva.example is stored as bücher.example). The domain needs a dot;
    quoted local parts ("a b"@example.com), addresses in brackets and display names are refused. The part
    before the @ is case-folded in the key, as defined by Unicode, so that `ß` equals `SS`.

    Raises Invalid with the code `invalid_email`.
    """
    trimmed = text.strip()
    if len(trimmed) > MAX_LENGTH:
        detail = f"is too long for an e-mail address: {len(trimmed)} characters, at most {MAX_LENGTH}"
        raise Invalid("invalid_email", detail)
    return _normalise(trimmed)


# What most addresses look like; the library accepts all of them and changes none.
_USUAL = re.compile(
    r"[A-Za-z0-9_+-]{1,32}(?:\.[A-Za-z0-9_+-]{1,10}){0,2}"
    r"@[a-z0-9]{1,32}(?:-[a-z0-9]{1,20})?(?:\.[a-z0-9]{1,32}){0,2}\.[a-z]{2,20}"
)


@lru_cache(maxsize=8192)
def _normalise(text: str) -> tuple[str, str]:
    if _USUAL.fullmatch(text):  # The library needs ten times as long.
        mailbox, _, domain = text.partition("@")
        return text, f"{mailbox.lower()}@{domain}"
    try:
        found = email_validator.validate_email(text, check_deliverability=False, strict=True)
    except email_validator.EmailNotValidError as error:
        raise Invalid("invalid_email", f"{quote(text)} is not an e-mail address. {error}") from None
    mailbox = unicodedata.normalize("NFC", found.local_part.casefold())
    return found.normalized, f"{mailbox}@{found.domain}"


EMAIL_ADDRESS: Object = {
    "title": "EmailAddress",
    "type": "string",
    "format": "idn-email",
    "maxLength": MAX_LENGTH,
    "description": "An e-mail address, also an internationalised one. Only its syntax is checked.",
    "examples": ["jane@example.com"],
}
EMAIL: Object = {
    "title": "Email",
    "anyOf": [EMAIL_ADDRESS, *CLEARED],
    "description": "Unique among the active contacts of a workspace; null or an empty string clears.",
}


def parse_email(value: Json) -> tuple[str, str] | None:
    """Like normalise_email; None and an empty string clear."""
    if value is None or is_blank(value):
        return None
    if not isinstance(value, str):
        raise Invalid("wrong_type", "must be a string or null")
    return normalise_email(value)
