"""A user: the permissions of the roles in the dashboard, and the rules for creating users."""

import unicodedata
from collections.abc import Collection
from datetime import datetime

import msgspec

from contactory.rules.checks import Json, Rule, one_of, text
from contactory.rules.invalid import Invalid
from contactory.values.email import normalise_email

PERMISSION_OF_ROLE = {"owner": "admin", "admin": "admin", "editor": "write", "viewer": "read"}
"""The permission of each role, with the names for API keys: users and keys pass the same checks."""
ROLES = tuple(PERMISSION_OF_ROLE)
_SHORTEST = 10
LONGEST_PASSWORD = 1024
_SEVERAL = 4  # Characters before the composition of each one in NFC; longer texts take long to normalise.


class User(msgspec.Struct, rename="camel", kw_only=True, frozen=True):
    """A user of an account."""

    id: str
    account_id: str
    email: str
    name: str
    role: str
    limited: bool
    """Whether the user sees only the workspaces in `workspace_ids`, and not all of the account."""
    workspace_ids: list[str] = []
    created_at: datetime
    disabled_at: datetime | None = None
    signed_in_at: datetime | None = None
    """When the user last signed in."""
    signs_in: bool
    """Whether a password has been chosen."""

    @property
    def permission(self) -> str:
        """The permission of the role: `read`, `write` or `admin`."""
        return PERMISSION_OF_ROLE[self.role]

    def may_enter(self, workspace_id: str) -> bool:
        """Whether the user may see a workspace of the account."""
        return not self.limited or workspace_id in self.workspace_ids

    def knows(self, other: "User") -> bool:
        """Whether the user may see this other user: they share a workspace."""
        apart = self.limited and other.limited and not set(self.workspace_ids) & set(other.workspace_ids)
        return other.account_id == self.account_id and (other.id == self.id or not apart)

    def why_not_give(self, role: str, limited: bool, workspace_ids: Collection[str]) -> str | None:
        """Why the user may not give a role in these workspaces (all, unless limited); None if allowed."""
        if self.permission != "admin" or self.disabled_at is not None:
            return f"Your role, {self.role}, does not allow this. An admin can change it."
        if role == "owner" and self.role != "owner":
            return "Only an owner may create or change an owner."
        if self.limited and not (limited and set(workspace_ids) <= set(self.workspace_ids)):
            return "You can give access only to workspaces that you can see yourself."
        return None

    def why_not_change(self, other: "User") -> str | None:
        """Why the user may not change another user's role, disable them, or let them choose a new password;
        None if allowed."""
        if other.id == self.id:
            return "You cannot change your own role and workspaces: ask another admin."
        return self.why_not_give(other.role, other.limited, other.workspace_ids)

    @property
    def status(self) -> str:
        """`active`, `invited` (no password chosen yet) or `disabled`."""
        if self.disabled_at is not None:
            return "disabled"
        return "active" if self.signs_in else "invited"


def _email(value: Json) -> tuple[str, str]:
    if not isinstance(value, str) or not value.strip():
        raise Invalid("required", "is required")
    return normalise_email(value)


def normal_password(password: str) -> str:
    """A password as it is hashed: NFC (RFC 8265, section 4.2), because keyboards write "é" in two ways."""
    return unicodedata.normalize("NFC", password)


def is_too_long(password: str) -> bool:
    """Whether a password has more characters, as it is hashed, than a password may have."""
    return len(password) > _SEVERAL * LONGEST_PASSWORD or len(normal_password(password)) > LONGEST_PASSWORD


def _password(value: Json) -> str:
    # Length is what counts (NIST SP 800-63B, section 3.1.1.2); nothing is trimmed.
    password = "" if not isinstance(value, str) or is_too_long(value) else normal_password(value)
    if len(password) < _SHORTEST:
        raise Invalid("wrong_length", f"must have {_SHORTEST} to {LONGEST_PASSWORD:,} characters")
    return password


EMAIL = Rule(_email, {"type": "string", "format": "idn-email"})
"""Returns the address as it is stored, and the key that must be unique."""
PASSWORD = Rule(_password, {"type": "string", "minLength": _SHORTEST, "maxLength": LONGEST_PASSWORD})
NAME = text(255, null=False)
ROLE = one_of(*ROLES)
