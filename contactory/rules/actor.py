"""The actor of a request: a key, a user or the system, and its permissions."""

import msgspec

PERMISSIONS = ("read", "write", "admin")


class Actor(msgspec.Struct, frozen=True):
    """The actor of a request, and its permissions."""

    id: str | None
    account_id: str
    workspace_id: str | None
    """None: every workspace of the account and mode."""
    mode: str
    permission: str
    type: str = "api_key"
    via: str = "api"
    """By which means, for the history: api, dashboard, …"""
    expires_at: float = float("inf")
    """When to ask the database again whether the key has expired, by this process's monotonic clock."""
    rate_limit: float | None = None
    """Writes per second; None: the value of the settings."""
    rate_burst: int | None = None

    def may(self, permission: str) -> bool:
        """Whether the actor has the permission, or one that includes it."""
        return PERMISSIONS.index(self.permission) >= PERMISSIONS.index(permission)


class ActorShown(msgspec.Struct):
    """Who made a change, or started a job."""

    type: str
    id: str | None
    name: str | None


ANONYMOUS = Actor(None, "", None, "live", "read", "anonymous")
"""The actor of operations that need neither a key nor a session."""
