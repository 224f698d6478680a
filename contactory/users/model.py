"""A user: who may see and do what in the dashboard, and the rules for making one."""

from datetime import datetime

import msgspec

from contactory.checks import Json, Rule, one_of, text
from contactory.contacts.email import normalise_email
from contactory.invalid import Invalid

PERMISSION_OF_ROLE = {"owner": "admin", "admin": "admin", "editor": "write", "viewer": "read"}
"""What each role may do, in the words of API keys: people and keys pass the same checks."""
ROLES = tuple(PERMISSION_OF_ROLE)
_SHORTEST, _LONGEST = 10, 256


class User(msgspec.Struct, rename="camel", kw_only=True, frozen=True):
    """A person of an account."""

    id: str
    account_id: str
    email: str
    name: str
    role: str
    limited: bool
    """Whether only the workspaces in `workspace_ids` may be seen, and not all of the account's."""
    workspace_ids: list[str] = []
    created_at: datetime
    disabled_at: datetime | None = None
    signs_in: bool
    """Whether a password has been chosen."""

    @property
    def permission(self) -> str:
        """What the role may do: `read`, `write` or `admin`."""
        return PERMISSION_OF_ROLE[self.role]

    def may_enter(self, workspace_id: str) -> bool:
        """Whether a workspace of the account is one that the user may see."""
        return not self.limited or workspace_id in self.workspace_ids


def _email(value: Json) -> tuple[str, str]:
    if not isinstance(value, str) or not value.strip():
        raise Invalid("required", "is required")
    return normalise_email(value)


def _password(value: Json) -> str:
    # Length is what counts (NIST SP 800-63B, section 3.1.1.2); nothing is trimmed or composed.
    if not isinstance(value, str) or not _SHORTEST <= len(value) <= _LONGEST:
        raise Invalid("wrong_length", f"must have {_SHORTEST} to {_LONGEST} characters")
    return value


EMAIL = Rule(_email, {"type": "string", "format": "idn-email"})
"""Gives the address as it is kept, and the key by which it is unique."""
PASSWORD = Rule(_password, {"type": "string", "minLength": _SHORTEST, "maxLength": _LONGEST})
NAME = text(255, null=False)
ROLE = one_of(*ROLES)
