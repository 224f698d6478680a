"""What is decided while somebody else changes it: each case holds that change open, and commits it then."""

from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from contactory.access.users import change_user, disable_user, set_password
from contactory.keys.store import revoke_key
from tests.access.test_links import follow, invited, link
from tests.access.test_sign_in import SESSION, cookies_set, olive, opened, sees, session_of, sign_in, stored
from tests.servers import Sql, sql_at
from tests.world import PASSWORD, Person, World, an_email

__all__ = ["olive", "stored"]
OTHER = "battery staple"


@pytest.fixture(autouse=True)
def _no_failures_yet(sql: Sql) -> None:
    sql.execute("delete from sign_in_failures")


class Held:
    """A transaction of somebody else's, which stays open until `let_go`."""

    def __init__(self, sql: Sql, watcher: Sql) -> None:
        self._sql, self._watcher = sql, watcher
        self._transaction = sql.conn.transaction()
        sql.run(self._transaction.start())
        self._threads = ThreadPoolExecutor(4)

    @property
    def conn(self) -> Any:
        return self._sql.conn

    def run(self, work: Any) -> Any:
        return self._sql.run(work)

    def meanwhile(self, *calls: Callable[[], Any], waiting: int) -> list[Future[Any]]:
        """Begins the calls; returns once so many of their statements wait for a lock."""
        begun = [self._threads.submit(call) for call in calls]
        query = """select count(*) from pg_stat_activity
                    where datname = current_database() and wait_event_type = 'Lock'"""
        while self._watcher.value(query) < waiting:
            ended = [each.result() for each in begun if each.done()]
            assert len(ended) < len(begun), f"nothing waits: {ended}"
        return begun

    def let_go(self) -> None:
        self._sql.run(self._transaction.commit())


@pytest.fixture
def held(database_url: str, sql: Sql) -> Generator[Held]:
    with sql_at(database_url) as other:
        yield Held(other, sql)


@contextmanager
def another(url: str) -> Generator[Sql]:
    with sql_at(url) as sql:
        yield sql


def sessions(world: World, person: Person) -> int:
    return world.sql.value("select count(*) from sessions where user_id = $1", person.user_id)


def test_a_sign_in_under_way_does_not_survive_a_new_password(
    held: Held, http: httpx.Client, world: World, olive: Person
) -> None:
    held.run(set_password(held.conn, world.account_id, olive.user_id, "another hash"))
    [answer] = held.meanwhile(lambda: sign_in(http, olive.email), waiting=1)
    held.let_go()
    assert answer.result().status_code == 400
    assert SESSION not in cookies_set(answer.result())
    assert sessions(world, olive) == 0


def test_a_new_password_ends_the_session_of_a_sign_in_that_came_just_before(
    held: Held, database_url: str, http: httpx.Client, world: World, olive: Person
) -> None:
    # A sign-in remembers its address last: so it is held with its session opened, and not yet to be seen.
    held.run(held.conn.execute("lock table known_addresses in exclusive mode"))
    [answer] = held.meanwhile(lambda: sign_in(http, olive.email), waiting=1)
    with another(database_url) as resetting:

        async def reset() -> None:
            async with resetting.conn.transaction():
                await set_password(resetting.conn, world.account_id, olive.user_id, "another hash")

        [done] = held.meanwhile(lambda: resetting.run(reset()), waiting=2)
        held.let_go()
        done.result()
    assert sees(http, session_of(answer.result()), f"/w/{world.acme}/contacts") == 303
    assert sessions(world, olive) == 0


def test_a_sign_in_under_way_does_not_survive_disabling(
    held: Held, http: httpx.Client, world: World, olive: Person
) -> None:
    world.person()
    held.run(disable_user(held.conn, world.account_id, olive.user_id))
    [answer] = held.meanwhile(lambda: sign_in(http, olive.email), waiting=1)
    held.let_go()
    assert answer.result().status_code == 400
    assert sessions(world, olive) == 0


def test_a_change_of_one_s_own_password_under_way_does_not_undo_a_reset(
    held: Held, world: World, olive: Person
) -> None:
    held.run(set_password(held.conn, world.account_id, olive.user_id, "another hash"))
    path = f"/w/{world.acme}/settings/account/password"
    form = {"current": PASSWORD, "password": OTHER, "again": OTHER}
    [answer] = held.meanwhile(lambda: olive.post(path, form), waiting=1)
    held.let_go()
    assert answer.result().status_code == 400
    assert "This is not your password" in answer.result().text
    now = world.sql.value("select password_hash from users where id = $1", olive.user_id)
    assert (now, sessions(world, olive)) == ("another hash", 0)


