"""An address that cannot be read is explained at its place, and the rest of it holds."""

import html
import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Window
from tests.dashboard.test_axe import violations
from tests.dashboard.test_search import names, number_of
from tests.world import Person, World, a_phone


@pytest.fixture
def three(world: World) -> None:
    """Contacts with one tag, with two and with none, the last one the newest."""
    world.alice.made(firstName="One", tags=["a"])
    world.alice.made(firstName="Two", tags=["a", "b"])
    world.alice.made(firstName="None", phone=a_phone())


def chips(text: str) -> list[tuple[str, str]]:
    """The filters that cannot be read: what each is about, and its sentence."""
    items = re.findall(r'<li class="chip chip-bad">(.*?)</li>', text, re.DOTALL)
    found: list[tuple[str, str]] = []
    for item in items:
        label, value = (
            re.search(r"<label[^>]*>(.*?)</label>", item),
            re.search(r'name="value" value="(.*?)"', item),
        )
        words = (
            f"{label[1]} {value[1]}" if label and value else re.sub(r"<[^>]+>", "", item.split("</span>")[0])
        )
        error = re.search(r'class="error"[^>]*>(.*?)</span>', item)
        assert error
        found.append((html.unescape(words.strip()), html.unescape(error[1])))
    return found


def opened(person: Person, world: World, query: str) -> str:
    """The page of an address as it is written."""
    answer = person.get(f"/w/{world.acme}/contacts?{query}")
    assert answer.status_code == 200, answer.text
    return answer.text


def shown(text: str) -> list[str]:
    return re.findall(r'data-key="firstName"><span class="value" dir="auto">(.*?)</span>', text)


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    "where",
    [
        *("x", "firstName", "firstName:is:", "firstName:least:1", "nobody:is:x", "field-999:is:x"),
        *("createdAt:from:yesterday", "email:is:nobody", "phone:is:12", "tags:has:", "field-1; drop:is:x"),
        # What only programs ask, of the same fields or of others.
        *(
            "createdAt:after:2020-01-01",
            "updatedAt:until:2020-01-01",
            "firstName:exactly:x",
            "search:finds:x",
        ),
        *("deletedAt:filled:", "id:in:x", "consent.call:is:denied", "available:now:call"),
    ],
)
def test_a_filter_that_cannot_be_read_is_explained_and_the_others_hold(
    world: World, olive: Person, where: str
) -> None:
    text = opened(olive, world, f"where=tags:has:a&where={quote(where)}&utm_source=x&fbclid=%FF&gclid")
    [(words, sentence)] = chips(text)
    assert words
    assert sentence[-1] in ".?"
    assert shown(text) == ["Two", "One"]
    assert names(olive, world, where=["tags:has:a", where]) == ["Two", "One"]
    count = olive.get(f"/w/{world.acme}/contacts/count", script=True, where=["tags:has:a", where])
    assert (count.status_code, count.text) == (200, "2")


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("query", "words", "sentence"),
    [
        ("where=email:is:nobody", "E-mail is nobody", '"nobody" is not'),
        ("where=phone:is:12", "Phone is 12", "has no country code"),
        ("where=createdAt:from:yesterday", "Created on or after yesterday", "date"),
        ("where=timezone:is:new%20yrok", "Time zone is new yrok", "Did you mean America/New_York?"),
        ("where=firstName:is:", "First name is", "Enter a value for First name."),
        ("where=firstName:least:5", "First name 5", "This comparison is not possible for First name."),
        ("where=field-99:is:x", "Filter x", "The field of this filter does not exist"),
        ("where=firstName:is:%FFx", "First name is \ufffdx", "The address is damaged"),
        (
            f"where=firstName:contains:{'x' * 301}",
            f"First name contains {'x' * 301}",
            "more than 300 characters",
        ),
        ("where=clock:is:noon", "Local time is now noon", "is not an offset from UTC"),
        ("where=reach:can:fax", "Can be reached by fax", "must be"),
        ("column=email&operator=is&value=nobody", None, ""),
        ("availableNow=fax", "Available now fax", "call, sms"),
        ("availableNow=call&window=Old", "Available now call by Old", '"Old" is not a send window'),
        ("sort=nothing", "Order", "The order is by a field that does not exist any more"),
        ("sort=tags", "Order", "The order is by a field that does not exist any more"),
        ("cursor=x", "Page", "is not a cursor of this list"),
        ("q=a&q=b", "Search", "may be sent only once"),
        ("view=x&deleted=y&utm_medium=%ZZ&%FF=1", None, ""),
    ],
)
def test_each_part_of_an_address_has_its_sentence(
    world: World, olive: Person, query: str, words: str | None, sentence: str
) -> None:
    answer = olive.get(f"/w/{world.acme}/contacts?{query}")
    while answer.status_code == 303:
        answer = olive.get(answer.headers["location"])
    assert answer.status_code == 200
    assert shown(answer.text) == ["None", "Two", "One"]
    found = chips(answer.text)
    if words is None:
        assert len(found) == query.startswith("column")
    else:
        assert found[0][0] == words
        assert sentence in found[0][1]


