"""A user: who may see and do what in the dashboard, and the rules for making one."""

from collections.abc import Collection
from datetime import datetime

import msgspec

from contactory.rules.checks import Json, Rule, one_of, text
from contactory.rules.invalid import Invalid
from contactory.values.email import normalise_email

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
    signed_in_at: datetime | None = None
    """When a session was last opened."""
    signs_in: bool
    """Whether a password has been chosen."""

    @property
    def permission(self) -> str:
        """What the role may do: `read`, `write` or `admin`."""
        return PERMISSION_OF_ROLE[self.role]

    def may_enter(self, workspace_id: str) -> bool:
        """Whether a workspace of the account is one that the user may see."""
        return not self.limited or workspace_id in self.workspace_ids

    def knows(self, other: "User") -> bool:
        """Whether the user may know that there is this other one: they share a workspace."""
        apart = self.limited and other.limited and not set(self.workspace_ids) & set(other.workspace_ids)
        return other.account_id == self.account_id and (other.id == self.id or not apart)

    def why_not_give(self, role: str, limited: bool, workspace_ids: Collection[str]) -> str | None:
        """What keeps the user from giving somebody a role in these workspaces (all, unless limited)."""
        if self.permission != "admin" or self.disabled_at is not None:
            return f"Your role, {self.role}, does not allow this. An admin can change it."
        if role == "owner" and self.role != "owner":
            return "Only an owner may make or change an owner."
        if self.limited and not (limited and set(workspace_ids) <= set(self.workspace_ids)):
            return "You may let others into those workspaces alone that you may see yourself."
        return None

    def why_not_change(self, other: "User") -> str | None:
        """What keeps the user from changing another one's role, disabling them, or letting them choose a new
        password; None where nothing does."""
        if other.id == self.id:
            return "Somebody else has to change your role and workspaces: so nobody locks themselves out."
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
