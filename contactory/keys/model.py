"""An API key: its JSON shape, and the rules for creating one."""

from datetime import datetime
from decimal import Decimal

import msgspec

from contactory.rules.actor import PERMISSIONS
from contactory.rules.checks import TIMESTAMP, WORKSPACE_ID, Json, Rule, integer, one_of, text
from contactory.rules.invalid import Invalid

SHOWN_CHARACTERS = 12
DEFAULT_NAME = "API key"


class ApiKey(msgspec.Struct, rename="camel", kw_only=True):
    """A key as the API shows it."""

    id: str
    account_id: str
    workspace_id: str | None
    name: str
    scope: str
    """`account` or `workspace`."""
    permission: str
    mode: str
    prefix: str
    """Its first characters, to recognise it."""
    rate_limit: float | None
    rate_burst: int | None
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


class KnownKey(ApiKey, kw_only=True):
    """A key as the dashboard shows it."""

    made_by: str | None
    """The name of the user or the key that created it, if known."""


class NewApiKey(ApiKey, kw_only=True):
    """A new key, with its secret."""

    key: str


def _expiry(value: Json) -> datetime | None:
    return None if value is None else TIMESTAMP.parse(value)


def _rate(value: Json) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise Invalid("wrong_type", "must be a number or null")
    if not 0 < value <= _HIGHEST_RATE:
        raise Invalid("out_of_range", f"must be more than 0 and at most {_HIGHEST_RATE}")
    return float(value)


def _burst(value: Json) -> int | None:
    return None if value is None else _WHOLE.parse(value)


_HIGHEST_RATE = 1_000_000
_WHOLE = integer(1, _HIGHEST_RATE)
NAME = text(255, null=False)
PERMISSION = one_of(*PERMISSIONS)
SCOPE = one_of("workspace", "account")
EXPIRES = Rule(_expiry, {"type": ["string", "null"], "format": "date-time"})
RATE_LIMIT = Rule(_rate, {"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": _HIGHEST_RATE})
RATE_BURST = Rule(_burst, {"type": ["integer", "null"], "minimum": 1, "maximum": _HIGHEST_RATE})
FIELDS = {
    "workspaceId": WORKSPACE_ID,
    "name": NAME,
    "permission": PERMISSION,
    "expiresAt": EXPIRES,
    "rateLimit": RATE_LIMIT,
    "rateBurst": RATE_BURST,
}
