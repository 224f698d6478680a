"""`contactory doctor`: checks an installation, and says what to do about problems."""

import shutil
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, NamedTuple

import click

from contactory.cli.output import json_option, print_json, print_rows
from contactory.cli.running import data_dir, database_url, explained, load, with_connection

if TYPE_CHECKING:
    from contactory.base.settings import Settings
    from contactory.database.db import Connection

_OLDEST_POSTGRESQL = 15
_SLOW_MS = 20.0
_LITTLE_BYTES, _TOO_LITTLE_BYTES = 2 << 30, 200 << 20
_YEARS = range(2025, 2100)
_OTHER_CONNECTIONS = 4  # Of one process, to create and to read contacts, in addition to its pool and writers.


class Finding(NamedTuple):
    """The result of one check: `ok`, `warn` or `fail`, and what to do."""

    check: str
    status: str
    detail: str
    advice: str = ""


Check = Callable[["Connection", "Settings"], Awaitable[Finding]]


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Check settings, database, disk and clock.

    Exits with 1 if a check fails; a warning is not a failure.
    """
    findings = _examine()
    if as_json:
        print_json([finding._asdict() for finding in findings])
    elif sys.stdout.isatty():
        columns = {"": "status", "check": "check", "found": "detail", "to do": "advice"}
        print_rows(False, findings, columns)
    else:
        for finding in findings:
            todo = f" - {finding.advice}" if finding.advice else ""
            click.echo(f"{finding.status:4}  {finding.check:12}  {finding.detail}{todo}")
    if any(finding.status == "fail" for finding in findings):
        raise SystemExit(1)


def _examine() -> list[Finding]:
    try:
        settings = load()
    except click.ClickException as error:
        return [Finding("settings", "fail", error.message)]
    kind = "your own server" if settings.database_url else f"embedded, in {data_dir(settings)}"
    today = datetime.now(UTC).date()
    findings = [Finding("settings", "ok", f"database: {kind}"), time_zones(today), phone_numbers(today)]
    if not settings.database_url:
        findings.append(_disk(settings))
    try:
        with explained(), database_url(settings) as url:
            findings.append(_session(url))
            findings += with_connection(url, lambda conn: _examine_database(conn, settings))
    except click.ClickException as error:
        findings.append(Finding("database", "fail", error.message))
    return findings


async def _examine_database(conn: "Connection", settings: "Settings") -> list[Finding]:
    checks: list[Check] = [_server, _schema, _months, _writing, _durability, _connections, _jobs, _clock]
    return [await check(conn, settings) for check in checks]


def time_zones(today: date) -> Finding:
    """The age of the time zone data."""
    from contactory.local_time.zones import TZDATA_VERSION, ZONES, data_since, is_outdated

    detail = f"IANA {TZDATA_VERSION} ({data_since():%B %Y} or later), {len(ZONES)} names"
    if is_outdated(today):
        return Finding("time zones", "warn", detail, "upgrade the package tzdata: clocks change by law")
    return Finding("time zones", "ok", detail)


def phone_numbers(today: date) -> Finding:
    """The age of the numbering plans."""
    from contactory.values.numbering_plans import PLANS_VERSION, plans_are_old, plans_since

    detail = f"phonenumbers {PLANS_VERSION} ({plans_since():%B %Y} or later)"
    if plans_are_old(today):
        return Finding("phones", "warn", detail, "upgrade the package phonenumbers: area codes are opened")
    return Finding("phones", "ok", detail)


def _disk(settings: "Settings") -> Finding:
    folder = data_dir(settings)
    place = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(place).free
    detail = f"{free / (1 << 30):.1f} GB free at {folder}"
    if free < _LITTLE_BYTES:
        status = "fail" if free < _TOO_LITTLE_BYTES else "warn"
        return Finding("disk", status, detail, "free some disk space: otherwise nothing can be written")
    return Finding("disk", "ok", detail)


def _session(url: str) -> Finding:
    """Raises SharedSession, which says what to do; the other checks are then not possible."""
    import asyncio

    from contactory.database.db import check_session

    asyncio.run(check_session(url))
    return Finding("session", "ok", "each connection keeps its settings, and commits wait for the disk")


async def _server(conn: "Connection", settings: "Settings") -> Finding:
    number = int(await conn.fetchval("show server_version_num"))
    begun = time.perf_counter()
    for _ in range(5):
        await conn.fetchval("select 1")
    millis = (time.perf_counter() - begun) * 200
    detail = f"PostgreSQL {number // 10000}.{number % 10000}, {millis:.1f} ms away"
    if number < _OLDEST_POSTGRESQL * 10000:
        return Finding("database", "fail", detail, f"PostgreSQL {_OLDEST_POSTGRESQL} or newer is needed")
    if millis > _SLOW_MS:
        return Finding("database", "warn", detail, "run Contactory closer to its database")
    return Finding("database", "ok", detail)


async def _schema(conn: "Connection", settings: "Settings") -> Finding:
    from contactory.database.migrate import MigrationError, migrations, pending

    try:
        lacking = await pending(conn)
    except MigrationError as error:
        return Finding("schema", "fail", str(error))
    if lacking:
        detail = f"{len(lacking)} of {len(migrations())} migrations are missing"
        return Finding("schema", "fail", detail, "run `contactory migrate`")
    return Finding("schema", "ok", f"up to date, {migrations()[-1].name}")


async def _months(conn: "Connection", settings: "Settings") -> Finding:
    from contactory.database.months import MONTHS, following, month_of

    if not await conn.fetchval("select to_regclass('contact_events_later') is not null"):
        return Finding("history", "warn", "not by months yet", "run `contactory migrate`")
    wanted, last = following(month_of(datetime.now(UTC))), await MONTHS.last(conn)
    if last is None or last < wanted:
        advice = "run `contactory migrate`; a transaction or a backup that runs for days blocks it"
        return Finding("history", "warn", f"the month {wanted:%Y-%m} is not made yet", advice)
    return Finding("history", "ok", f"months are made up to {last:%Y-%m}")


async def _writing(conn: "Connection", settings: "Settings") -> Finding:
    from contactory.database.db import AWAY, REFUSED

    if not await conn.fetchval("select to_regclass('accounts') is not null"):
        return Finding("writing", "warn", "not checked, because there are no tables yet")
    transaction = conn.transaction()
    await transaction.start()
    try:
        await conn.execute("insert into accounts values (gen_random_uuid(), 'doctor', now())")
    except (REFUSED, *AWAY) as error:
        return Finding("writing", "fail", str(error), "check the role's rights, and that it is not a replica")
    finally:
        with suppress(*AWAY):
            await transaction.rollback()
    return Finding("writing", "ok", "a row could be written, and was rolled back")


async def _durability(conn: "Connection", settings: "Settings") -> Finding:
    off = [name for name in ("fsync", "full_page_writes") if await conn.fetchval(f"show {name}") != "on"]
    if off:
        detail = f"{' and '.join(off)} off"
        return Finding("durability", "fail", detail, "turn it on in postgresql.conf: a crash would lose data")
    # Whether commits wait for the disk is a setting of each session, and our sessions always set it.
    return Finding("durability", "ok", "commits are on the disk before the answer")


async def _connections(conn: "Connection", settings: "Settings") -> Finding:
    from contactory.base.settings import processes

    most = int(await conn.fetchval("show max_connections"))
    wanted = processes(settings) * (settings.pool_size + settings.writers + _OTHER_CONNECTIONS)
    detail = f"up to {wanted} of {most}"
    if wanted > most:
        advice = "raise max_connections, or lower CONTACTORY_POOL_SIZE or CONTACTORY_WORKERS"
        return Finding("connections", "warn", detail, advice)
    return Finding("connections", "ok", detail)


async def _jobs(conn: "Connection", settings: "Settings") -> Finding:
    from contactory.schedule.leases import standings

    if not await conn.fetchval("select to_regclass('schedule') is not null"):
        return Finding("jobs", "warn", "not looked at, as there are no tables yet")
    found = await standings(conn)
    late = [job for job in found if job.late]
    if late:
        times = (f"{job.name} ({_last_time(job.last_success)})" for job in late)
        advice = "look for `job failed` in the server's log"
        return Finding("jobs", "warn", f"late: {', '.join(times)}", advice)
    if not found:
        return Finding("jobs", "ok", "no server is running, or it has only just started")
    return Finding("jobs", "ok", f"each of {len(found)} recurring jobs was done in its time")


def _last_time(at: datetime | None) -> str:
    return f"last done {at:%Y-%m-%d %H:%M:%S}Z" if at else "never done"


async def _clock(conn: "Connection", settings: "Settings") -> Finding:
    begun = datetime.now(UTC)
    theirs = await conn.fetchval("select clock_timestamp()")
    ours = begun + (datetime.now(UTC) - begun) / 2
    apart = abs((theirs - ours).total_seconds())
    detail = f"{ours:%Y-%m-%d %H:%M:%S}Z, {apart:.1f} s from the database's"
    if ours.year not in _YEARS:
        return Finding("clock", "fail", detail, "set this machine's clock")
    if apart > 2:
        return Finding("clock", "warn", detail, "synchronise both clocks by NTP")
    return Finding("clock", "ok", detail)
