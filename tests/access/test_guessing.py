"""What stands in the way of guessing passwords, and of nobody else."""

import asyncio
import re
import resource
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from contactory.access import attempts
from contactory.access.attempts import count_attempt, is_known, remember, subjects
from contactory.access.passwords import Passwords
from contactory.access.users import set_password
from contactory.rules.errors import RateLimited, Unavailable
from contactory.web.messages import Request
from tests.access.test_sign_in import PASSWORD, olive, sign_in, stored
from tests.servers import Sql, running
from tests.world import Person, World, an_email, at_once

__all__ = ["olive", "stored"]
HERE = "127.0.0.1"
HOME, ELSEWHERE = {"x-forwarded-for": "203.0.113.1"}, {"x-forwarded-for": "198.51.100.7"}


@pytest.fixture(autouse=True)
def _no_failures_yet(sql: Sql) -> None:
    sql.execute("delete from sign_in_failures")


def fail(sql: Sql, subject: bytes, failures: int, since: str = "now()") -> None:
    """So many have failed."""
    sql.execute(
        f"""insert into sign_in_failures (subject, failures, since) values ($1, $2, {since})
              on conflict (subject) do update set failures = $2, since = {since}""",
        subject,
        failures,
    )


def failures(sql: Sql, subject: bytes) -> int:
    return sql.value("select failures from sign_in_failures where subject = $1", subject) or 0


def turns(sql: Sql, email: str) -> bool:
    """Whether attempts with that e-mail have had to wait for their turn."""
    email_row = subjects("", email).email
    return sql.value("select next_at is not null from sign_in_failures where subject = $1", email_row)


def shape(answer: httpx.Response, email: str) -> tuple[int, str]:
    return answer.status_code, re.sub(r'name="csrf" value="[^"]*"', "", answer.text.replace(email, ""))


def test_a_wrong_password_and_an_unknown_e_mail_are_answered_alike(http: httpx.Client, olive: Person) -> None:
    nobody = an_email()
    known = sign_in(http, olive.email, "wrong password")
    unknown = sign_in(http, nobody, "wrong password")
    assert shape(known, olive.email) == shape(unknown, nobody)
    assert known.status_code == 400
    assert "is not correct" in known.text


def test_the_tenth_failure_of_an_address_with_an_e_mail_stops_it_everywhere(
    http: httpx.Client, second_http: httpx.Client, olive: Person
) -> None:
    for number in range(10):
        at = (http, second_http)[number % 2]
        assert sign_in(at, olive.email, "wrong password").status_code == 400
    for at in (http, second_http):
        answer = sign_in(at, olive.email)
        assert answer.status_code == 429
        assert 0 < int(answer.headers["retry-after"]) <= 900
        assert "try again in 15 minutes" in answer.text


def test_a_hundred_guesses_at_once_count_as_such(http: httpx.Client, olive: Person) -> None:
    tried = at_once(*(lambda: sign_in(http, olive.email, "wrong password").status_code for _ in range(20)))
    assert sorted(tried) == [400] * 10 + [429] * 10


def test_the_thirtieth_failure_of_an_address_stops_it_for_every_e_mail(
    sql: Sql, http: httpx.Client, olive: Person
) -> None:
    fail(sql, subjects(HERE, "").address, 29)
    assert sign_in(http, an_email(), "wrong password").status_code == 400
    nobody = an_email()
    assert shape(sign_in(http, olive.email), olive.email) == shape(sign_in(http, nobody), nobody)
    assert sign_in(http, olive.email).status_code == 429


def test_the_pause_ends(sql: Sql, http: httpx.Client, olive: Person) -> None:
    fail(sql, subjects(HERE, olive.email).pair, 10)
    assert sign_in(http, olive.email).status_code == 429
    sql.execute("update sign_in_failures set since = since - interval '15 minutes'")
    assert sign_in(http, olive.email).status_code == 303


