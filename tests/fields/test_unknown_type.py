"""A type of custom field that this release does not know, as a newer one beside it may have made it."""

import re

import pytest

from tests.world import Person, World, pointers

PATH = "/v1/custom-fields"


@pytest.fixture
def site(world: World) -> str:
    """The id of a field of such a type."""
    return world.field("Site", "starship")


@pytest.fixture
def jane(world: World, site: str) -> str:
    """The id of a contact that has a value in it."""
    made = world.alice.made(firstName="Jane")["id"]
    world.sql.execute(
        """update contacts c set fields = jsonb_build_object(f.num::text, 'Enterprise')
             from custom_fields f where f.id = $2 and c.workspace_id = f.workspace_id and c.id = $1""",
        made,
        site,
    )
    return made


@pytest.fixture
def olive(world: World) -> Person:
    return world.person()


def test_its_values_are_shown_and_cleared_and_new_ones_refused(world: World, jane: str) -> None:
    assert world.alice.read(jane)["customFields"] == {"Site": "Enterprise"}
    refused = world.alice.patch(jane, {"firstName": "Joan", "customFields": {"Site": "Defiant"}})
    assert (refused.status_code, pointers(refused)) == (400, {"/customFields/Site": "unknown_type"})
    assert '"starship"' in refused.json()["errors"][0]["detail"]
    assert world.alice.patch(jane, {"firstName": "Joan"}).json()["customFields"] == {"Site": "Enterprise"}
    cleared = world.alice.patch(jane, {"customFields": {"Site": None}})
    assert (cleared.status_code, cleared.json()["customFields"]) == (200, {})


@pytest.mark.usefixtures("jane")
def test_the_description_of_the_api_leaves_its_values_open(world: World) -> None:
    described = world.alice.get("/openapi.json").json()
    values = described["components"]["schemas"]["CustomFieldValues"]["properties"]
    assert values == {"Site": {"title": "Site"}}


def test_the_dashboard_shows_filters_and_sorts_by_it(
    world: World, jane: str, site: str, olive: Person
) -> None:
    contacts = f"/w/{world.acme}/contacts"
    key = f"field-{world.sql.value('select num from custom_fields where id = $1', site)}"
    world.alice.made()
    for query in (f"where={key}:filled:", f"sort={key}", f"sort=-{key}"):
        page = olive.get(f"{contacts}?{query}")
        assert page.status_code == 200
        assert re.findall(r'<tr data-id="([^"]+)"', page.text)[0] == jane
        assert "Enterprise" in page.text
    assert 'value="Enterprise"' in olive.get(f"{contacts}/{jane}").text


def test_the_settings_name_it_and_do_not_offer_it_to_others(world: World, site: str, olive: Person) -> None:
    settings = f"/w/{world.acme}/settings/custom-fields"
    page = olive.get(settings).text
    assert '<span class="item-kind note">starship</span>' in page
    assert 'value="starship"' not in page
    assert '<option value="starship" selected>' in olive.get(f"{settings}/{site}").text
    renamed = olive.post(f"{settings}/{site}", {"name": "Ship", "type": "starship"})
    assert renamed.status_code == 303
    field = world.alice.get(f"{PATH}/{site}").json()
    assert (field["name"], field["type"]) == ("Ship", "starship")


def test_nothing_makes_such_a_field(world: World, site: str) -> None:
    made = world.alice.post(PATH, {"name": "Ship", "type": "starship"})
    assert (made.status_code, pointers(made)) == (400, {"/type": "unknown_value"})
    changed = world.alice.request("PATCH", f"{PATH}/{site}", {"type": "shuttle"})
    assert (changed.status_code, pointers(changed)) == (400, {"/type": "unknown_value"})


def test_it_may_become_a_type_that_its_values_fit(world: World, jane: str, site: str) -> None:
    refused = world.alice.request("PATCH", f"{PATH}/{site}", {"type": "number"})
    assert (refused.status_code, refused.json()["errors"][0]["contactId"]) == (409, jane)
    assert world.alice.request("PATCH", f"{PATH}/{site}", {"type": "text"}).json()["type"] == "text"
    assert world.alice.read(jane)["customFields"] == {"Site": "Enterprise"}
