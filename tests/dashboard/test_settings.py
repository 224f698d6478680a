"""The settings of a workspace, of custom fields and of tags, over HTTP: as one meets them without scripts."""

import re
from typing import Any

import httpx
import pytest

from tests.dashboard.test_editing import PAYLOADS
from tests.world import Person, World, an_email


def settings(world: World, page: str, workspace_id: str | None = None) -> str:
    return f"/w/{workspace_id or world.acme}/settings/{page}"


def saved(world: World) -> dict[str, Any]:
    return world.alice.get(f"/v1/workspaces/{world.acme}").json()


def tag_id(world: World, name: str) -> int:
    query = "select id from tags where workspace_id = $1 and name = $2 and deleted_at is null"
    return world.sql.value(f"{query} and merged_into is null", world.acme, name)


def went(answer: httpx.Response, path: str) -> bool:
    return answer.status_code == 303 and answer.headers["location"].startswith(path)


def at_field(page: str, name: str) -> str:
    """What stands as wrong at a field of the page, whose input has that id."""
    found = re.search(rf'<span class="error" id="{name}-note">([^<]*)</span>', page)
    return found[1].replace("&#34;", '"') if found else ""


# Where they are.


def test_settings_lead_to_the_first_page_and_one_place_is_current(world: World) -> None:
    for role in ("owner", "viewer"):
        person = world.person(role)
        assert went(person.get(f"/w/{world.acme}/settings"), settings(world, "workspace"))
        for page in ("workspace", "custom-fields", "tags"):
            text = person.get(settings(world, page)).text
            assert len(re.findall(r'aria-current="page"', text)) == 2  # in the bar, and at the side
            assert re.search(rf'/settings/{page}" aria-current="page"', text)
    assert person.get(f"/w/{world.acme}/contacts").text.count('aria-current="page"') == 1


# The workspace.

FULL = {
    "name": " Acme & Söhne ",
    "icon": "🏭",
    "description": "First line\r\nsecond",
    "timezone": "Europe/Berlin",
    "country": "DE",
    "contactName": "Anna",
    "contactEmail": "anna@EXAMPLE.com",
    "contactPhone": "030 901820",
    "streetAddress": "Hauptstr. 1",
    "zip": "10115",
    "state": "Berlin",
    "businessRegistrationNumber": "HRB 1",
}


def test_a_workspace_is_changed_and_cleared(world: World, olive: Person) -> None:
    page = settings(world, "workspace")
    answer = olive.post(page, FULL)
    assert went(answer, f"{page}?done=saved")
    now = saved(world)
    expected = {
        **FULL,
        "name": "Acme & Söhne",
        "description": "First line\nsecond",
        "contactEmail": "anna@example.com",
        "contactPhone": "+4930901820",
    }
    assert {name: now[name] for name in FULL} == expected
    assert "Workspace saved." in olive.get(answer.headers["location"]).text
    assert went(olive.post(page, expected), f"{page}?done=same")
    assert went(olive.post(page, {**dict.fromkeys(FULL, ""), "name": "Acme"}), page)
    assert {saved(world)[name] for name in FULL if name != "name"} == {None}


def test_what_is_wrong_with_a_workspace_is_said_at_the_field_in_the_api_s_words(
    world: World, olive: Person
) -> None:
    wrong = {
        "name": "",
        "timezone": "Europe/Berlim",
        "contactEmail": "nobody",
        "contactPhone": "12",
        "zip": "x" * 256,
    }
    theirs = world.alice.request("PATCH", f"/v1/workspaces/{world.acme}", wrong).json()["errors"]
    answer = olive.post(settings(world, "workspace"), {**wrong, "state": "kept as typed"})
    assert answer.status_code == 400
    for error in theirs:
        name = error["pointer"][1:]
        words = error["detail"].replace(f'"{name}" ', "This ")
        assert at_field(answer.text, f"w-{name}").startswith(words), error
    assert at_field(answer.text, "w-timezone").endswith("Did you mean Europe/Berlin?")
    assert 'value="kept as typed"' in answer.text
    assert saved(world)["state"] is None


def test_two_who_change_a_workspace_at_once_do_not_overwrite_each_other(world: World, olive: Person) -> None:
    page = settings(world, "workspace")
    seen = _seen(olive.get(page).text)
    world.alice.request("PATCH", f"/v1/workspaces/{world.acme}", {"state": "theirs"})
    answer = olive.post(page, {"name": "Mine", "state": "", "seen": seen})
    assert answer.status_code == 409
    assert "Another user has changed this workspace" in answer.text
    assert 'Current value: <strong dir="auto">theirs</strong>' in answer.text
    assert 'value="Mine"' in answer.text
    assert saved(world)["name"] == "Acme"
    again = olive.post(page, {"name": "Mine", "state": "theirs", "seen": _seen(answer.text)})
    assert went(again, page)
    assert (saved(world)["name"], saved(world)["state"]) == ("Mine", "theirs")


def _seen(page: str) -> str:
    return re.findall(r'name="seen" value="([^"]+)"', page)[0].replace("&#43;", "+")


