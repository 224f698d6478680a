"""Saved views: of one user or of all, each with its own name, and with tags and fields under new names."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.test_search import number_of
from tests.dashboard.test_unreadable import chips, opened, shown
from tests.world import Person, World, a_phone


def test_a_view_is_kept_for_oneself_or_for_everybody(world: World, olive: Person) -> None:
    path, viewer = f"/w/{world.acme}/contacts", world.person("viewer", name="Vi")
    back = "q=jane&where=tags%3Ahas%3Avip"
    assert olive.post(f"{path}/views", {"name": "Mine", "back": back}).status_code == 303
    shared = olive.post(f"{path}/views", {"name": "Ours", "back": back, "shared": "1"})
    assert shared.headers["location"].startswith(f"{path}?q=jane&view=")
    assert olive.get(shared.headers["location"]).status_code == 200
    assert {"Mine", "Ours"} <= set(
        re.findall(r'dir="auto"(?: aria-current="true")?>(\w+)', olive.get(path).text)
    )
    seen = viewer.get(path).text
    assert "Ours" in seen
    assert "Mine" not in seen
    # A viewer keeps views of their own, and none for everybody.
    viewer.post(f"{path}/views", {"name": "Quiet", "back": back, "shared": "1"})
    assert "Quiet" in viewer.get(path).text
    assert "Quiet" not in olive.get(path).text


def test_a_view_is_deleted_by_who_may(world: World, olive: Person) -> None:
    path, viewer = f"/w/{world.acme}/contacts", world.person("viewer", name="Vi")
    for name, shared in (("Mine", ""), ("Ours", "1")):
        olive.post(f"{path}/views", {"name": name, "back": "", "shared": shared})
    ids = {
        r[0]: str(r[1])
        for r in world.sql.fetch("select name, id from saved_views where workspace_id = $1", world.acme)
    }
    assert viewer.post(f"{path}/views/{ids['Ours']}/delete").status_code == 403
    assert viewer.post(f"{path}/views/{ids['Mine']}/delete").status_code == 404
    assert world.person().post(f"{path}/views/{ids['Mine']}/delete").status_code == 404
    assert world.person("editor").post(f"{path}/views/{ids['Ours']}/delete").status_code == 303
    assert olive.post(f"{path}/views/{ids['Mine']}/delete").status_code == 303


def test_a_view_has_a_name_and_a_filter_that_is_one(world: World, olive: Person) -> None:
    path = f"/w/{world.acme}/contacts/views"
    assert olive.post(path, {"name": " ", "back": ""}).status_code == 400
    assert olive.post(path, {"name": "x" * 101, "back": ""}).status_code == 400
    assert olive.post(path, {"name": "x", "back": "where=nobody:is:x"}).status_code == 400
    kept = olive.post(path, {"name": "x", "back": "sort=updatedAt&evil=1&limit=9"})
    assert "evil" not in kept.headers["location"]


def views(person: Person, world: World) -> dict[str, str]:
    """The links of the views that somebody sees, by their names."""
    text = opened(person, world, "")
    found = re.findall(
        r'href="([^"]*view=[^"]*)" dir="auto"[^>]*>([^<]*?)(?: <span class="note">shared</span>)?<', text
    )
    return {name: link.replace("&amp;", "&") for link, name in found}


def saved(person: Person, world: World, name: str, back: str) -> str:
    """Saves a view; gives the path and query that its name leads to."""
    answer = person.post(f"/w/{world.acme}/contacts/views", {"name": name, "back": back})
    assert answer.status_code == 303, answer.text
    assert views(person, world)[name] == answer.headers["location"]
    return views(person, world)[name]


def behind(person: Person, link: str) -> tuple[list[str], list[tuple[str, str]]]:
    """The contacts that a link shows, and what it cannot read."""
    answer = person.get(link)
    assert answer.status_code == 200
    return shown(answer.text), chips(answer.text)


@pytest.fixture
def tagged(world: World) -> None:
    world.alice.made(firstName="Plain")
    world.alice.made(firstName="Very", tags=["vip: a&b", "old"])
    world.alice.made(firstName="Gold", tags=["gold"])


@pytest.mark.usefixtures("tagged")
def test_a_view_and_its_bookmark_find_a_tag_under_its_new_name(world: World, olive: Person) -> None:
    link = saved(olive, world, "VIPs", "where=tags%3Ahas%3Avip%3A+a%26b")
    others = saved(olive, world, "Others", "where=tags%3Alacks%3Avip%3A+a%26b")
    assert behind(olive, link) == (["Very"], [])
    world.alice.request("PATCH", "/v1/tags/vip%3A%20a%26b", {"name": "best"})
    assert views(olive, world)["VIPs"] == link
    assert behind(olive, link) == (["Very"], [])
    assert '<strong dir="auto">best</strong>' in olive.get(link).text
    assert behind(olive, others) == (["Gold", "Plain"], [])
    # Merged into another tag, by the page of the tag.
    number = world.sql.value("select id from tags where workspace_id = $1 and name = 'best'", world.acme)
    olive.post(f"/w/{world.acme}/settings/tags/{number}/merge", {"into": "gold"})
    assert behind(olive, link) == (["Gold", "Very"], [])
    assert behind(olive, others) == (["Plain"], [])


@pytest.mark.usefixtures("tagged")
def test_a_view_of_a_deleted_tag_says_so_and_of_a_new_one_with_its_name_goes_on(
    world: World, olive: Person
) -> None:
    link = saved(olive, world, "Old ones", "where=tags%3Ahas%3Aold&where=tags%3Ahas%3Avip%3A+a%26b")
    world.alice.delete("/v1/tags/old")
    found, unread = behind(olive, link)
    assert found == ["Very"]
    assert unread == [("Tags have old", 'The tag "old" does not exist any more.')]
    assert "you cannot change or export" in olive.get(link).text
    world.alice.made(firstName="New", tags=["old", "vip: a&b"])
    assert behind(olive, link) == (["New"], [])


def test_a_view_finds_a_field_and_a_send_window_under_new_names(world: World, olive: Person) -> None:
    field = world.field("Stage")
    key = number_of(world, "Stage")
    world.alice.made(firstName="Won", customFields={"Stage": "won"}, phone=a_phone())
    hours = [
        {"day": day, "from": "00:00", "to": "24:00"}
        for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    ]
    window = world.alice.post(
        "/v1/send-windows", {"name": "Always", "channels": ["call"], "days": hours}
    ).json()
    link = saved(olive, world, "Won", f"where={key}%3Ais%3Awon")
    always = saved(olive, world, "Now", "availableNow=call&window=Always")
    assert behind(olive, always) == (["Won"], [])
    world.alice.request("PATCH", f"/v1/custom-fields/{field}", {"name": "Phase"})
    world.alice.request("PATCH", f"/v1/send-windows/{window['id']}", {"name": "Day and night"})
    assert behind(olive, link) == (["Won"], [])
    assert behind(olive, always) == (["Won"], [])
    assert "Day and night" in olive.get(always).text
    world.alice.delete(f"/v1/custom-fields/{field}")
    world.alice.delete(f"/v1/send-windows/{window['id']}")
    assert behind(olive, link)[1] == [
        ("Filter won", "The field of this filter does not exist: remove the filter.")
    ]
    assert behind(olive, always)[1][0][0] == "Available now call by Always"


@pytest.mark.usefixtures("tagged")
def test_a_view_finds_a_tag_that_another_process_has_just_made(
    world: World, olive: Person, second_http: object
) -> None:
    world.alice.at(second_http).made(firstName="New", tags=["brand new"])  # type: ignore[arg-type]
    link = saved(olive, world, "New", "where=tags%3Ahas%3Abrand+new")
    assert behind(olive, link) == (["New"], [])


@pytest.mark.parametrize("name", ["Best", " best ", "BEST", "b e s t", "ｂest", "Best\t"])
def test_a_name_of_a_view_stands_once_for_each_user(world: World, olive: Person, name: str) -> None:
    path = f"/w/{world.acme}/contacts/views"
    saved(olive, world, "Best", "q=a")
    refused = olive.post(path, {"name": name, "back": "q=b&where=tags%3Ahas%3Ax", "shared": "1"})
    assert refused.status_code == 409
    assert (
        "There is a view &#34;Best&#34; already: choose another name, or delete that view first."
        in refused.text
    )
    # At its place, with what was typed, and with the list as it was.
    assert re.search(
        rf'<input id="view-name" name="name" value="{name}"[^>]*aria-invalid="true"', refused.text
    )
    assert re.search(r'<details class="menu" open>\s*<summary class="button">Views', refused.text)
    assert 'name="shared" value="1" checked' in refused.text
    assert 'value="b" placeholder' in refused.text
    assert [*views(olive, world)] == ["Best"]
    # Another user does not see it, so may have one of that name.
    assert world.person().post(path, {"name": name, "back": ""}).status_code == 303


def test_two_views_of_one_name_at_once_leave_one(world: World, olive: Person) -> None:
    forms = [{"name": "Best", "back": "", "shared": "1"}] * 6
    with ThreadPoolExecutor(6) as pool:
        answers = [*pool.map(lambda form: olive.post(f"/w/{world.acme}/contacts/views", form), forms)]
    assert sorted(answer.status_code for answer in answers) == [303, *[409] * 5]


def test_views_that_have_one_name_already_stay(world: World, olive: Person) -> None:
    for back in ("q=a", "q=b"):
        olive.post(f"/w/{world.acme}/contacts/views", {"name": back, "back": back})
    world.sql.execute("update saved_views set name = 'Double' where workspace_id = $1", world.acme)
    assert opened(olive, world, "").count(">Double</a>") == 2


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_view_is_deleted_only_after_a_question(
    contacts: Callable[..., Page], world: World, olive: Person, scripts: bool
) -> None:
    for name in ("First", "Second"):
        saved(olive, world, name, "q=x")
    page = contacts(java_script_enabled=scripts)
    page.locator(".tools summary", has_text="Views").click()
    page.get_by_label("Delete the view First…").click()
    expect(page.get_by_text("Delete the view First? The contacts stay.")).to_be_visible()
    assert [*views(olive, world)] == ["First", "Second"]
    page.get_by_role("button", name="Delete view").click()
    page.wait_for_load_state()
    assert [*views(olive, world)] == ["Second"]


@pytest.mark.usefixtures("tagged")
def test_views_of_older_releases_get_the_numbers_of_what_they_name(world: World, olive: Person) -> None:
    world.alice.made(firstName="Élan", tags=["élan +%/ü"])
    backs = {
        "Tags": "q=e&where=tags%3Ahas%3Avip%3A+a%26b&where=tags%3Alacks%3Agold",
        "Letters": "where=tags%3Ahas%3A%C3%A9lan+%2B%25%2F%C3%BC&where=firstName%3Ais%3Ax",
        "Window": "availableNow=call&window=Default",
        "Gone": "where=tags%3Ahas%3Anever",
        "None": "q=tags%3Ahas%3Agold",
    }
    for name, back in backs.items():
        saved(olive, world, name, back)
    stored = "select name, refers::text from saved_views where workspace_id = $1 order by name"
    before = [tuple(row) for row in world.sql.fetch(stored, world.acme)]
    world.sql.execute("update saved_views set refers = null where workspace_id = $1", world.acme)
    migration = Path("contactory/database/migrations").resolve() / "0014_views_by_number.sql"
    _, _, update = migration.read_text("utf-8").partition(";")
    world.sql.execute(update)
    after = [tuple(row) for row in world.sql.fetch(stored, world.acme)]
    empty = '{"tags": {}, "window": null}'
    assert [(name, refers or empty) for name, refers in after] == before
    assert behind(olive, views(olive, world)["Letters"].replace("where=firstName%3Ais%3Ax", "")) == (
        ["Élan"],
        [],
    )
