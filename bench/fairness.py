"""A quiet workspace beside a neighbour with heavy searches: how much longer its reads take."""

import asyncio
import copy
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from string import Template

from bench.figures import Bar
from bench.generators import run
from bench.loads import SCENARIOS
from bench.stage import BenchError, Stage
from contactory.database.db import connect
from contactory.keys.store import create_key
from contactory.workspaces.store import create_account, create_workspace

MOST = 3.0
"""How many times as long the quiet workspace may wait."""
READS = ("get", "pages")
_QUIET_CLIENTS = 4
_NEIGHBOURS = 32
_CONTACTS = 1000

# No index helps: all contacts of the workspace are filtered, sorted and counted.
_SEARCHES = Template("""\
function request()
  local before = os.date("!%Y-%m-%dT%H:%M:%SZ", 4000000000 + math.random(100000000))
  local path = "/v1/contacts?sort=updatedAt&count=true&notTag=none&updatedBefore=" .. before
  return wrk.format("GET", path, {["Authorization"] = "Bearer $key"})
end
""")
_FILL = """
insert into contacts (workspace_id, id, first_name, last_name, email, email_key, phone, timezone, tag_ids,
                      fields, version, created_at, updated_at)
select $1, ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'First' || n, 'Last' || n,
       'contact' || n || '@example.com', 'contact' || n || '@example.com', '+1' || (4150000000 + n),
       'America/Los_Angeles', '{}', '{}', 1, at, at
  from (select n, timestamptz '2024-01-01' + n * interval '1 second' as at
          from generate_series(1, $2::int) n) numbered
"""


def fairness(built: Stage, rounds: int, seconds: int) -> list[Bar]:
    """The bars of the quiet workspace: it runs alone and beside the neighbour, in turns."""
    quiet, found = asyncio.run(_quiet(built)), list[Bar]()
    for name in READS:
        ratios: list[float] = []
        for turn in range(rounds):
            alone = run(quiet, SCENARIOS[name], "api", _QUIET_CLIENTS, seconds, turn)
            with _neighbour(built):
                beside = run(quiet, SCENARIOS[name], "api", _QUIET_CLIENTS, seconds, turn)
            ratios.append(beside.p99 / alone.p99)
        text = f"{SCENARIOS[name].title}: p99 beside {_NEIGHBOURS} heavy searches of another, to p99 alone"
        found.append(Bar(text, sorted(ratios)[len(ratios) // 2], most=MOST))
    return found


async def _quiet(built: Stage) -> Stage:
    """The same server for a key of another account, with a few contacts."""
    conn = await connect(built.url)
    try:
        account = await create_account(conn, "Quiet")
        workspace = await create_workspace(conn, account, "Quiet")
        made = await create_key(conn, account, workspace, name="quiet", mode="live", permission="admin")
        await conn.execute(_FILL, workspace, _CONTACTS)
        await conn.execute("analyze contacts")
    finally:
        await conn.close()
    quiet = copy.copy(built)
    quiet.workspace, quiet.key, quiet.contacts = workspace, made.key, _CONTACTS
    return quiet


@contextmanager
def _neighbour(built: Stage) -> Generator[None]:
    """Heavy searches of the large workspace, each client without a pause, for the duration of the block."""
    script = built.folder / "searches.lua"
    script.write_text(_SEARCHES.substitute(key=built.key))
    command = [
        "wrk",
        "-t1",
        f"-c{_NEIGHBOURS}",
        "-d600s",
        "--timeout",
        "60s",
        "-s",
        str(script),
        built.address,
    ]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        try:
            process.wait(1)  # The first ones are known to be slow only when they have ended.
        except subprocess.TimeoutExpired:
            yield
        else:
            raise BenchError("The neighbour's searches ended at once.")
    finally:
        process.kill()
        process.wait()