def test_a_clock_that_was_set_back_stops_nobody_for_longer_than_the_pause(
    sql: Sql, http: httpx.Client, olive: Person
) -> None:
    who = subjects(HERE, olive.email)
    fail(sql, who.pair, 99, "now() + interval '1 day'")
    answer = sign_in(http, olive.email)
    assert (answer.status_code, int(answer.headers["retry-after"])) == (429, 900)
    sql.execute("update sign_in_failures set since = since - interval '15 minutes'")
    fail(sql, who.email, 99, "now() + interval '1 day'")
    sql.execute(
        "update sign_in_failures set next_at = now() + interval '1 day' where subject = $1", who.email
    )
    assert sign_in(http, olive.email).status_code == 303
    sql.run(attempts.forget_old(sql.conn))
    assert not sql.value("select bool_or(since > now()) from sign_in_failures")


def test_a_success_forgives_what_the_address_failed_at_with_that_e_mail(
    sql: Sql, http: httpx.Client, olive: Person
) -> None:
    who = subjects(HERE, olive.email)
    for _ in range(9):
        sign_in(http, olive.email, "wrong password")
    fail(sql, who.email, 9 + 5)  # Five of them at other addresses.
    assert sign_in(http, olive.email).status_code == 303
    # The address is at nine still: whoever has one account cannot try the others for ever.
    assert [failures(sql, subject) for subject in who] == [0, 9, 5]


# Nobody is shut out by what others do.


def test_whoever_fails_elsewhere_does_not_hold_up_the_user_at_home(
    private_server: Any, sql: Sql, olive: Person
) -> None:
    http = private_server(proxies=1)
    assert sign_in(http, olive.email, **HOME).status_code == 303
    fail(sql, subjects("", olive.email).email, 10)
    for _ in range(2):
        assert sign_in(http, olive.email, "wrong password", **ELSEWHERE).status_code == 400
    assert turns(sql, olive.email)
    sql.execute("update sign_in_failures set next_at = null")
    assert sign_in(http, olive.email, **HOME).status_code == 303
    assert not turns(sql, olive.email)


def test_whoever_fails_elsewhere_slows_the_user_at_a_new_address_and_no_more(
    private_server: Any, sql: Sql, olive: Person
) -> None:
    http = private_server(proxies=1)
    fail(sql, subjects("", olive.email).email, 1000)
    assert sign_in(http, olive.email, **HOME).status_code == 303
    assert turns(sql, olive.email)
    sql.execute("update sign_in_failures set next_at = null")
    assert sign_in(http, olive.email, **HOME).status_code == 303  # By now it is known.
    assert not turns(sql, olive.email)


def test_an_e_mail_that_many_try_is_answered_alike_whether_it_is_known(
    sql: Sql, http: httpx.Client, olive: Person
) -> None:
    nobody = an_email()
    for email in (olive.email, nobody):
        fail(sql, subjects("", email).email, 50)
    answers = [shape(sign_in(http, email, "wrong password"), email) for email in (olive.email, nobody)]
    assert answers[0] == answers[1]
    assert answers[0][0] == 400
    assert [turns(sql, email) for email in (olive.email, nobody)] == [True, True]


def test_turns_come_one_a_second_and_whoever_would_wait_long_is_told_so(sql: Sql) -> None:
    email = an_email()
    fail(sql, subjects("", email).email, 10)

    async def all_at_one_moment() -> list[float]:
        waits: list[float] = []
        async with sql.conn.transaction():  # In which it stays the same moment.
            for number in range(6):
                who = subjects(f"198.51.100.{number}", email)
                waits.append(await count_attempt(sql.conn, who, known=False))
            with pytest.raises(RateLimited) as refused:
                await count_attempt(sql.conn, subjects("198.51.100.9", email), known=False)
            assert refused.value.headers == {"Retry-After": "5"}
        return waits

    assert sql.run(all_at_one_moment()) == [0, 1, 2, 3, 4, 5]
    # The one that was sent away has failed at nothing.
    assert failures(sql, subjects("", email).email) == 16
    assert failures(sql, subjects("198.51.100.9", email).address) == 0


