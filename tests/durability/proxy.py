"""A proxy before PostgreSQL that cuts connections just where a commit is under way.

It reads the frames of the protocol (PostgreSQL documentation, chapter "Frontend/Backend Protocol") as far as
it takes to see which of them commits a change of a contact.
"""

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from types import TracebackType
from urllib.parse import parse_qs, urlsplit, urlunsplit

_SSL_REQUEST = 80877103
_TAKES_BACK = b"N"  # "No TLS here": the client goes on without.


class Cut(StrEnum):
    """Where a connection is cut, seen from the request that commits."""

    WITHHELD = "before the request is passed on"
    IN_REQUEST = "in the middle of the request"
    AFTER_REQUEST = "once the request is passed on"
    BEFORE_ANSWER = "when the answer has come, none of which is passed on"
    IN_ANSWER = "before the last frame of the answer"


class CuttingProxy:
    """Passes connections on to the server at `url`, and cuts as planned: `with CuttingProxy(…) as proxy`.

    Each entry of `plan` is one cut; about every other commit suffers one until the plan is done.
    """

    def __init__(self, url: str, plan: Sequence[Cut], seed: int) -> None:
        self._target = urlsplit(url)
        self._plan = list(plan)
        self._rng = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._port = 0
        self.cuts: Counter[Cut] = Counter()

    @property
    def url(self) -> str:
        """The database by way of this proxy."""
        login = self._target.netloc.rpartition("@")[0]
        return urlunsplit(self._target._replace(netloc=f"{login}@127.0.0.1:{self._port}", query=""))

    @property
    def done(self) -> bool:
        """Whether every cut of the plan has been made."""
        return not self._plan

    def __enter__(self) -> "CuttingProxy":
        self._thread.start()
        listening = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop
        )
        self._port = listening.result(5).sockets[0].getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def take(self) -> Cut | None:
        """The cut that the commit at hand is to suffer."""
        if not self._plan or self._rng.random() < 0.5:
            return None
        cut = self._plan.pop()
        self.cuts[cut] += 1
        return cut

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            target = await self._connect()
        except OSError:
            writer.transport.abort()
            return
        session = _Session(self, (reader, writer), target)
        try:
            await asyncio.gather(session.requests(), session.answers())
        except (asyncio.IncompleteReadError, OSError, _Over):
            pass
        finally:
            session.end()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        options = parse_qs(self._target.query)
        host = options["host"][0] if "host" in options else self._target.hostname or ""
        port = int(options["port"][0]) if "port" in options else self._target.port or 5432
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)


class _Over(Exception):
    """The connection has been cut."""


class _Session:
    def __init__(
        self,
        proxy: CuttingProxy,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self._proxy = proxy
        self._from_client, self._to_client = client
        self._from_server, self._to_server = server
        self._writing_statements: set[bytes] = set()
        self._writes = False
        self._in_transaction = False
        self._cut: Cut | None = None

    def end(self) -> None:
        self._to_server.transport.abort()
        # What was passed on of an answer still arrives.
        self._to_client.close()

    async def requests(self) -> None:
        await self._start()
        while True:
            kind, frame = await _frame(self._from_client)
            if self._commits(kind, frame[5:]):
                self._writes = False
                self._cut = self._proxy.take()
                self._break_off(frame)
            self._to_server.write(frame)
            await self._to_server.drain()
            if self._cut == Cut.AFTER_REQUEST:
                raise _Over

    def _break_off(self, frame: bytes) -> None:
        if self._cut == Cut.IN_REQUEST:
            self._to_server.write(frame[: len(frame) // 2])
        if self._cut in (Cut.WITHHELD, Cut.IN_REQUEST):
            raise _Over

    async def _start(self) -> None:
        while True:
            head = await self._from_client.readexactly(8)
            rest = await self._from_client.readexactly(int.from_bytes(head[:4]) - 8)
            if int.from_bytes(head[4:]) != _SSL_REQUEST:
                self._to_server.write(head + rest)
                return
            self._to_client.write(_TAKES_BACK)

    def _commits(self, kind: bytes, payload: bytes) -> bool:
        """Whether PostgreSQL, once it has this frame, commits a change of a contact."""
        if kind == b"P":
            name, query, _ = payload.split(b"\0", 2)
            if b"insert into contact_events" in query:
                self._writing_statements.add(name)
        elif kind == b"B":
            self._writes |= payload.split(b"\0", 2)[1] in self._writing_statements
        if self._in_transaction:
            return self._writes and kind == b"Q" and payload.startswith(b"COMMIT")
        return self._writes and kind == b"S"

    async def answers(self) -> None:
        while True:
            kind, frame = await _frame(self._from_server)
            if self._cut == Cut.BEFORE_ANSWER:
                raise _Over
            if kind == b"Z":  # ready for the next query
                if self._cut == Cut.IN_ANSWER:
                    raise _Over
                self._in_transaction = frame[5:] != b"I"
                self._writes &= self._in_transaction
            self._to_client.write(frame)
            await self._to_client.drain()


async def _frame(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """The kind of a frame, and the whole of it."""
    head = await reader.readexactly(5)
    return head[:1], head + await reader.readexactly(int.from_bytes(head[1:]) - 4)
