"""`--growth --large`: ten million contacts and a hundred million events, made by SQL, beside 100,000."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console

from bench import report
from bench.figures import Bar
from bench.generators import rehearse, run
from bench.growth import CLIENTS, LOADS, Turns
from bench.loads import SCENARIOS
from bench.stage import ALL, FOLDER, BenchError, Stage, load_contacts, postmaster, stage
from contactory.database.db import connect
from contactory.database.months import MONTHS, following, month_of

CONTACTS, SMALL, EVENTS_EACH = 10_000_000, 100_000, 10
_BYTES_A_CONTACT = 5_500
"""With its events and all indexes, and room for a backup."""
_PATIENCE = 600.0
_SESSION = {"maintenance_work_mem": "1GB", "synchronous_commit": "off"}
# After some hours of work, the memory has the contacts, and not only what the vacuum has left there.
_WARM = ("select count(*) from contacts", "set enable_seqscan = off", "select count(id) from contacts")
# Each contact has one event a month; the contacts come in the order of their ids, as they were created.
_MONTH = """
insert into {name} (workspace_id, contact_id, version, id, type, at, actor_type, via, changes)
select '{workspace}', ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, {version},
       ('00000000-0000-7000-{version:04}-' || lpad(to_hex(n), 12, '0'))::uuid, '{type}',
       timestamptz '{begin}' + n * interval '{step} microseconds', 'system', 'import',
       '{{"firstName": ["Jane {version}", "Joan {version}"], "customFields": {{"1": [null, "Fair"]}}}}'
  from generate_series(1, {contacts}) n