def test_an_address_is_known_for_a_user_and_until_the_password_changes(sql: Sql, world: World) -> None:
    vi, ed = world.person(), world.person()
    home, office = subjects("203.0.113.1", "").address, subjects("203.0.113.2", "").address
    sql.run(remember(sql.conn, home, vi.user_id))

    def knows(address: bytes, person: Person) -> bool:
        return sql.run(is_known(sql.conn, address, person.email))

    assert (knows(home, vi), knows(office, vi), knows(home, ed)) == (True, False, False)
    sql.run(set_password(sql.conn, world.account_id, vi.user_id, "x"))
    assert not knows(home, vi)


def test_few_addresses_of_a_user_are_known_and_not_for_ever(sql: Sql, world: World) -> None:
    vi = world.person()
    places = [subjects(f"203.0.113.{i}", "").address for i in range(25)]
    for place in places:
        sql.run(remember(sql.conn, place, vi.user_id))
    kept = "select address from known_addresses where user_id = $1 order by seen_at"
    assert [row[0] for row in sql.fetch(kept, vi.user_id)] == places[5:]
    age = "update known_addresses set seen_at = now() - interval '{}' where user_id = $1 and address = $2"
    sql.execute(age.format("91 days"), vi.user_id, places[5])
    assert not sql.run(is_known(sql.conn, places[5], vi.email))
    sql.run(attempts.forget_old(sql.conn))
    assert len(sql.fetch(kept, vi.user_id)) == 19


def test_whoever_has_to_pause_adds_nothing_to_what_is_kept(
    sql: Sql, http: httpx.Client, olive: Person
) -> None:
    who = subjects(HERE, olive.email)
    fail(sql, who.address, 30)
    for _ in range(3):
        assert sign_in(http, an_email(), "wrong password").status_code == 429
    assert sql.value("select count(*) from sign_in_failures") == 1
    sql.execute("delete from sign_in_failures")
    fail(sql, who.pair, 10)
    # And one who goes on with one e-mail does not stop others at the same address.
    for _ in range(3):
        assert sign_in(http, olive.email).status_code == 429
    assert failures(sql, who.address) == 0
    sql.execute("update sign_in_failures set since = now() - interval '16 minutes'")
    sql.run(attempts.forget_old(sql.conn))
    assert sql.value("select count(*) from sign_in_failures") == 0


# Addresses.


def test_behind_a_proxy_the_address_is_the_one_that_it_saw(
    private_server: Any, sql: Sql, olive: Person
) -> None:
    http = private_server(proxies=1)
    fail(sql, subjects("203.0.113.1", "").address, 29)
    behind = {"x-forwarded-for": "198.51.100.7, 203.0.113.1"}
    assert sign_in(http, an_email(), "wrong", **behind).status_code == 400
    assert sign_in(http, an_email(), "wrong", **behind).status_code == 429
    spoofed = {"x-forwarded-for": "198.51.100.8, 203.0.113.1"}
    assert sign_in(http, an_email(), "wrong", **spoofed).status_code == 429
    other = {"x-forwarded-for": "203.0.113.1, 198.51.100.7"}
    assert sign_in(http, olive.email, **other).status_code == 303


@pytest.mark.parametrize(
    ("passed", "address"),
    [
        (b"\xff\xfe, 203.0.113.1", "203.0.113.1"),
        ("é, 203.0.113.1".encode(), "203.0.113.1"),
        (b"unknown, , 203.0.113.1:5678", "203.0.113.1"),
        (b"::ffff:203.0.113.1", "203.0.113.1"),
        (b"[::FFFF:203.0.113.1]:443", "203.0.113.1"),
        (b"2001:DB8:0:0:ffff::2", "2001:db8::1"),
        (b"[2001:db8::3]:443", "2001:db8::1"),
        (b"[2001:db8::3]", "2001:db8::1"),
    ],
)
def test_a_client_has_one_address_whatever_stands_before_it(
    private_server: Any, sql: Sql, passed: bytes, address: str
) -> None:
    http = private_server(proxies=1)
    fail(sql, subjects(address, "").address, 30)
    assert sign_in(http, an_email(), "wrong", target="/", **{"x-forwarded-for": passed}).status_code == 429


