"""Which statements a server process runs: a proxy before PostgreSQL that counts them.

It reads the frames of the protocol (PostgreSQL documentation, chapter "Frontend/Backend Protocol").
"""

import asyncio
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit


class Statements:
    """Counts of the statements that came through, by their texts."""

    def __init__(self, url: str, folder: Path) -> None:
        self._target = urlsplit(url)
        self._folder = folder
        login = self._target.netloc.rpartition("@")[0]
        query = f"host={quote(str(folder))}&port=5432"
        self.url = urlunsplit(self._target._replace(netloc=f"{login}@", query=query))
        self._counts: Counter[str] = Counter()
        self._loop: asyncio.AbstractEventLoop
        self._stopping: asyncio.Event

    def since(self, before: Counter[str] | None = None) -> Counter[str]:
        """The counts, less those that were there `before`."""
        return self._counts - (before or Counter())

    async def serve(self, ready: Callable[["Statements"], None]) -> None:
        """Passes connections on until `stop` is called."""
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        async with await asyncio.start_unix_server(self._session, self._folder / ".s.PGSQL.5432"):
            ready(self)
            await self._stopping.wait()
            # Sessions that are still open end with the loop.

    def stop(self) -> None:
        """May be called from any thread."""
        self._loop.call_soon_threadsafe(self._stopping.set)

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await self._connect()
        try:
            await asyncio.gather(self._requests(reader, forth), _answers(back, writer))
        except (asyncio.IncompleteReadError, asyncio.CancelledError, OSError):
            pass
        finally:
            forth.transport.abort()
            writer.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        options = parse_qs(self._target.query)
        host = options["host"][0] if "host" in options else self._target.hostname or ""
        port = int(options["port"][0]) if "port" in options else self._target.port or 5432
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # The first message has no kind; over a Unix socket nobody asks for TLS before it.
        length = await reader.readexactly(4)
        writer.write(length + await reader.readexactly(int.from_bytes(length) - 4))
        prepared: dict[bytes, str] = {}
        while True:
            head = await reader.readexactly(5)
            payload = await reader.readexactly(int.from_bytes(head[1:]) - 4)
            writer.write(head + payload)
            if head[:1] == b"P":  # parse: a name and the text of a statement
                name, text, _ = payload.split(b"\0", 2)
                prepared[name] = text.decode()
            elif head[:1] == b"B":  # bind: a portal and the statement to run
                self._counts[prepared[payload.split(b"\0", 2)[1]]] += 1
            elif head[:1] == b"Q":
                self._counts[payload.rstrip(b"\0").decode()] += 1


async def _answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(65536):
        writer.write(chunk)
    raise asyncio.IncompleteReadError(b"", None)


@contextmanager
def counted(url: str) -> Generator[Statements]:
    """The database at `url` by way of a proxy."""
    # The path of a socket has to be short, so the folder is not one of pytest's.
    with tempfile.TemporaryDirectory(prefix="contactory-") as folder:
        statements = Statements(url, Path(folder))
        listening: SimpleQueue[Statements] = SimpleQueue()
        thread = threading.Thread(target=lambda: asyncio.run(statements.serve(listening.put)), daemon=True)
        thread.start()
        listening.get(timeout=10)
        try:
            yield statements
        finally:
            statements.stop()
            thread.join()
