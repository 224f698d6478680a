"""A type of custom field in one file works everywhere: a colour, on a server that has it besides."""

import re
from collections.abc import Callable, Generator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from contactory.cli.fields import FieldTypes
from contactory.values.field_types.registry import FIELD_TYPES
from tests.conftest import client_of
from tests.dashboard.conftest import cell
from tests.fields.colour import COLOUR
from tests.servers import Server
from tests.world import Person, World, pointers

PATH = "/v1/custom-fields"
PROGRAM = """
import os, socket, tempfile
from pathlib import Path
from contactory.values.field_types.registry import FIELD_TYPES
from tests.fields.colour import COLOUR

FIELD_TYPES[COLOUR.name] = COLOUR
from contactory.process.server import main

listening = socket.create_server(("127.0.0.1", int(os.environ["CONTACTORY_PORT"])))
signs_of_life = os.pipe()[1]
main(listening.detach(), signs_of_life, Path(tempfile.mkdtemp()), "1")
"""


@pytest.fixture(scope="module")
def server(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[Server]:
    """A server process that has the type."""
    server = Server(tmp_path_factory.mktemp("server") / "own.log", PROGRAM, database_url=database_url)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def http(server: Server) -> Generator[httpx.Client]:
    with client_of(server) as http:
        yield http


@pytest.fixture
def paint(world: World) -> dict[str, Any]:
    """A custom field of the type."""
    answer = world.alice.post(PATH, {"name": "Paint", "type": "colour"})
    assert answer.status_code == 201, answer.text
    return answer.json()


def key_of(world: World, field: dict[str, Any]) -> str:
    """The key of its column."""
    return f"field-{world.sql.value('select num from custom_fields where id = $1', field['id'])}"


def painted(world: World, *colours: str) -> None:
    for colour in colours:
        world.alice.made(customFields={"Paint": colour} if colour else {"Paint": None}, firstName=colour)


def shown(person: Person, world: World, **query: Any) -> list[str]:
    """The colours that the grid shows, in its order."""
    page = person.get(f"/w/{world.acme}/contacts", script=True, **query)
    assert page.status_code == 200, page.text
    return re.findall(r'is-colour"[^>]*><span class="value" dir="auto">([^<]+)', page.text)


@pytest.mark.usefixtures("paint")
def test_its_values_are_kept_in_their_form_cleared_and_refused(world: World) -> None:
    made = world.alice.made(customFields={"Paint": "#FF8800"})
    assert made["customFields"] == {"Paint": "#ff8800"}
    refused = world.alice.patch(made["id"], {"customFields": {"Paint": "orange"}})
    assert (refused.status_code, pointers(refused)) == (400, {"/customFields/Paint": "not_a_colour"})
    assert refused.json()["errors"][0]["detail"] == '"Paint" must be a colour, as #ff8800'
    assert world.alice.patch(made["id"], {"customFields": {"Paint": ""}}).json()["customFields"] == {}


def test_a_misspelt_type_is_told_what_it_may_mean(world: World) -> None:
    answer = world.alice.post(PATH, {"name": "Paint", "type": "color"})
    assert answer.json()["errors"][0]["suggestion"] == "colour"


@pytest.mark.usefixtures("paint")
def test_the_description_of_the_api_has_it(world: World) -> None:
    described = world.alice.get("/openapi.json").json()
    values = described["components"]["schemas"]["CustomFieldValues"]["properties"]
    assert values["Paint"] == {**COLOUR.schema, "title": "Paint"}
    making = described["paths"][PATH]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert making["properties"]["type"]["enum"] == ["text", "number", "date", "boolean", "colour"]


def test_a_field_gets_it_where_every_value_fits(world: World) -> None:
    field = world.alice.post(PATH, {"name": "Paint", "type": "text"}).json()
    odd, fits = (world.alice.made(customFields={"Paint": text}) for text in ("red", "#00FF00"))
    refused = world.alice.request("PATCH", f"{PATH}/{field['id']}", {"type": "colour"})
    assert (refused.status_code, refused.json()["errors"][0]["contactId"]) == (409, odd["id"])
    world.alice.patch(odd["id"], {"customFields": {"Paint": None}})
    changed = world.alice.request("PATCH", f"{PATH}/{field['id']}", {"type": "colour"})
    assert changed.json()["type"] == "colour"
    assert world.alice.read(fits["id"])["customFields"] == {"Paint": "#00ff00"}


def test_the_grid_filters_and_sorts_by_it(world: World, olive: Person, paint: dict[str, Any]) -> None:
    painted(world, "#ff0010", "#80ff05", "#0000ff", "")
    key = key_of(world, paint)
    assert shown(olive, world, sort=key) == ["#80ff05", "#ff0010", "#0000ff"]
    assert shown(olive, world, sort=f"-{key}") == ["#0000ff", "#ff0010", "#80ff05"]
    assert shown(olive, world, sort=key, where=f"{key}:redder:#7F0000") == ["#80ff05", "#ff0010"]
    assert shown(olive, world, where=f"{key}:is:#80FF05") == ["#80ff05"]
    page = olive.get(f"/w/{world.acme}/contacts", where=f"{key}:redder:#7f0000")
    assert "Paint has more red than" in page.text
    unread = olive.get(f"/w/{world.acme}/contacts", script=True, where=f"{key}:is:orange")
    assert (unread.status_code, "must be a colour, as #ff8800" in unread.text) == (200, True)


def test_its_order_goes_on_from_page_to_page(world: World, olive: Person, paint: dict[str, Any]) -> None:
    colours = [f"#0000{number:02x}" for number in range(120)]
    made = [{"op": "create", "data": {"customFields": {"Paint": each}}} for each in colours[::-1]]
    assert world.alice.batch(*made).status_code == 200
    found, path = list[str](), f"/w/{world.acme}/contacts?sort={key_of(world, paint)}"
    while path:
        page = olive.get(path, script=True).text
        found += re.findall(r"#0000[0-9a-f]{2}", page)
        following = re.search(r'hx-get="([^"]+)"', page)
        path = following[1].replace("&amp;", "&") if following else ""
    assert found == colours


def test_the_settings_offer_and_name_it(world: World, olive: Person, paint: dict[str, Any]) -> None:
    page = olive.get(f"/w/{world.acme}/settings/custom-fields").text
    assert '<option value="colour">Colour</option>' in page
    assert '<span class="item-kind note">Colour</span>' in page
    edit = olive.get(f"/w/{world.acme}/settings/custom-fields/{paint['id']}").text
    assert '<option value="colour" selected>Colour</option>' in edit


def test_the_command_line_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FIELD_TYPES, COLOUR.name, COLOUR)
    assert FieldTypes().convert("colour", None, None) == "colour"


