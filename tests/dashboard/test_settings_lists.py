"""The settings of custom fields and of tags, over HTTP: as one meets them without scripts."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.dashboard.test_settings import at_field, settings, tag_id, went
from tests.world import Person, World


def fields(world: World) -> list[dict[str, Any]]:
    return world.alice.get("/v1/custom-fields").json()


def tags(world: World) -> dict[str, int]:
    return {tag["name"]: tag["contactCount"] for tag in world.alice.get("/v1/tags", limit=1000).json()}


# Custom fields.


def test_a_field_is_made_and_stands_in_the_list_the_grid_and_the_form(world: World, olive: Person) -> None:
    page = settings(world, "custom-fields")
    assert "No custom fields yet" in olive.get(page).text
    assert went(olive.post(page, {"name": " Lead Source ", "type": "text"}), f"{page}?done=made")
    assert went(olive.post(page, {"name": "MRR", "type": "number"}), page)
    assert [(f["name"], f["type"], f["position"]) for f in fields(world)] == [
        ("Lead Source", "text", 0),
        ("MRR", "number", 1),
    ]
    assert _order(olive.get(page).text, "Lead Source", "MRR")
    taken = olive.post(page, {"name": "MRR", "type": "colour"})
    assert taken.status_code == 400
    assert at_field(taken.text, "new-type") == "This must be one of text, number, date, boolean."
    taken = olive.post(page, {"name": "MRR", "type": "date"})
    assert taken.status_code == 409
    assert at_field(taken.text, "new-name") == "Another custom field of the workspace has this name."
    assert '<option value="date" selected>' in taken.text


def _order(page: str, *names: str) -> bool:
    places = [page.index(f"<bdi>{name}</bdi>") for name in names]
    return places == sorted(places)


def test_the_order_of_fields_is_that_of_the_grid_and_of_a_contact_s_page(world: World, olive: Person) -> None:
    ids = {name: world.field(name) for name in ("A1", "B2", "C3")}
    contact = world.alice.made(customFields={"A1": "x", "B2": "y", "C3": "z"})
    page = settings(world, "custom-fields")
    for field, to, expected in [("A1", "2", "B2 C3 A1"), ("A1", "1", "B2 A1 C3"), ("C3", "0", "C3 B2 A1")]:
        answer = olive.post(f"{page}/{ids[field]}/position", {"to": to})
        assert went(answer, f"{page}?done=moved")
        assert [f["name"] for f in fields(world)] == expected.split()
    assert list(world.alice.read(contact["id"])["customFields"]) == ["C3", "B2", "A1"]
    assert _order(olive.get(page).text, "C3", "B2", "A1")
    for path in ("contacts", f"contacts/{contact['id']}"):
        text = olive.get(f"/w/{world.acme}/{path}").text
        titles = re.findall(r'dir="auto"[^>]*>(A1|B2|C3)<', text)
        assert list(dict.fromkeys(titles)) == ["C3", "B2", "A1"], path
    for wrong in ("", "-1", "x", "9" * 30):
        assert olive.post(f"{page}/{ids['A1']}/position", {"to": wrong}).status_code == 400


def test_a_field_is_renamed_and_every_process_shows_it_at_once(
    world: World, olive: Person, second_http: httpx.Client
) -> None:
    field, page = world.field("Sorce"), settings(world, "custom-fields")
    elsewhere = Person(second_http, olive.user_id, olive.email, olive.secret, olive.csrf)
    assert "<bdi>Sorce</bdi>" in elsewhere.get(page).text
    assert went(olive.post(f"{page}/{field}", {"name": "Source", "type": "text"}), page)
    assert "<bdi>Source</bdi>" in elsewhere.get(page).text
    world.field("Other")
    answer = olive.post(f"{page}/{field}", {"name": "Other", "type": "text"})
    assert answer.status_code == 409
    assert "Another custom field" in at_field(answer.text, "field-name")
    assert "Edit <bdi>Source</bdi>" in answer.text


def test_a_type_changes_only_where_every_value_fits_and_the_history_says_who_did_it(
    world: World, olive: Person
) -> None:
    field, page = world.field("Code"), settings(world, "custom-fields")
    fits = world.alice.made(customFields={"Code": "007"})
    others = [world.alice.made(customFields={"Code": f"<b>{i}"}) for i in range(12)]
    gone = world.alice.made(customFields={"Code": "?"})
    world.alice.remove(gone["id"])
    answer = olive.post(f"{page}/{field}", {"name": "Code", "type": "number"})
    assert answer.status_code == 409
    assert "does not fit the type number" in at_field(answer.text, "field-type")
    named = re.findall(rf"/w/{world.acme}/contacts/([\w-]+)\"", answer.text)
    assert len(named) == 10
    assert set(named) <= {c["id"] for c in [*others, gone]}
    assert "&#34;&lt;b&gt;0&#34; does not fit" in answer.text
    assert fields(world)[0]["type"] == "text"
    for contact in others:
        world.alice.patch(contact["id"], {"customFields": {"Code": None}})
    answer = olive.post(f"{page}/{field}", {"name": "Code", "type": "number"})
    assert "The value of a deleted contact does not fit" in answer.text
    assert world.alice.remove(gone["id"], purge="true").status_code in (204, 404)
    assert went(olive.post(f"{page}/{field}", {"name": "Number", "type": "number"}), f"{page}?done=saved")
    assert [(f["name"], f["type"]) for f in fields(world)] == [("Number", "number")]
    assert world.alice.read(fits["id"])["customFields"] == {"Number": "7"}
    event = world.alice.history(fits["id"]).json()[0]
    assert (event["actor"]["name"], event["via"]) == ("Olive", "dashboard")
    assert event["changes"] == [{"field": "customFields.Number", "from": "007", "to": "7"}]


def test_a_field_with_values_is_deleted_where_its_name_is_typed(world: World, olive: Person) -> None:
    field, empty, page = world.field("Source"), world.field("Empty"), settings(world, "custom-fields")
    contacts = [world.alice.made(customFields={"Source": "x"}) for _ in range(3)]
    world.alice.remove(contacts[0]["id"])
    theirs = world.field("Theirs", workspace_id=world.acme_two)
    query = {"of": [field, empty, theirs]}
    answer = world.http.get(f"{page}/counts", params=query, headers=olive.cookie)
    assert answer.json() == {field: 2, empty: 0}
    assert "2 contacts have a value" in olive.get(f"{page}/{field}/delete").text
    assert 'name="name" autocomplete' in olive.get(f"{page}/{field}/delete").text
    refused = olive.post(f"{page}/{field}/delete", {"name": "source"})
    assert refused.status_code == 400
    told = at_field(refused.text, "field-confirm")
    assert told == 'Nothing was deleted: type "Source" to delete the field.'
    assert len(fields(world)) == 2
    assert went(olive.post(f"{page}/{field}/delete", {"name": " Source "}), f"{page}?done=deleted")
    assert [f["name"] for f in fields(world)] == ["Empty"]
    assert world.alice.read(contacts[1]["id"])["customFields"] == {}
    # Nothing goes with this one, so nothing is to be typed: the form brings the name.
    asked = olive.get(f"{page}/{empty}/delete").text
    assert '<input type="hidden" name="name" value="Empty">' in asked
    assert olive.get(f"{page}/{field}/delete").status_code == 404


def test_a_field_of_another_workspace_of_the_account_is_not_there(world: World, olive: Person) -> None:
    other = world.field("Theirs", workspace_id=world.acme_two)
    page = settings(world, "custom-fields")
    assert olive.get(f"{page}/{other}").status_code == 404
    assert olive.post(f"{page}/{other}", {"name": "Mine"}).status_code == 404
    assert olive.post(f"{page}/{other}/delete", {"name": "Theirs"}).status_code == 404
    assert olive.get(settings(world, f"custom-fields/{other}", world.acme_two)).status_code == 200


def test_who_may_not_change_fields_and_tags_sees_them(world: World) -> None:
    world.field("Source")
    world.alice.made(tags=["vip"], customFields={"Source": "x"})
    for page in ("custom-fields", "tags"):
        text = world.person("viewer").get(settings(world, page)).text
        assert "<bdi>Source</bdi>" in text or ">vip</span>" in text
        assert "Edit" not in text
        assert "Add" not in text
    editor = world.person("editor")
    assert "Delete" not in editor.get(settings(world, f"tags/{tag_id(world, 'vip')}")).text
    field = fields(world)[0]["id"]
    assert "Delete" not in editor.get(settings(world, f"custom-fields/{field}")).text


# Tags.


def test_tags_are_listed_without_regard_to_case_found_and_paged(world: World, olive: Person) -> None:
    world.alice.made(tags=[f"t{i:03}" for i in range(60)])
    world.alice.made(tags=["Zeta", "alpha", "Beta"])
    page = settings(world, "tags")
    text = olive.get(page).text
    assert re.findall(r'class="tag" dir="auto">([^<]+)', text)[:4] == ["alpha", "Beta", "t000", "t001"]
    following = re.findall(r'href="([^"]+)"[^>]*>Show more', text)[0].replace("&amp;", "&")
    rest = re.findall(r'class="tag" dir="auto">([^<]+)', olive.get(following).text)
    assert rest == [*(f"t{i:03}" for i in range(48, 60)), "Zeta"]
    assert re.findall(r'class="tag" dir="auto">([^<]+)', olive.get(page, q="ET").text) == ["Beta", "Zeta"]
    assert "No matching tags" in olive.get(page, q="%").text
    assert "No tags yet" in olive.get(settings(world, "tags", world.acme_two)).text


def test_tags_are_counted_apart_and_lead_to_their_contacts(world: World, olive: Person) -> None:
    odd = "a:b & c/?#=+é%41"
    contacts = [world.alice.made(tags=["vip", odd][: i + 1], firstName=f"Jane{i}") for i in range(2)]
    world.alice.remove(world.alice.made(tags=["vip"])["id"])
    page = settings(world, "tags")
    ids = {name: tag_id(world, name) for name in ("vip", odd)}
    query = {"of": [str(number) for number in [*ids.values(), 999999999]]}
    answer = world.http.get(f"{page}/counts", params=query, headers=olive.cookie)
    assert answer.json() == {str(ids["vip"]): 2, str(ids[odd]): 1, "999999999": 0}
    for wrong in ("x", "-1", "9" * 30):
        assert olive.get(f"{page}/counts", of=wrong).status_code == 404
    link = next(
        each for each in re.findall(r'href="([^"]*where=[^"]*)"', olive.get(page).text) if "vip" not in each
    )
    assert parse_qs(urlsplit(link).query)["where"] == [f"tags:has:{odd}"]
    grid = olive.get(link.replace("&amp;", "&")).text
    assert "Jane1" in grid
    assert "Jane0" not in grid
    assert contacts[1]["id"] in grid


def test_a_tag_is_renamed_and_one_that_is_taken_is_offered_to_be_merged(world: World, olive: Person) -> None:
    world.alice.made(tags=["old", "vip"])
    page = settings(world, f"tags/{tag_id(world, 'old')}")
    assert went(olive.post(page, {"name": " new "}), settings(world, "tags?done=renamed"))
    assert tags(world) == {"new": 1, "vip": 1}
    taken = olive.post(page, {"name": "vip"})
    assert taken.status_code == 409
    assert at_field(taken.text, "tag-name").startswith("Another tag has this name")
    assert re.search(r'<details class="danger" open>\s*<summary>Merge', taken.text)
    assert 'id="tag-into" name="into" type="text" value="vip"' in taken.text
    assert tags(world) == {"new": 1, "vip": 1}
    blank = olive.post(page, {"name": " "})
    assert (blank.status_code, at_field(blank.text, "tag-name")) == (
        400,
        "This must have 1 to 255 characters, not 0.",
    )


def test_tags_are_merged_and_every_contact_carries_the_one_that_stays(world: World, olive: Person) -> None:
    both = world.alice.made(tags=["vip", "VIP"])
    one = world.alice.made(tags=["VIP"])
    gone, page = tag_id(world, "VIP"), settings(world, f"tags/{tag_id(world, 'VIP')}")
    assert "2 contacts will have the other tag" in olive.get(page).text
    for into, said in {"vpi": "does not exist", "VIP": "into itself", "": "1 to 255"}.items():
        answer = olive.post(f"{page}/merge", {"into": into})
        assert answer.status_code == 400
        assert said in at_field(answer.text, "tag-into")
    assert tags(world) == {"VIP": 2, "vip": 1}
    assert went(olive.post(f"{page}/merge", {"into": " vip "}), settings(world, "tags?done=merged"))
    assert tags(world) == {"vip": 2}
    assert [world.alice.read(c["id"])["tags"] for c in (both, one)] == [["vip"], ["vip"]]
    assert olive.get(page).status_code == 404
    counted = olive.get(settings(world, "tags/counts"), of=tag_id(world, "vip")).json()
    assert list(counted.values()) == [2]
    assert olive.get(settings(world, "tags/counts"), of=gone).json() == {str(gone): 0}


def test_a_deleted_tag_is_on_no_contact_and_its_history_stays(world: World, olive: Person) -> None:
    contact = world.alice.made(tags=["vip", "gold"])
    page = settings(world, f"tags/{tag_id(world, 'vip')}")
    assert "removed from 1 contact." in olive.get(page).text
    assert went(olive.post(f"{page}/delete"), settings(world, "tags?done=deleted"))
    assert world.alice.read(contact["id"])["tags"] == ["gold"]
    assert world.alice.history(contact["id"]).json()[0]["changes"][0]["to"] == ["gold", "vip"]
    assert olive.post(f"{page}/delete").status_code == 404
    assert olive.post(page, {"name": "again"}).status_code == 404
