"""The supervisor: starts PostgreSQL, the schema and the server processes, and stops them in reverse order."""

import asyncio
import os
import shutil
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from contactory.access.links import make_link
from contactory.base.logs import set_up_logs
from contactory.base.settings import Settings, processes, to_environment
from contactory.database.db import check_session, connect
from contactory.database.migrate import migrate
from contactory.embedded.server import EmbeddedPostgres, default_data_dir
from contactory.keys.store import create_key
from contactory.process.workers import Limits, listen, run
from contactory.web.addresses import listening
from contactory.workspaces.store import create_account, create_workspace

Say = Callable[[str], None]


class FirstStart(NamedTuple):
    """The result of a first start with an empty database."""

    workspace_id: str
    key: str
    set_up: str
    """The link that creates the dashboard's owner."""


def data_dir(settings: Settings) -> Path:
    """The folder of the embedded PostgreSQL."""
    return Path(settings.data_dir).absolute() if settings.data_dir else default_data_dir()


@contextmanager
def postgresql(settings: Settings, say: Say) -> Generator[EmbeddedPostgres]:
    """The embedded server, which runs for the duration of the block."""
    memory = {"shared_buffers": f"{settings.database_memory}MB"}
    server = EmbeddedPostgres(data_dir(settings), settings=memory, report=say)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def serve(settings: Settings, say: Say, welcome: Callable[[str, FirstStart | None], None]) -> None:
    """Serves until SIGINT or SIGTERM; `welcome` gets the address once the server answers, and the result of a
    first start.

    Raises EmbeddedError, MigrationError, SharedSession, and OSError or TimeoutError if the database or the
    address is not available.
    """
    set_up_logs(settings)
    with ExitStack() as stack:
        server = None if settings.database_url else stack.enter_context(postgresql(settings, say))
        url = server.url if server else settings.database_url
        if server is None:
            asyncio.run(check_session(url))
        first = asyncio.run(_prepare(url, say))
        os.environ.update(to_environment(msgspec.structs.replace(settings, database_url=url)))
        metrics = Path(tempfile.mkdtemp(prefix="contactory-metrics-"))
        stack.callback(shutil.rmtree, metrics, ignore_errors=True)
        address = listening(settings)
        public = settings.public_url or address
        sockets = listen(settings.host, settings.port, processes(settings))
        if server:
            server.announce(public)
        if first:
            first = first._replace(set_up=public + first.set_up)
        threading.Thread(target=_when_ready, args=(address, first, welcome), daemon=True).start()
        limits = Limits(settings.shutdown_timeout, settings.worker_timeout)
        asyncio.run(run(sockets, metrics, limits))


async def _prepare(url: str, say: Say) -> FirstStart | None:
    """Brings the schema up to date, and creates the first account in an empty database."""
    conn = await connect(url)
    try:
        await migrate(conn, say)
        async with conn.transaction():
            # If several servers start with one empty database, only one creates the account.
            await conn.execute("lock table accounts in share row exclusive mode")
            if await conn.fetchval("select exists (select from accounts)"):
                return None
            account = await create_account(conn, "My account")
            workspace = await create_workspace(conn, account, "My workspace")
            key = await create_key(
                conn, account, workspace, name="First key", mode="live", permission="admin"
            )
            return FirstStart(workspace, key.key, await make_link(conn, "set-up", account))
    finally:
        await conn.close()


def _when_ready(
    address: str, first: FirstStart | None, welcome: Callable[[str, FirstStart | None], None]
) -> None:
    # Do not use a proxy from the environment (http_proxy) to reach this server.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        try:
            with direct.open(f"{address}/health/ready", timeout=1):
                break
        except urllib.error.HTTPError:
            time.sleep(0.2)
        except OSError:
            time.sleep(0.02)
    welcome(address, first)