def test_of_two_who_change_a_password_at_once_one_has_done_so(
    held: Held, world: World, olive: Person
) -> None:
    held.run(held.conn.execute("select from users where id = $1 for update", olive.user_id))
    path = f"/w/{world.acme}/settings/account/password"
    answers = held.meanwhile(
        *(
            lambda new=new: olive.post(path, {"current": PASSWORD, "password": new, "again": new})
            for new in (OTHER, f"{OTHER} too")
        ),
        waiting=2,
    )
    held.let_go()
    assert sorted(answer.result().status_code for answer in answers) == [303, 400]
    assert sessions(world, olive) == 1


@pytest.mark.parametrize("kind", ["invite", "reset"])
def test_a_link_in_use_does_not_survive_disabling(
    held: Held, http: httpx.Client, world: World, kind: str
) -> None:
    user_id, _ = invited(world)
    path = link(world, kind, user_id)
    guard = opened(http, path)
    held.run(disable_user(held.conn, world.account_id, user_id))
    form = {"csrf": guard["csrf"], "name": "Ed", "password": PASSWORD}
    [answer] = held.meanwhile(lambda: http.post(path, data=form, headers=guard["headers"]), waiting=1)
    held.let_go()
    assert answer.result().status_code == 404
    assert world.sql.value("select password_hash from users where id = $1", user_id) is None


def test_a_link_in_use_does_not_survive_a_change_of_role(
    held: Held, http: httpx.Client, world: World
) -> None:
    """Whoever has kept the link of an editor does not become an owner by it."""
    user_id, _ = invited(world)
    path = link(world, "invite", user_id)
    guard = opened(http, path)
    changing = change_user(held.conn, world.account_id, user_id, role="owner", workspace_ids=None)
    held.run(changing)
    form = {"csrf": guard["csrf"], "name": "Ed", "password": PASSWORD}
    [answer] = held.meanwhile(lambda: http.post(path, data=form, headers=guard["headers"]), waiting=1)
    held.let_go()
    assert answer.result().status_code == 404
    assert world.sql.value("select password_hash from users where id = $1", user_id) is None


def test_a_link_used_twice_at_the_same_moment_works_once(
    held: Held, http: httpx.Client, world: World
) -> None:
    user_id, _ = invited(world)
    path = link(world, "invite", user_id)
    guard = opened(http, path)
    held.run(held.conn.execute("select from users where id = $1 for update", user_id))

    def use(name: str) -> httpx.Response:
        form = {"csrf": guard["csrf"], "name": name, "password": PASSWORD}
        return http.post(path, data=form, headers=guard["headers"])

    answers = held.meanwhile(lambda: use("One"), lambda: use("Two"), waiting=2)
    held.let_go()
    assert sorted(answer.result().status_code for answer in answers) == [303, 404]


@pytest.mark.parametrize("what", ["demoted", "disabled", "limited"])
def test_who_is_being_demoted_leaves_no_key_and_no_invitation_behind(
    held: Held, world: World, what: str
) -> None:
    world.person()
    ann = world.person("admin")
    if what == "disabled":
        held.run(disable_user(held.conn, world.account_id, ann.user_id))
    else:
        role, seen = ("viewer", None) if what == "demoted" else ("admin", [world.acme_two])
        held.run(change_user(held.conn, world.account_id, ann.user_id, role=role, workspace_ids=seen))
    settings, email = f"/w/{world.acme}/settings", an_email()
    answers = held.meanwhile(
        lambda: ann.post(f"{settings}/api-keys", {"name": "Kept"}),
        lambda: ann.post(f"{settings}/people", {"email": email, "role": "viewer"}),
        waiting=2,
    )
    held.let_go()
    assert [answer.result().status_code for answer in answers] == [403, 403]
    assert world.sql.value("select count(*) from users where email = $1", email) == 0
    query = "select count(*) from api_keys where account_id = $1 and name = 'Kept'"
    assert world.sql.value(query, world.account_id) == 0


def test_a_key_that_is_being_revoked_makes_no_other_one(held: Held, world: World) -> None:
    key = world.caller(world.acme)
    assert key.list().status_code == 200
    held.run(revoke_key(held.conn, world.account_id, "live", world.acme, key.key_id))
    [answer] = held.meanwhile(lambda: key.post("/v1/api-keys", {"name": "Kept"}), waiting=1)
    held.let_go()
    assert answer.result().status_code == 401
    query = "select count(*) from api_keys where account_id = $1 and name = 'Kept'"
    assert world.sql.value(query, world.account_id) == 0


def test_a_link_that_was_followed_signs_in_with_the_password_that_it_set(
    http: httpx.Client, world: World, olive: Person
) -> None:
    answer = follow(http, link(world, "reset", olive.user_id), password=OTHER)
    assert sees(http, session_of(answer), f"/w/{world.acme}/contacts") == 200
