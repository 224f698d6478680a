"""API keys in the database; a secret leaves this module only once, at its creation."""

from datetime import UTC, datetime

import msgspec

from contactory.access.keys import key_hash, new_key
from contactory.base.ids import new_id
from contactory.database.db import Connection, Row
from contactory.keys.model import SHOWN_CHARACTERS, ApiKey, KnownKey, NewApiKey
from contactory.rules.actor import Actor
from contactory.rules.errors import Conflict, FieldError, NotFound, Unauthorized

_COLUMNS = """id::text, account_id::text, workspace_id::text, name, permission, mode, prefix,
       rate_limit, rate_burst, created_at, last_used_at, expires_at, revoked_at"""


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
    made_by: Actor | None = None,
) -> NewApiKey:
    """Creates a key for a workspace, or with None for every workspace of the account in that mode.

    Call it in a transaction. Raises Unauthorized if `made_by` is a key that has been revoked.
    """
    if made_by is not None and made_by.type == "api_key":
        await _refuse_revoked(conn, made_by.id)
    secret = new_key(mode)
    row = await conn.fetchrow(
        f"""insert into api_keys (id, account_id, workspace_id, name, hash, prefix, mode, permission,
                                  rate_limit, rate_burst, created_at, expires_at, made_by_type, made_by)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
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
        made_by.type if made_by else None,
        made_by.id if made_by else None,
    )
    return NewApiKey(key=secret, **msgspec.structs.asdict(_key(row)))


async def refuse_past(conn: Connection, expires_at: datetime | None) -> None:
    """Raises Conflict if a key would already have expired, by the database's clock."""
    if expires_at and await conn.fetchval("select $1::timestamptz <= clock_timestamp()", expires_at):
        detail = '"expiresAt" must be in the future: the key would have expired already'
        raise Conflict(errors=[FieldError("/expiresAt", None, "in_the_past", detail)])


async def _refuse_revoked(conn: Connection, key_id: str | None) -> None:
    # A key cannot create another one while it is being revoked.
    good = await conn.fetchval(
        "select true from api_keys where id = $1 and revoked_at is null for share", key_id
    )
    if not good:
        raise Unauthorized


async def list_keys(
    conn: Connection,
    account_id: str,
    mode: str,
    workspace_id: str | None,
    *,
    after: str | None,
    limit: int,
) -> list[ApiKey]:
    """Keys of the account in that mode, or of one of its workspaces; oldest first, after `after`."""
    rows = await conn.fetch(
        f"""select {_COLUMNS} from api_keys
             where account_id = $1 and mode = $2 and ($3::uuid is null or workspace_id = $3)
               and ($4::uuid is null or (created_at, id) >
                    (select created_at, id from api_keys
                      where account_id = $1 and mode = $2 and ($3::uuid is null or workspace_id = $3)
                        and id = $4))
             order by created_at, id limit $5""",
        account_id,
        mode,
        workspace_id,
        after,
        limit,
    )
    return [_key(row) for row in rows]


_KNOWN = f"""
select {_COLUMNS},
       case made_by_type
            when 'user' then (select u.name from users u
                               where u.account_id = k.account_id and u.id = k.made_by)
            else (select m.name from api_keys m where m.account_id = k.account_id and m.id = k.made_by)
       end as made_by
  from api_keys k
 where account_id = $1 and mode = $2 and (workspace_id = $3 or ($4 and workspace_id is null))
"""
_MOST = 1000


async def list_known_keys(
    conn: Connection, account_id: str, mode: str, workspace_id: str, *, of_account: bool
) -> list[KnownKey]:
    """The latest thousand keys of a workspace, with `of_account` also of the account; newest first."""
    rows = await conn.fetch(
        f"{_KNOWN} order by created_at desc, id desc limit {_MOST}",
        account_id,
        mode,
        workspace_id,
        of_account,
    )
    return [_known(row) for row in rows]


async def find_known_key(
    conn: Connection, account_id: str, mode: str, workspace_id: str, key_id: str, *, of_account: bool
) -> KnownKey:
    """One of the keys of list_known_keys. Raises NotFound."""
    row = await conn.fetchrow(f"{_KNOWN} and id = $5", account_id, mode, workspace_id, of_account, key_id)
    if row is None:
        raise NotFound
    return _known(row)


async def list_all_keys(conn: Connection) -> list[ApiKey]:
    """Every key of the installation, oldest first: for its operator, not for its customers."""
    rows = await conn.fetch(f"select {_COLUMNS} from api_keys order by created_at, id")
    return [_key(row) for row in rows]


async def revoke_key(
    conn: Connection, account_id: str, mode: str, workspace_id: str | None, key_id: str
) -> None:
    """Revokes a key of the account in that mode, or of one of its workspaces; a revoked key stays revoked.

    Raises NotFound if the key does not exist.
    """
    found = await conn.fetchval(
        """update api_keys set revoked_at = coalesce(revoked_at, $5)
            where account_id = $1 and mode = $2 and ($3::uuid is null or workspace_id = $3) and id = $4
           returning true""",
        account_id,
        mode,
        workspace_id,
        key_id,
        datetime.now(UTC),
    )
    if not found:
        raise NotFound


async def find_key(conn: Connection, key_id: str) -> ApiKey:
    """A key of any account: for the operator of the installation. Raises NotFound."""
    row = await conn.fetchrow(f"select {_COLUMNS} from api_keys where id = $1", key_id)
    if row is None:
        raise NotFound(f"The API key {key_id} does not exist.")
    return _key(row)


def _known(row: Row) -> KnownKey:
    return KnownKey(scope=_scope(row), **dict(row))


def _scope(row: Row) -> str:
    return "workspace" if row["workspace_id"] else "account"


def _key(row: Row) -> ApiKey:
    return ApiKey(scope=_scope(row), **dict(row))