def test_an_address_that_a_proxy_does_not_know_is_that_of_the_proxy(private_server: Any, sql: Sql) -> None:
    http = private_server(proxies=1)
    fail(sql, subjects(HERE, "").address, 30)
    for rubbish in ("unknown", "é", "a.example", "999.1.1.1", "", "127.0.0.1", "1.2.3.4, x", ",", "_x", "-"):
        sent = {"x-forwarded-for": rubbish.encode()}
        assert sign_in(http, an_email(), "wrong", target="/", **sent).status_code == 429, rubbish


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("203.0.113.1", "203.0.113.1"),
        ("::ffff:203.0.113.1", "203.0.113.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("", ""),  # Of a Unix socket.
    ],
)
def test_the_address_of_a_connection_is_written_in_one_way(peer: str, address: str) -> None:
    connection: Any = SimpleNamespace(address=peer)
    assert Request("GET", b"/", {}, connection).address(0) == address


def test_an_address_cannot_be_changed_at_will() -> None:
    assert subjects("2001:db8::1", "a@b.example") == subjects("2001:db8::ffff:0:0:2", "a@b.example")
    others = ("203.0.113.1", "203.0.113.2", "2001:db8:0:1::1", "2001:db8::1", "", "\ufffd", "\ud800")
    assert len({subjects(address, "").address for address in others}) == len(others)


# Passwords take memory and time, of which there may be none left.


def test_an_attempt_for_which_there_is_no_memory_is_told_to_come_back_and_does_not_count(
    database_url: str, tmp_path: Path, sql: Sql, olive: Person
) -> None:
    with (
        running(tmp_path / "server.log", database_url=database_url) as server,
        httpx.Client(base_url=server.url, timeout=20) as http,
    ):
        assert sign_in(http, olive.email, "wrong password").status_code == 400
        supervisor = server.process.pid
        [pid] = map(int, Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split())
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + 40 * 2**20  # Of the 64 MiB that it takes.
        whole = resource.prlimit(pid, resource.RLIMIT_AS)
        resource.prlimit(pid, resource.RLIMIT_AS, (limit, whole[1]))
        answer = sign_in(http, olive.email)
        resource.prlimit(pid, resource.RLIMIT_AS, whole)
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert "try again in a few seconds" in answer.text
        assert [failures(sql, subject) for subject in subjects(HERE, olive.email)] == [1, 1, 1]
        assert sign_in(http, olive.email).status_code == 303


def test_more_attempts_than_can_wait_are_told_to_come_back() -> None:
    async def crowd() -> None:
        passwords = Passwords()
        waiting = [asyncio.create_task(passwords.hash(PASSWORD)) for _ in range(66)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable) as refused:
            await passwords.hash(PASSWORD)
        assert refused.value.headers == {"Retry-After": "5"}
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
        assert await passwords.hash(PASSWORD)

    asyncio.run(crowd())


def test_who_is_known_goes_before_all_who_may_be_guessing(stored: str) -> None:
    async def crowd() -> None:
        passwords = Passwords()
        assert not await passwords.verify(None, PASSWORD)
        guesses = [asyncio.create_task(passwords.verify(None, PASSWORD)) for _ in range(66)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await passwords.verify(stored, PASSWORD)
        assert await passwords.verify(stored, PASSWORD, known=True)
        assert sum(guess.done() for guess in guesses) <= 4
        for guess in guesses:
            guess.cancel()
        await asyncio.wait(guesses)
        assert await passwords.verify(stored, PASSWORD)

    asyncio.run(crowd())
