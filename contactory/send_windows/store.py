"""Send windows in the database."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from contactory.base.ids import new_id
from contactory.catalog.catalog import bump, read_windows
from contactory.database.db import Connection, translated
from contactory.local_time.windows import SendWindow
from contactory.rules.actor import Actor
from contactory.rules.errors import Conflict, FieldError, NotFound

CHANGED_SINCE = "Another user has changed this send window since you opened it."


async def visible_workspace_of(conn: Connection, actor: Actor, window_id: str) -> str:
    """The workspace of the window, among those that the actor sees. Raises NotFound."""
    found = await conn.fetchval(
        """select w.id::text
             from workspaces w
             join send_windows s on s.workspace_id = w.id and s.id = $4
            where w.account_id = $1 and w.mode = $2 and w.deleted_at is null
              and ($3::uuid is null or w.id = $3)""",
        actor.account_id,
        actor.mode,
        actor.workspace_id,
        window_id,
    )
    if found is None:
        raise NotFound
    return found


async def get_window(conn: Connection, workspace_id: str, window_id: str) -> SendWindow:
    """A window. Raises NotFound."""
    found = [window for window in await read_windows(conn, workspace_id) if window.id == window_id]
    if not found:
        raise NotFound
    return found[0]


async def create_window(
    conn: Connection, workspace_id: str, values: Mapping[str, Any], max_windows: int
) -> SendWindow:
    """Creates a window from `values`, by their names in SendWindow. Call it in a transaction.

    Raises Conflict if another window has the name, or the workspace has `max_windows` already.
    """
    await bump(conn, workspace_id)
    if len(await read_windows(conn, workspace_id)) >= max_windows:
        raise Conflict(f"A workspace has at most {max_windows} send windows: delete one first.")
    now = datetime.now(UTC)
    given: dict[str, Any] = {"holidays": [], "is_default": False, **values}
    window = SendWindow(id=new_id(), workspace_id=workspace_id, created_at=now, updated_at=now, **given)
    if window.is_default:
        await _clear_default(conn, workspace_id, now)
    await _write(
        conn,
        """insert into send_windows (workspace_id, id, name, channels, days, holidays, is_default, updated_at,
                                     created_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $8)""",
        window,
    )
    return window


async def change_window(
    conn: Connection,
    workspace_id: str,
    window_id: str,
    values: Mapping[str, Any],
    seen: datetime | None = None,
) -> SendWindow:
    """Changes the fields in `values`. Call it in a transaction.

    Raises NotFound, and Conflict if another window has the name, no window would be the default, or the
    window has been changed since the moment `seen`.
    """
    await bump(conn, workspace_id)
    stored = await get_window(conn, workspace_id, window_id)
    if seen is not None and stored.updated_at != seen:
        raise Conflict(CHANGED_SINCE)
    wanted = msgspec.structs.replace(stored, **values)
    if wanted == stored:
        return stored
    if stored.is_default and not wanted.is_default:
        detail = "The workspace needs a default window: make another window the default instead"
        raise Conflict(detail, [FieldError("/isDefault", None, "default_window", detail)])
    wanted.updated_at = max(datetime.now(UTC), stored.updated_at)
    if wanted.is_default and not stored.is_default:
        await _clear_default(conn, workspace_id, wanted.updated_at)
    await _write(
        conn,
        """update send_windows
              set name = $3, channels = $4, days = $5, holidays = $6, is_default = $7, updated_at = $8
            where workspace_id = $1 and id = $2""",
        wanted,
    )
    return wanted


async def _clear_default(conn: Connection, workspace_id: str, now: datetime) -> None:
    await conn.execute(
        """update send_windows set is_default = false, updated_at = $2
            where workspace_id = $1 and is_default""",
        workspace_id,
        now,
    )


async def _write(conn: Connection, statement: str, window: SendWindow) -> None:
    with translated():
        await conn.execute(
            statement,
            window.workspace_id,
            window.id,
            window.name,
            window.channels,
            msgspec.json.encode(window.days).decode(),
            window.holidays,
            window.is_default,
            window.updated_at,
        )


async def delete_window(conn: Connection, workspace_id: str, window_id: str) -> None:
    """Deletes a window. Call it in a transaction. Raises NotFound, and Conflict for the default one."""
    await bump(conn, workspace_id)
    if (await get_window(conn, workspace_id, window_id)).is_default:
        raise Conflict(
            "This send window is the workspace's default: make another one the default (isDefault), "
            "and then delete this one."
        )
    await conn.execute(
        "delete from send_windows where workspace_id = $1 and id = $2", workspace_id, window_id
    )
