"""API keys in the database; a secret leaves this module once, when it is made."""

from datetime import UTC, datetime

import msgspec

from contactory.auth import key_hash, new_key
from contactory.db import Connection, Row
from contactory.ids import new_id

SHOWN_CHARACTERS = 12


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
    """Its first characters, to tell it from others."""
    rate_limit: float | None
    rate_burst: int | None
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


class NewApiKey(ApiKey, kw_only=True):
    """A key just made, with its secret."""

    key: str


_COLUMNS = """id::text, account_id::text, workspace_id::text, name, permission, mode, prefix, rate_limit, rate_burst,
       created_at, last_used_at, expires_at, revoked_at"""


async def create_key(
    conn: Connection,
    account_id: str,
    workspace_id: str | None,
    *,
    name: str,
    mode: str,
    permission: str,
    expires_at: datetime | None = None,
    rate_limit: float | None = None,
    rate_burst: int | None = None,
) -> NewApiKey:
    """Makes a key for a workspace, or with None for every workspace of the account in that mode."""
    secret = new_key(mode)
    row = await conn.fetchrow(
        f"""insert into api_keys (id, account_id, workspace_id, name, hash, prefix, mode, permission,
                                  rate_limit, rate_burst, created_at, expires_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            returning {_COLUMNS}""",
        new_id(),
        account_id,
        workspace_id,
        name,
        key_hash(secret),
        secret[:SHOWN_CHARACTERS],
        mode,
        permission,
        rate_limit,
        rate_burst,
        datetime.now(UTC),
        expires_at,
    )
    return NewApiKey(key=secret, **msgspec.structs.asdict(_key(row)))


def _key(row: Row) -> ApiKey:
    return ApiKey(scope="workspace" if row["workspace_id"] else "account", **dict(row))
