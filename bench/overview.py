"""How long the server takes for each block of the dashboard's overview: `python -m bench.overview`.

Each block is counted anew, and asked for again right after, when it may be kept; between the rounds all that
is kept is waited out. The time is the client's, one request at a time.
"""

import asyncio
import http.client
import statistics
import time
from urllib.parse import urlsplit

import click
from rich.console import Console
from rich.table import Table

from bench.local_time import zones_of
from bench.stage import BenchError, Stage, stage
from contactory.access.sessions import open_session
from contactory.access.users import create_user
from contactory.database.db import connect

SIZES = (5_000, 1_000_000)
BLOCKS = {
    "the page": "",
    "30 days": "/growth?days=30",
    "90 days": "/growth",
    "365 days": "/growth?days=365",
    "tags": "/tags",
    "the coming hours, call": "/reach",
    "the coming hours, e-mail": "/reach?channel=email",
    "lately": "/activity",
}
_KEPT = 61  # Seconds after which nothing that was counted is kept.
_TWO_YEARS = """
update contacts
   set created_at = now() - ('x' || right(id::text, 6))::bit(24)::int % 730 * interval '1 day 1 second'
"""
_PHONELESS = "update contacts set phone = null where ('x' || right(id::text, 6))::bit(24)::int % 10 = 3"


@click.command()
@click.option(
    "--contacts", type=click.IntRange(1000, 10_000_000), multiple=True, help="How many; may be repeated."
)
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True, help="Of each block.")
def main(contacts: tuple[int, ...], rounds: int) -> None:
    """Measure the blocks of the overview, as medians over the rounds."""
    console = Console()
    table = Table("contacts", "what", "counted, ms", "again, ms", box=None)
    for size in contacts or SIZES:
        with stage(size, 1, console.print, zones_of(size)) as built:
            built.sql(_TWO_YEARS, _PHONELESS, "vacuum analyze contacts", "select 1")
            for what, times in _measured(built, rounds).items():
                first, again = (statistics.median(each) for each in zip(*times, strict=True))
                table.add_row(f"{size:,}", what, f"{first:,.0f}", f"{again:,.0f}")
    console.print(table)


def _measured(built: Stage, rounds: int) -> dict[str, list[tuple[float, float]]]:
    cookie = asyncio.run(_signed_in(built))
    _ask(built, cookie, "")  # The templates are read once.
    found: dict[str, list[tuple[float, float]]] = {}
    for turn in range(rounds):
        if turn:
            time.sleep(_KEPT)
        for what, path in BLOCKS.items():
            found.setdefault(what, []).append((_ask(built, cookie, path), _ask(built, cookie, path)))
    return found


async def _signed_in(built: Stage) -> str:
    """The cookie of somebody who may see everything."""
    conn = await connect(built.url)
    try:
        account = await conn.fetchval(
            "select account_id::text from workspaces where id = $1", built.workspace
        )
        email = ("bench@example.com", "bench@example.com")
        user = await create_user(conn, account, email, name="Bench", role="owner")
        return f"__Host-contactory={await open_session(conn, user.id)}"
    finally:
        await conn.close()


def _ask(built: Stage, cookie: str, path: str) -> float:
    """Milliseconds until the whole answer is there."""
    conn = http.client.HTTPConnection(str(urlsplit(built.address).netloc), timeout=60)
    try:
        conn.connect()
        headers = {"Cookie": cookie, **({"HX-Request": "true"} if path else {})}
        begun = time.perf_counter()
        conn.request("GET", f"/w/{built.workspace}/overview{path}", headers=headers)
        answer = conn.getresponse()
        answer.read()
        if answer.status != 200:
            raise BenchError(f"{path} is answered {answer.status}.")
        return (time.perf_counter() - begun) * 1000
    finally:
        conn.close()


if __name__ == "__main__":
    main(prog_name="python -m bench.overview")
