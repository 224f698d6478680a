"""Links that work once: setting up, invitations, new passwords."""

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from contactory.access.links import make_link
from contactory.access.users import create_user, disable_user
from contactory.rules.errors import Conflict
from tests.access.test_sign_in import FORM, SESSION, cookies_set, opened, sees
from tests.servers import Sql
from tests.world import World, an_email, at_once

PASSWORD = "correct horse battery"


def link(world: World, kind: str, user_id: str | None = None) -> str:
    return world.sql.run(make_link(world.sql.conn, kind, world.account_id, user_id))


def invited(world: World, role: str = "editor") -> tuple[str, str]:
    """Id and e-mail of somebody who has no password yet."""
    email = an_email()
    making = create_user(world.sql.conn, world.account_id, (email, email), name=email, role=role)
    return world.sql.run(making).id, email


def follow(http: httpx.Client, path: str, **form: str) -> httpx.Response:
    guard = opened(http, path)
    return http.post(path, data={"csrf": guard["csrf"], **form}, headers=guard["headers"])


def test_a_set_up_link_makes_the_owner_and_signs_in(http: httpx.Client, world: World) -> None:
    path, email = link(world, "set-up"), an_email()
    answer = follow(http, path, name=" Olive ", email=email, password=PASSWORD)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    secret = cookies_set(answer)[SESSION].partition(";")[0]
    assert sees(http, secret, f"/w/{world.acme}/contacts") == 200
    made = world.sql.row("select name, role, account_id::text from users where email = $1", email)
    assert tuple(made) == ("Olive", "owner", world.account_id)


def test_a_link_works_once(http: httpx.Client, world: World) -> None:
    path = link(world, "set-up")
    guard = opened(http, path)

    def send() -> httpx.Response:
        form = {"csrf": guard["csrf"], "name": "Olive", "email": an_email(), "password": PASSWORD}
        return http.post(path, data=form, headers=guard["headers"])

    statuses = sorted(answer.status_code for answer in at_once(send, send, send))
    assert statuses == [303, 404, 404]
    dead = http.get(path)
    assert dead.status_code == 404
    assert "has been used, or has expired" in dead.text


def test_an_invitation_gives_a_name_and_a_password(http: httpx.Client, world: World) -> None:
    user_id, email = invited(world)
    path = link(world, "invite", user_id)
    assert email in http.get(path).text
    assert follow(http, path, name="Ed", password=PASSWORD).status_code == 303
    assert world.sql.value("select name from users where id = $1", user_id) == "Ed"
    assert http.get(path).status_code == 404


def test_a_new_password_ends_every_session(http: httpx.Client, world: World) -> None:
    olive = world.person()
    path = link(world, "reset", olive.user_id)
    answer = follow(http, path, password=PASSWORD)
    assert answer.status_code == 303
    assert olive.get(f"/w/{world.acme}/contacts").status_code == 303
    fresh = cookies_set(answer)[SESSION].partition(";")[0]
    assert sees(http, fresh, f"/w/{world.acme}/contacts") == 200


def test_a_newer_link_replaces_the_older(http: httpx.Client, world: World) -> None:
    olive = world.person()
    older, newer = link(world, "reset", olive.user_id), link(world, "reset", olive.user_id)
    assert [http.get(path).status_code for path in (older, newer)] == [404, 200]


def test_a_link_expires(http: httpx.Client, world: World) -> None:
    path = link(world, "set-up")
    guard = opened(http, path)
    world.sql.execute("update one_time_links set expires_at = now() where used_at is null")
    assert http.get(path).status_code == 404
    form = {"csrf": guard["csrf"], "name": "Olive", "email": an_email(), "password": PASSWORD}
    assert http.post(path, data=form, headers=guard["headers"]).status_code == 404


@pytest.mark.parametrize("kind", ["set-up", "invite", "reset"])
def test_a_link_of_one_kind_is_none_of_another(http: httpx.Client, world: World, kind: str) -> None:
    secret = link(world, "set-up" if kind != "set-up" else "reset", world.person().user_id).split("/")[2]
    assert http.get(f"/{kind}/{secret}").status_code == 404
    for unknown in ("x", "é", "x/y", "x" * 3000):
        assert http.get(f"/{kind}/{unknown}").status_code == 404


def test_whoever_is_disabled_has_no_links(http: httpx.Client, world: World) -> None:
    user_id, _ = invited(world)
    path = link(world, "invite", user_id)
    world.sql.run(disable_user(world.sql.conn, world.account_id, user_id))
    assert http.get(path).status_code == 404


def test_all_that_is_wrong_with_a_form_is_said_at_once(http: httpx.Client, world: World) -> None:
    path = link(world, "set-up")
    answer = follow(http, path, name=" ", email="nobody", password="short")
    assert answer.status_code == 400
    assert answer.text.count('aria-invalid="true"') == 3
    assert "10 to 1,024 characters" in answer.text
    assert "short" not in answer.text
    assert http.get(path).status_code == 200


def test_a_taken_e_mail_is_said_at_its_place_and_keeps_the_link(http: httpx.Client, world: World) -> None:
    path, taken = link(world, "set-up"), world.person().email
    answer = follow(http, path, name="Olive", email=taken, password=PASSWORD)
    assert answer.status_code == 409
    assert "signs in with this e-mail address already" in answer.text
    assert http.get(path).status_code == 200


def test_the_database_holds_no_secret_of_a_link(sql: Sql, world: World) -> None:
    secret = link(world, "set-up").split("/")[2]
    assert secret not in str([tuple(row) for row in sql.fetch("select * from one_time_links")])


def test_the_forms_of_links_are_guarded_by_a_cookie(http: httpx.Client, world: World) -> None:
    path = link(world, "set-up")
    assert FORM in cookies_set(http.get(path))
    form = {"name": "Olive", "email": an_email(), "password": PASSWORD}
    assert http.post(path, data=form, headers={"sec-fetch-site": "same-origin"}).status_code == 403


def test_the_last_owner_stays(world: World) -> None:
    first = world.person()
    world.sql.execute("update users set password_hash = 'x' where id = $1", first.user_id)
    with pytest.raises(Conflict):
        world.sql.run(disable_user(world.sql.conn, world.account_id, first.user_id))
    second = world.person()
    world.sql.execute("update users set password_hash = 'x' where id = $1", second.user_id)
    world.sql.run(disable_user(world.sql.conn, world.account_id, first.user_id))


@pytest.mark.parametrize(("kind", "days"), [("set-up", 7), ("invite", 7), ("reset", 1)])
def test_a_link_says_how_long_it_works(http: httpx.Client, world: World, kind: str, days: int) -> None:
    user_id = None if kind == "set-up" else world.person().user_id
    page = http.get(link(world, kind, user_id) if user_id else link(world, kind)).text
    [until] = re.findall(r'works once, until <time datetime="([^"]+)">', page)
    left = datetime.fromisoformat(until) - datetime.now(UTC)
    assert timedelta(days=days) - timedelta(minutes=5) < left <= timedelta(days=days)
