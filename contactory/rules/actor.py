"""Who does something, and what they may do."""

import msgspec

PERMISSIONS = ("read", "write", "admin")


class Actor(msgspec.Struct, frozen=True):
    """Who does something, and what they may do."""

    id: str | None
    account_id: str
    workspace_id: str | None
    """None: every workspace of the account and mode."""
    mode: str
    permission: str
    type: str = "api_key"
    via: str = "api"
    """Through what, for the history."""
    expires_at: float = float("inf")
    """When the database has to be asked whether the key has expired, by this process's monotonic clock."""
    rate_limit: float | None = None
    """Writes a second; None: as the settings say."""
    rate_burst: int | None = None

    def may(self, permission: str) -> bool:
        """Whether the actor has the permission, or one that implies it."""
        return PERMISSIONS.index(self.permission) >= PERMISSIONS.index(permission)


class ActorShown(msgspec.Struct):
    """Who made a change, or started a job."""

    type: str
    id: str | None
    name: str | None


NOBODY = Actor(None, "", None, "live", "read", "nobody")
"""Who acts where an operation needs no key and no session."""