def test_a_cell_a_filter_and_the_page_have_its_input(
    world: World, contacts: Callable[..., Page], paint: dict[str, Any]
) -> None:
    painted(world, "#ff0000")
    jane = world.alice.made(firstName="Jane")
    key = key_of(world, paint)
    page = contacts()
    cell(page, jane["id"], key).click()
    expect(page.get_by_role("textbox", name="Paint")).to_have_attribute("placeholder", "#rrggbb")
    page.keyboard.type("orange")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("This must be a colour, as #ff8800")
    page.get_by_role("textbox", name="Paint").fill("#FF8800")
    page.keyboard.press("Enter")
    expect(cell(page, jane["id"], key)).to_have_text("#ff8800")
    page.locator("summary", has_text="Filter").click()
    page.get_by_label("Show contacts whose").select_option("Paint")
    page.get_by_label("Comparison").select_option("is")
    value = page.get_by_role("combobox", name="Value")
    expect(value).to_have_attribute("maxlength", "7")
    page.get_by_label("Show contacts whose").select_option("First name")
    expect(value).to_have_attribute("maxlength", "300")
    page.get_by_label("Show contacts whose").select_option("Paint")
    value.fill("#FF8800")
    page.get_by_role("button", name="Add filter").click()
    expect(page.locator(".chip")).to_contain_text("Paint is #FF8800")
    expect(page.locator("tr[data-id]")).to_have_count(1)
    page.get_by_role("link", name="Open Jane").click()
    field = page.get_by_role("textbox", name="Paint")
    expect(field).to_have_attribute("placeholder", "#rrggbb")
    field.fill("#00FF00")
    page.get_by_role("button", name="Save").first.click()
    expect(field).to_have_value("#00ff00")
