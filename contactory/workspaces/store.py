"""Accounts and workspaces in the database."""

from datetime import UTC, datetime

import msgspec

from contactory.base.ids import new_id
from contactory.database.db import Connection
from contactory.local_time.windows import DEFAULT_WINDOW
from contactory.rules.errors import NotFound
from contactory.workspaces.model import Workspace


class Account(msgspec.Struct, rename="camel"):
    """A customer of the installation."""

    id: str
    name: str
    created_at: datetime


async def create_account(conn: Connection, name: str) -> str:
    """Creates an account; returns its id."""
    account_id = new_id()
    await conn.execute("insert into accounts values ($1, $2, $3)", account_id, name, datetime.now(UTC))
    return account_id


async def list_accounts(conn: Connection) -> list[Account]:
    """Every account of the installation, oldest first."""
    rows = await conn.fetch("select id::text, name, created_at from accounts order by created_at, id")
    return [Account(*row) for row in rows]


async def find_account(conn: Connection, account_id: str) -> Account:
    """An account. Raises NotFound."""
    row = await conn.fetchrow("select id::text, name, created_at from accounts where id = $1", account_id)
    if row is None:
        raise NotFound(f"The account {account_id} does not exist.")
    return Account(*row)


_COLUMNS = """id::text, account_id::text, name, description, mode, timezone, country, icon, contact_name,
       contact_phone, contact_email, street_address, state, zip, business_registration_number,
       created_at, updated_at"""


async def create_workspace(
    conn: Connection, account_id: str, name: str, *, mode: str = "live", **details: str | None
) -> str:
    """Creates a workspace with its first send window, `details` by their names in Workspace; returns its id.

    Raises NotFound if the account does not exist.
    """
    now = datetime.now(UTC)
    made = Workspace(
        id=new_id(), account_id=account_id, name=name, mode=mode, created_at=now, updated_at=now, **details
    )
    found = await conn.fetchval(
        """with made as (
               insert into workspaces (id, account_id, name, description, mode, timezone, country, icon,
                                       contact_name, contact_phone, contact_email, street_address, state, zip,
                                       business_registration_number, created_at, updated_at)
               select $1, id, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17
                 from accounts where id = $2
               returning id
           )
           insert into send_windows (workspace_id, id, name, channels, days, is_default,
                                     created_at, updated_at)
           select id, $18, $19, $20, $21, true, $16, $16 from made
           returning true""",
        *msgspec.structs.astuple(made),
        new_id(),
        DEFAULT_WINDOW["name"],
        DEFAULT_WINDOW["channels"],
        msgspec.json.encode(DEFAULT_WINDOW["days"]).decode(),
    )
    if not found:
        raise NotFound(f"The account {account_id} does not exist.")
    return made.id


async def get_workspace(
    conn: Connection, account_id: str, mode: str, workspace_id: str, *, lock: bool = False
) -> Workspace:
    """A workspace of the account in that mode; `lock` locks it for this transaction. Raises NotFound."""
    row = await conn.fetchrow(
        f"""select {_COLUMNS} from workspaces
             where account_id = $1 and mode = $2 and id = $3 and deleted_at is null
             {"for update" if lock else ""}""",
        account_id,
        mode,
        workspace_id,
    )
    if row is None:
        raise NotFound
    return Workspace(**dict(row))


async def list_workspaces(
    conn: Connection, account_id: str, mode: str, *, after: str | None, limit: int
) -> list[Workspace]:
    """Workspaces of the account in that mode, oldest first, after the workspace `after`."""
    rows = await conn.fetch(
        f"""select {_COLUMNS} from workspaces
             where account_id = $1 and mode = $2 and deleted_at is null
               and ($3::uuid is null or (created_at, id) >
                    (select created_at, id from workspaces
                      where account_id = $1 and mode = $2 and id = $3))
             order by created_at, id limit $4""",
        account_id,
        mode,
        after,
        limit,
    )
    return [Workspace(**dict(row)) for row in rows]


async def list_all_workspaces(conn: Connection) -> list[Workspace]:
    """Every workspace of the installation, oldest first: for its operator, not for its customers."""
    rows = await conn.fetch(
        f"select {_COLUMNS} from workspaces where deleted_at is null order by created_at, id"
    )
    return [Workspace(**dict(row)) for row in rows]


async def find_workspace(conn: Connection, workspace_id: str) -> Workspace:
    """A workspace of any account: for the operator of the installation. Raises NotFound."""
    row = await conn.fetchrow(
        f"select {_COLUMNS} from workspaces where id = $1 and deleted_at is null", workspace_id
    )
    if row is None:
        raise NotFound(f"The workspace {workspace_id} does not exist.")
    return Workspace(**dict(row))


async def update_workspace(conn: Connection, stored: Workspace, wanted: Workspace) -> Workspace:
    """Changes `stored`, which is locked, to `wanted`; writes nothing if they are equal."""
    if wanted == stored:
        return stored
    changed = msgspec.structs.replace(wanted, updated_at=max(datetime.now(UTC), stored.updated_at))
    await conn.execute(
        """update workspaces
              set name = $3, description = $4, timezone = $6, country = $7, icon = $8, contact_name = $9,
                  contact_phone = $10, contact_email = $11, street_address = $12, state = $13, zip = $14,
                  business_registration_number = $15, updated_at = $17,
                  -- Both are part of the catalogue that writing a contact uses.
                  catalog_version = catalog_version
                      + ((timezone, country) is distinct from ($6, $7))::integer
            where account_id = $2 and id = $1 and mode = $5 and created_at = $16""",
        *msgspec.structs.astuple(changed),
    )
    return changed


async def delete_workspace(conn: Connection, account_id: str, mode: str, workspace_id: str) -> list[str]:
    """Deletes a workspace and revokes its keys; returns their ids. Call it in a transaction.

    Everything in it is hidden at once; a job erases it later. Raises NotFound.
    """
    now = datetime.now(UTC)
    found = await conn.fetchval(
        """update workspaces set deleted_at = clock_timestamp(), updated_at = $4
            where account_id = $1 and mode = $2 and id = $3 and deleted_at is null
           returning true""",
        account_id,
        mode,
        workspace_id,
        now,
    )
    if not found:
        raise NotFound
    rows = await conn.fetch(
        """update api_keys set revoked_at = $3
            where account_id = $1 and workspace_id = $2 and revoked_at is null
           returning id::text""",
        account_id,
        workspace_id,
        now,
    )
    return [row[0] for row in rows]