def test_who_may_not_change_a_workspace_sees_it(world: World) -> None:
    world.alice.request("PATCH", f"/v1/workspaces/{world.acme}", {"country": "FR", "state": "Île-de-France"})
    for role in ("viewer", "editor"):
        text = world.person(role).get(settings(world, "workspace")).text
        assert '<dd dir="auto">France</dd>' in text
        assert "Île-de-France" in text
        assert not re.search(r"<form[^>]*settings/", text)
        assert "New workspace" not in text


def test_another_workspace_is_made_live_or_for_tests(world: World, olive: Person) -> None:
    page = settings(world, "workspace/new")
    for mode in ("live", "test"):
        form = {"name": f"Second {mode}", "mode": mode, "timezone": "Asia/Tokyo", "country": "JP"}
        answer = olive.post(page, form)
        made = answer.headers["location"].split("/")[2]
        assert went(answer, f"/w/{made}/settings/workspace?done=made")
        shown = olive.get(answer.headers["location"])
        assert f'<span class="menu-title" dir="auto">Second {mode}</span>' in shown.text
        assert olive.get(f"/w/{made}/contacts").status_code == 200
        api = world.caller(None, mode=mode).get(f"/v1/workspaces/{made}").json()
        assert (api["mode"], api["timezone"], api["country"]) == (mode, "Asia/Tokyo", "JP")
    assert world.ada.get(f"/v1/workspaces/{made}").status_code == 404
    answer = olive.post(page, {"name": " ", "mode": "both", "timezone": "", "country": "XX"})
    assert answer.status_code == 400
    assert {at_field(answer.text, f"w-{name}") != "" for name in ("name", "country")} == {True}
    assert "must be one of live, test" in answer.text


def test_the_workspace_s_zone_is_cleared_by_an_empty_input(world: World, olive: Person) -> None:
    world.sql.execute("update workspaces set timezone = 'Asia/Tokyo' where id = $1", world.acme)
    assert went(
        olive.post(settings(world, "workspace"), {"timezone": "", "zip": "1"}),
        settings(world, "workspace?done=saved"),
    )
    now = world.ada.get(f"/v1/workspaces/{world.acme}").json()
    assert (now["timezone"], now["zip"]) == (None, "1")
    answer = olive.post(settings(world, "workspace/new"), {"name": "Third", "mode": "live", "timezone": ""})
    assert answer.status_code == 303


def test_who_may_see_some_workspaces_only_makes_and_deletes_none(world: World) -> None:
    limited = world.person("admin", workspace_ids=[world.acme])
    text = limited.get(settings(world, "workspace")).text
    assert "New workspace" not in text
    assert "Delete this workspace" not in text
    assert "Acme Two" not in text
    refused = limited.post(settings(world, "workspace/delete"), {"confirm": "Acme"})
    assert refused.status_code == 403
    assert "a user who sees all of them" in refused.text


def test_a_workspace_is_deleted_where_its_name_is_typed(world: World, olive: Person) -> None:
    page = settings(world, "workspace/delete")
    answer = olive.post(page, {"confirm": "acme"})
    assert answer.status_code == 400
    assert "Nothing was deleted" in answer.text
    assert saved(world)["name"] == "Acme"
    assert went(olive.post(page, {"confirm": " Acme "}), "/")
    assert world.alice.get(f"/v1/workspaces/{world.acme}").status_code == 401
    assert olive.get(settings(world, "workspace")).status_code == 404


def test_the_last_workspace_stays_since_only_from_one_another_can_be_made(world: World) -> None:
    account = world.account("Alone")
    own, owner = world.workspace("Own", account_id=account), world.person(account_id=account)
    page = settings(world, "workspace/delete", own)
    answer = owner.post(page, {"confirm": "Own"})
    assert answer.status_code == 409
    assert "create another one before you delete it" in answer.text
    world.workspace("Other", account_id=account)
    assert went(owner.post(page, {"confirm": "Own"}), "/")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_names_show_as_text_wherever_the_settings_have_them(
    world: World, olive: Person, payload: str
) -> None:
    field = world.field(payload)
    world.alice.made(firstName=an_email(), tags=[payload], customFields={payload: payload})
    olive.post(settings(world, "workspace"), {"name": payload, "description": payload})
    paths = ["workspace", "workspace/new", "custom-fields", f"custom-fields/{field}", "tags"]
    paths += [f"custom-fields/{field}/delete", f"tags/{tag_id(world, payload)}"]
    texts = [
        olive.get(settings(world, path), script=script).text for path in paths for script in (True, False)
    ]
    texts += [
        olive.post(settings(world, f"custom-fields/{field}"), {"type": kind}).text for kind in ("number",)
    ]
    texts += [olive.post(settings(world, "custom-fields"), {"name": payload, "type": payload}).text]
    for page in texts:
        if payload[0] in "<\"'&":
            assert payload not in page
        assert not re.search(r"<(script>|img|iframe)|<svg/", page)
        assert "49" not in re.findall(r"<(?:bdi|strong)[^>]*>([^<]*)</", page)