@pytest.mark.usefixtures("three")
def test_conditions_beyond_the_limit_are_explained(world: World, olive: Person) -> None:
    many = "&".join(f"where=tags:lacks:t{number}" for number in range(25))
    text = opened(olive, world, many)
    assert [sentence for _, sentence in chips(text)] == [
        "At most 20 filters are possible: remove another one."
    ] * 5
    far_too_many = "&".join(f"where=tags:lacks:t{number}" for number in range(250))
    assert chips(opened(olive, world, far_too_many))
    assert chips(opened(olive, world, "&".join(["x=1"] * 300)))


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("wrong", ["where=email:is:nobody", "availableNow=fax", "where=field-99:is:x"])
def test_no_change_or_export_of_all_is_wider_than_what_was_meant(
    world: World, olive: Person, wrong: str
) -> None:
    path, back = f"/w/{world.acme}/contacts", f"where=tags%3Ahas%3Aa&{wrong}"
    text = opened(olive, world, back)
    assert "you cannot change or export all matching contacts" in text
    assert "Export all matching contacts" not in text
    assert re.search(r"data-everything hidden disabled", text)
    for target, form in (("many", {"action": "delete"}), ("export", {})):
        answer = olive.post(f"{path}/{target}", {"all": "1", "back": back, **form})
        assert answer.status_code == 400
        assert "the list may have more contacts than you want" in answer.text
    assert len(world.alice.list().json()) == 3
    # The order does not change which contacts are meant.
    assert olive.post(f"{path}/export", {"all": "1", "back": "sort=nothing"}).status_code == 200
    chosen = {"action": "addTags", "tags": "c", "contact": f"{world.alice.list().json()[0]['id']}:1"}
    assert olive.post(f"{path}/many", {**chosen, "back": back}).status_code == 200


@pytest.mark.usefixtures("three")
def test_a_filter_whose_field_is_deleted_meanwhile_is_explained_in_the_list(
    world: World, olive: Person
) -> None:
    field = world.field("Stage")
    key = number_of(world, "Stage")
    world.alice.delete(f"/v1/custom-fields/{field}")
    part = olive.get(f"/w/{world.acme}/contacts", script=True, where=f"{key}:is:x")
    assert part.status_code == 200
    assert "The field of this filter does not exist" in part.text
    assert 'role="alert"' in part.text


@pytest.mark.parametrize(
    "path",
    [
        "overview/growth?days=31",
        "overview/reach?channel=post",
        "overview?whole=2",
        "settings/tags?cursor=%FF",
        "settings/jobs?cursor=x",
        "contacts/{contact}?cursor=x",
    ],
)
def test_every_page_leaves_out_what_it_cannot_read_and_says_so(
    world: World, olive: Person, path: str
) -> None:
    contact = world.alice.made()
    answer = olive.get(f"/w/{world.acme}/{path.format(contact=contact['id'])}&utm_source=%FC&ref=a&ref=b")
    assert answer.status_code == 200
    assert "A part of the address cannot be read and is left out" in answer.text


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_filter_is_corrected_at_its_place(contacts: Callable[..., Page], world: World, theme: str) -> None:
    page = contacts("?where=tags:has:a&where=timezone:is:new%20yrok&q=", color_scheme=theme)
    wrong = page.get_by_label("Time zone is", exact=True)
    expect(wrong).to_be_focused()
    expect(wrong).to_have_accessible_description(re.compile("Did you mean America/New_York"))
    assert violations(page) == []
    page.set_viewport_size({"width": 320, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    wrong.fill("")
    wrong.press_sequentially("tok")
    expect(page.get_by_role("option", name="Tokyo")).to_be_visible()
    wrong.press("Enter")
    wrong.press("Enter")
    expect(page.locator(".chip")).to_have_text(
        ["Tags have a ×", "Time zone is Asia/Tokyo ×"], use_inner_text=False
    )
    expect(page.get_by_text("No matching contacts")).to_be_visible()


@pytest.mark.usefixtures("three")
def test_a_search_keeps_what_cannot_be_read(contacts: Callable[..., Page]) -> None:
    page = contacts("?where=email:is:nobody")
    page.get_by_label("Search contacts").fill("two")
    expect(page.locator("tr[data-id]")).to_have_count(1)
    expect(page.locator("#grid").get_by_role("alert")).to_contain_text("is not applied")
    assert "email%3Ais%3Anobody" in page.url
    page.get_by_role("link", name="Remove the filter: E-mail is nobody").click()
    expect(page.locator(".chip")).to_have_count(0)
    expect(page.locator("tr[data-id]")).to_have_count(1)


def test_without_scripts_a_filter_is_corrected_by_its_form(
    windows: Callable[..., Window], world: World, olive: Person
) -> None:
    world.alice.made(firstName="Jane", email="jane@example.com")
    world.alice.made(firstName="Max")
    page = windows(olive, java_script_enabled=False).page
    page.goto(f"/w/{world.acme}/contacts?where=email:is:jane")
    wrong = page.get_by_role("textbox", name="E-mail is")
    wrong.fill("jane@example.com")
    wrong.press("Enter")
    expect(page.locator("tr[data-id]")).to_have_count(1)
    expect(page.locator(".chip-bad")).to_have_count(0)