"""


def measure(contacts: int, rounds: int, seconds: int, workers: int, console: Console) -> report.Result:
    """Compares a server with `contacts` and ten events of each with one that has 100,000 contacts.

    Raises BenchError if the disk has not enough room.
    """
    _check_room(contacts)
    with ExitStack() as stack:
        small = stack.enter_context(stage(min(SMALL, contacts), workers, console.print, tags=ALL))
        large = stack.enter_context(stage(0, workers, console.print))
        times = {"Seconds to make the data": _timed(lambda: _fill(large, contacts, console))}
        times["Seconds of vacuum analyze, the first"] = _timed(
            lambda: large.sql("vacuum analyze", "select 1")
        )
        large.sql(*_WARM)
        here = report.machine(large)
        for built in (small, large):
            for name in LOADS:
                rehearse(built, SCENARIOS[name])
        turns = Turns({"few": small, "many": large}, rounds, seconds, console)
        turns.take("before")
        restart = _restart(large, seconds)
        times["Seconds of vacuum analyze of the contacts after that"] = _timed(
            lambda: large.sql("vacuum analyze contacts", "select 1")
        )
        times |= _back_up(large)
        times["GB on the disk"] = large.sql("select pg_database_size(current_database())") / 1e9
        bars = [*_bars(turns, contacts, small.contacts), restart, *(Bar(*each) for each in times.items())]
        return report.result(
            "large", large, here, seconds, workers, figures=turns.figures(), bars=bars, runs=turns.runs
        )


def _check_room(contacts: int) -> None:
    needed, free = contacts * _BYTES_A_CONTACT, shutil.disk_usage(FOLDER).free
    if free < needed:
        raise BenchError(
            f"This needs {needed / 1e9:.0f} GB in {FOLDER}, which has {free / 1e9:.0f} GB free: make room, "
            f"or measure fewer contacts with --contacts."
        )


def _timed(work: Any) -> float:
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


def _fill(built: Stage, contacts: int, console: Console) -> None:
    months = [month_of(datetime.now(UTC))]
    while len(months) < EVENTS_EACH:
        months.insert(0, month_of(months[0] - timedelta(days=1)))
    console.print(f"making {contacts:,} contacts without indexes")
    indexes = asyncio.run(_take_indexes(built.url))
    load_contacts(built, contacts, "'America/Los_Angeles'", ALL, version=EVENTS_EACH)
    console.print("making their indexes")
    asyncio.run(_execute(built.url, indexes))
    asyncio.run(_make_history(built, months, console))
    built.sql("insert into search_progress (workspace_id, at) values ('{w}', now()) on conflict do nothing",
              "select 1", w=built.workspace)  # fmt: skip


async def _take_indexes(url: str) -> list[str]:
    """Drops the indexes of the contacts; returns the statements that make them again."""
    conn = await connect(url)
    try:
        found = await conn.fetch(
            """select i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid), i.indisprimary
                 from pg_index i where i.indrelid = 'contacts'::regclass"""
        )
        for name, _, primary in found:
            drop = f"alter table contacts drop constraint {name}" if primary else f"drop index {name}"
            await conn.execute(drop)
    finally:
        await conn.close()
    return [
        f"alter table contacts add primary key {re.sub(r'.* USING btree ', '', made)}" if primary else made
        for _, made, primary in found
    ]


async def _execute(url: str, statements: Sequence[str]) -> None:
    conn = await connect(url, session=_SESSION)
    try:
        for statement in statements:
            await conn.execute(statement)
    finally:
        await conn.close()


async def _make_history(built: Stage, months: Sequence[datetime], console: Console) -> None:
    """Gives the past its months, each loaded before it has an index and becomes a partition."""
    now, oldest = f"contact_events_{months[-1]:%Y_%m}", months[0]
    await _execute(
        built.url,
        [
            "alter table contact_events detach partition contact_events_first",
            f"alter table contact_events attach partition contact_events_first "
            f"for values from (minvalue) to ('{oldest}')",
            f"alter table contact_events detach partition {now}",
            f"drop table {now}",
        ],
    )
    for version, month in enumerate(months, 1):
        console.print(f"making the events of {month:%B %Y}")
        conn = await connect(built.url, session=_SESSION)
        try:
            async with conn.transaction():  # A table of the same transaction needs no WAL.
                await _make_month(conn, built, month, version)
        finally:
            await conn.close()


async def _make_month(conn: Any, built: Stage, month: datetime, version: int) -> None:
    name, end = f"contact_events_{month:%Y_%m}", following(month)
    length = min(end, datetime.now(UTC)) - month
    await conn.execute(f"create table {name} (like contact_events including defaults)")
    await conn.execute(
        _MONTH.format(
            name=name,
            workspace=built.workspace,
            version=version,
            type="contact.created" if version == 1 else "contact.updated",
            begin=month,
            step=length // timedelta(microseconds=1) // (built.contacts + 1),
            contacts=built.contacts,
        )
    )
    await conn.execute(f"alter table {name} add primary key (workspace_id, contact_id, version)")
    await MONTHS.attach(conn, name, f"'{month}'", f"'{end}'")


def _restart(built: Stage, seconds: int) -> Bar:
    """Kills PostgreSQL when it has much to recover; what starts it again is the supervisor."""
    run(built, SCENARIOS["patch"], "api", CLIENTS, 3 * seconds)
    os.kill(built.postgresql.pid, signal.SIGKILL)
    begun = time.monotonic()
    path = "/v1/contacts/00000000-0000-7000-8000-000000000001"
    while True:
        try:
            built.call("PATCH", path, {"firstName": f"N{time.monotonic_ns()}"})
            break
        except (BenchError, OSError):
            if time.monotonic() > begun + _PATIENCE:
                raise
            time.sleep(0.1)
    built.postgresql = postmaster(built.folder)
    return Bar("Seconds from kill -9 of PostgreSQL to the next change", time.monotonic() - begun, most=60)


def _back_up(built: Stage) -> dict[str, float]:
    path = built.folder / "backup.dump"
    words = [sys.executable, "-m", "contactory", "backup", str(path)]
    environment = os.environ | {"CONTACTORY_DATABASE_URL": built.url}
    begun = time.monotonic()
    subprocess.run(words, check=True, env=environment, stdout=subprocess.DEVNULL)
    found = {"Seconds of a backup": time.monotonic() - begun, "GB of a backup": path.stat().st_size / 1e9}
    path.unlink()
    return found


def _bars(turns: Turns, contacts: int, few: int) -> list[Bar]:
    larger = f"/s at {contacts:,} contacts and {contacts * EVENTS_EACH:,} events, to {few:,}"
    return [
        turns.bar("PATCH" + larger, "patch", "many, before", "few, before", 0.8),
        turns.bar("GET" + larger, "get", "many, before", "few, before", 0.9),
    ]
