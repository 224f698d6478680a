"""The pages of send windows: a week that is drawn, typed, and shown as the API shows it."""

import html
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from contactory.local_time.windows import WEEKDAYS, DayRange
from contactory.send_windows.model import presets
from contactory.send_windows.week import in_words, week_of
from tests.dashboard.conftest import Window
from tests.world import Person, World

Windows = Callable[..., Window]
Hours = list[tuple[str, str, str]]


def at(world: World, *more: str) -> str:
    return "/".join((f"/w/{world.acme}/settings/send-windows", *more))


def made(world: World, *hours: tuple[str, str, str], **more: Any) -> str:
    """The id of a new send window with these hours."""
    days = [{"day": day, "from": start, "to": end} for day, start, end in hours]
    body = {"name": "Calls", "channels": ["call"], "days": days, **more}
    answer = world.alice.post("/v1/send-windows", body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def shown(world: World, window_id: str) -> dict[str, Any]:
    """The send window as the API shows it."""
    return world.alice.get(f"/v1/send-windows/{window_id}").json()


def hours_of(window: dict[str, Any]) -> Hours:
    return [(each["day"], each["from"], each["to"]) for each in window["days"]]


def named(world: World, name: str) -> dict[str, Any]:
    [found] = [w for w in world.alice.get("/v1/send-windows").json() if w["name"] == name]
    return found


def form_of(*hours: tuple[str, str, str], **more: Any) -> dict[str, Any]:
    """What the form sends."""
    form: dict[str, Any] = {"week": "1", "name": "Calls", "channel": ["call"], "holidays": ""}
    for day in WEEKDAYS:
        mine = [each for each in hours if each[0] == day]
        form[f"{day}-from"] = [start for _, start, _ in mine] + [""]
        form[f"{day}-to"] = [end for _, _, end in mine] + [""]
    return form | more


def drag(page: Page, start: tuple[str, float], end: tuple[str, float]) -> None:
    """From a day and an hour to another, past a point in between."""
    where = [(*spot(page, day, hour),) for day, hour in (start, end)]
    page.mouse.move(*where[0])
    page.mouse.down()
    page.mouse.move(*[(a + b) / 2 for a, b in zip(*where, strict=True)])
    page.mouse.move(*where[1])
    page.mouse.up()


def spot(page: Page, day: str, hour: float) -> tuple[float, float]:
    box = page.locator(f'form [data-bar="{day}"]').bounding_box()
    assert box
    return box["x"] + box["width"] * hour / 24, box["y"] + box["height"] / 2


def test_a_week_drawn_by_dragging_is_what_the_api_shows(
    windows: Windows, world: World, olive: Person
) -> None:
    page = windows(olive).page
    page.goto(at(world))
    page.get_by_role("link", name="New send window").click()
    page.wait_for_url("**/new")
    page.get_by_role("textbox", name="Name").fill("Drawn")
    page.get_by_label("Text message").uncheck()
    page.get_by_label("E-mail").uncheck()
    for day in WEEKDAYS[:5]:
        page.locator(f'[data-day="{day}"] [data-remove]').click()
    drag(page, ("mon", 9.1), ("wed", 12.9))  # Three days at once.
    drag(page, ("fri", 10), ("fri", 12))
    drag(page, ("fri", 11.5), ("fri", 14))  # It moves: the band was taken at its middle.
    drag(page, ("tue", 13), ("tue", 18))  # The end of a band.
    drag(page, ("wed", 9), ("wed", 7))  # And its start.
    drag(page, ("sat", 20), ("sat", 23))
    drag(page, ("sat", 23), ("sun", 2))  # Past midnight.
    drag(page, ("thu", 3), ("thu", 4))
    drag(page, ("thu", 5), ("thu", 6))
    drag(page, ("thu", 3.5), ("thu", 4.8))  # Two that come to touch become one.
    expect(page.locator("[data-spoken]")).to_contain_text("Thursday")
    page.get_by_role("button", name="Thursday 04:30").focus()
    drag(page, ("sun", 8), ("sun", 10))
    page.keyboard.press("Control+z")
    page.get_by_role("button", name="Create send window").click()
    expect(page.get_by_role("status").get_by_text("Send window created.")).to_be_visible()
    window = named(world, "Drawn")
    assert hours_of(window) == [
        ("mon", "09:00", "13:00"),
        ("tue", "09:00", "18:00"),
        ("wed", "07:00", "13:00"),
        ("thu", "04:30", "06:00"),
        ("fri", "12:30", "14:30"),
        ("sat", "20:00", "02:00"),
    ]
    assert window["channels"] == ["call"]
    assert "Fri 12:30–14:30 · Sat 20:00–02:00" in page.inner_text("main")


def test_a_drag_that_is_broken_off_changes_nothing(windows: Windows, world: World, olive: Person) -> None:
    window_id = made(world, ("mon", "09:00", "17:00"))
    page = windows(olive).page
    page.goto(at(world, window_id))
    page.mouse.move(*spot(page, "mon", 12))
    page.mouse.down()
    page.mouse.move(*spot(page, "tue", 15))
    expect(page.get_by_role("button", name="Tuesday 12:00–20:00")).to_be_visible()
    page.keyboard.press("Escape")
    page.mouse.up()
    expect(page.get_by_role("button", name="Monday 09:00–17:00")).to_be_visible()
    expect(page.get_by_label("Monday from")).to_have_value("09:00")


def test_a_week_is_set_by_keyboard_alone(windows: Windows, world: World, olive: Person) -> None:
    window_id = made(world, ("mon", "09:00", "17:00"), ("tue", "09:15", "12:00"), ("sun", "20:00", "02:00"))
    page = windows(olive).page
    page.goto(at(world, window_id))
    expect(page.get_by_label("Steps of")).to_have_value("15")
    page.get_by_label("Steps of").select_option("30")
    monday = page.get_by_role("button", name="Monday 09:00–17:00")
    monday.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "Shift+ArrowRight", "Control+ArrowLeft"):
        page.keyboard.press(key)
    expect(page.get_by_role("button", name="Wednesday 09:00–18:00")).to_be_focused()
    expect(page.locator("[data-spoken]")).to_have_text("Wednesday 09:00–18:00")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Wednesday from")).to_be_focused()
    page.get_by_role("button", name="Tuesday 09:15–12:00").press("Delete")
    expect(page.get_by_role("button", name="Wednesday 09:00–18:00")).to_be_focused()
    sunday = page.get_by_role("button", name="Sunday 20:00–02:00")
    sunday.press("Shift+ArrowLeft")
    page.get_by_role("button", name="Add hours to Thursday").press("Enter")
    expect(page.get_by_label("Thursday from")).to_be_focused()
    page.keyboard.type("0730AM")
    page.get_by_label("Thursday to", exact=True).focus()
    page.keyboard.type("1200AM")
    expect(page.get_by_role("button", name="Thursday 07:30–24:00")).to_be_visible()
    page.get_by_role("button", name="Copy down the hours of Thursday").press("Enter")
    page.get_by_label("Closed all day on").fill("2026-12-25")
    page.keyboard.press("Enter")
    page.get_by_role("textbox", name="Name").press("Enter")
    expect(page.get_by_role("status").get_by_text("Send window saved.")).to_be_visible()
    window = shown(world, window_id)
    assert hours_of(window) == [
        ("wed", "09:00", "18:00"),
        ("thu", "07:30", "24:00"),
        ("fri", "07:30", "24:00"),
        ("sun", "20:00", "01:30"),
    ]
    assert window["holidays"] == ["2026-12-25"]


def test_a_send_window_is_made_changed_and_deleted_without_scripts(
    windows: Windows, world: World, olive: Person
) -> None:
    window = windows(olive, java_script_enabled=False)
    window.expected = ("status of 400",)
    page = window.page
    page.goto(at(world, "new?preset=fr"))
    page.get_by_role("textbox", name="Name").fill("Plain")
    page.get_by_label("Saturday from").fill("10:00")
    page.get_by_label("Saturday to", exact=True).fill("00:00")
    page.get_by_label("Closed all day on").fill("2027-01-01\n2026-12-25")
    page.get_by_role("button", name="Create send window").click()
    plain = named(world, "Plain")
    assert hours_of(plain)[-2:] == [("fri", "14:00", "20:00"), ("sat", "10:00", "24:00")]
    assert plain["holidays"] == ["2026-12-25", "2027-01-01"]
    page.get_by_role("link", name="Plain").click()
    page.get_by_label("Monday to").first.fill("09:00")  # Past midnight, into the afternoon.
    page.get_by_role("button", name="Save").click()
    expect(page.locator('[data-day="mon"] .error').first).to_contain_text("overlaps days[0]")
    page.get_by_label("Monday to").first.fill("12:30")
    page.get_by_label("The default").check()
    page.get_by_role("button", name="Save").click()
    assert hours_of(shown(world, plain["id"]))[0] == ("mon", "10:00", "12:30")
    assert shown(world, plain["id"])["isDefault"]
    page.get_by_role("button", name="Make default: Default").click()
    page.get_by_role("link", name="Plain").click()
    page.get_by_text("Delete…").click()
    page.get_by_role("button", name="Delete send window").click()
    expect(page.locator("[data-status]")).to_contain_text("Send window deleted.")
    assert world.alice.get(f"/v1/send-windows/{plain['id']}").status_code == 404


def text_of(answer: httpx.Response) -> str:
    return html.unescape(answer.text)


NINE = ("mon", "09:00", "17:00")
WRONG = [
    (form_of(name=" ") | form_of(NINE, name=" "), "must have 1 to 255 characters"),
    (form_of(NINE, channel=[]), "Select at least one channel."),
    (form_of(NINE, channel=["fax"]), "must be one of call, sms, email"),
    (form_of(), "Enter the hours of at least one day."),
    (form_of(("mon", "09:00", "")), "must be a time of day from 00:00 to 24:00"),
    (form_of(("mon", "noon", "17:00")), "must be a time of day from 00:00 to 23:59"),
    (form_of(("mon", "09:00", "09:00")), "has no length"),
    (form_of(NINE, ("mon", "16:00", "18:00")), "overlaps days[0], mon from 09:00 to 17:00"),
    (form_of(NINE, holidays="2026-02-30"), "must be a real date"),
]


@pytest.mark.parametrize(("form", "text"), WRONG)
def test_what_is_wrong_is_said_in_the_words_of_the_api(
    world: World, olive: Person, form: dict[str, Any], text: str
) -> None:
    window_id = made(world, ("tue", "09:00", "17:00"))
    before = shown(world, window_id)
    for path in (at(world, window_id), at(world, "new")):
        answer = olive.post(path, form)
        assert answer.status_code == 400
        assert text in text_of(answer)
        for typed in filter(None, [*form["mon-from"], *form["mon-to"]]):
            assert f'value="{typed}"' in answer.text
    assert shown(world, window_id) == before
    assert len(world.alice.get("/v1/send-windows").json()) == 2


def test_a_name_that_is_taken_is_said_at_its_field(world: World, olive: Person) -> None:
    made(world, NINE)
    answer = olive.post(at(world, "new"), form_of(NINE))
    assert answer.status_code == 409
    assert re.search(r'id="name-note">Another send window of the workspace has this name', answer.text)


def test_what_somebody_else_has_changed_meanwhile_is_not_lost_unseen(world: World, olive: Person) -> None:
    window_id = made(world, NINE)
    seen = seen_in(olive.get(at(world, window_id)))
    world.alice.request("PATCH", f"/v1/send-windows/{window_id}", {"channels": ["sms"]})
    form = form_of(("sun", "10:00", "11:00"))
    refused = olive.post(at(world, window_id), {**form, "seen": seen})
    assert refused.status_code == 409
    assert "Another user has changed this send window" in refused.text
    assert 'value="10:00"' in refused.text
    assert shown(world, window_id)["channels"] == ["sms"]
    again = olive.post(at(world, window_id), {**form, "seen": seen_in(refused)})
    assert again.status_code == 303
    assert hours_of(shown(world, window_id)) == [("sun", "10:00", "11:00")]
    assert olive.post(at(world, window_id), {**form, "seen": "x"}).status_code == 409


def seen_in(answer: httpx.Response) -> str:
    found = re.search(r'name="seen" value="([^"]+)"', answer.text)
    assert found
    return html.unescape(found[1])


def sent_as_it_is(page: str) -> dict[str, Any]:
    """What the form of a page sends if nothing is touched."""
    form: dict[str, Any] = {}
    page = page.partition("data-week-form")[2]
    for tag in re.findall(r"<input[^>]*>", page):
        name, value = (re.search(rf'\b{key}="([^"]*)"', tag) for key in ("name", "value"))
        if name and value and name[1] != "csrf" and ("checkbox" not in tag or " checked" in tag):
            form.setdefault(name[1], []).append(html.unescape(value[1]))
    area = re.search(r"<textarea[^>]*>([^<]*)", page)
    assert area
    return form | {"holidays": area[1]}


@pytest.mark.parametrize("preset", presets())
def test_a_preset_saved_as_it_is_offered_equals_the_api_s(world: World, olive: Person, preset: str) -> None:
    page = olive.get(at(world, "new"), preset=preset)
    assert olive.post(at(world, "new"), sent_as_it_is(page.text)).status_code == 303
    mine = named(world, presets()[preset].name)
    theirs = world.alice.post("/v1/send-windows", {"preset": preset, "name": "By the API"}).json()
    for key in ("channels", "days", "holidays", "isDefault"):
        assert mine[key] == theirs[key]


def test_a_window_saved_as_it_is_stays_as_it_is(world: World, olive: Person) -> None:
    hours = [("mon", "00:00", "24:00"), ("fri", "09:05", "12:00"), ("fri", "22:00", "02:30")]
    window_id = made(world, *hours, holidays=["2026-12-25"], isDefault=True)
    before = shown(world, window_id)
    form = sent_as_it_is(olive.get(at(world, window_id)).text)
    assert olive.post(at(world, window_id), form).status_code == 303
    assert shown(world, window_id) == before
    assert before["isDefault"]


def test_the_default_is_not_deleted(world: World, olive: Person) -> None:
    default = named(world, "Default")
    assert "Delete…" not in olive.get(at(world, default["id"])).text
    answer = olive.post(at(world, default["id"], "delete"))
    assert answer.status_code == 409
    assert "make another one the default" in answer.text


def test_a_viewer_sees_the_hours_and_no_form(world: World) -> None:
    window_id = made(world, NINE, ("tue", "09:00", "17:00"), ("fri", "10:00", "12:00"))
    viewer = world.person("viewer")
    page = viewer.get(at(world, window_id)).text
    assert "Mon, Tue 09:00–17:00 · Fri 10:00–12:00" in page
    assert "<input" not in page.partition("<main")[2].replace('type="hidden"', "")
    assert "New send window" not in viewer.get(at(world)).text
    assert viewer.get(at(world, "new")).status_code == 403


def test_what_is_set_here_counts_at_once(world: World, olive: Person) -> None:
    contact = world.alice.made(timezone="Europe/Paris", phone="+33123456789")
    window_id = made(world, NINE)
    asked = {"window": "Calls", "at": "2026-03-01T11:00:00Z", "channel": "call"}  # A Sunday, 12:00 there.
    path = f"/v1/contacts/{contact['id']}/availability"
    assert not world.alice.get(path, **asked).json()["allowed"]
    assert olive.post(at(world, window_id), form_of(("sun", "10:00", "14:00"))).status_code == 303
    verdict = world.alice.get(path, **asked).json()
    assert verdict["allowed"], verdict


@pytest.mark.parametrize("payload", ["<script>boom()</script>", '"><img src=x onerror=boom()>'])
def test_what_a_send_window_is_called_shows_as_text(world: World, olive: Person, payload: str) -> None:
    window_id = made(world, NINE, name=payload)
    wrong = form_of(
        ("mon", payload, payload), name=payload, holidays=payload, channel=[payload], seen=payload
    )
    for answer in (
        olive.get(at(world)),
        olive.get(at(world, window_id)),
        olive.post(at(world, window_id), wrong),
        olive.post(at(world, "new"), wrong),
        olive.get(at(world, "new"), preset=payload),
    ):
        assert payload not in answer.text


def ranges(*hours: tuple[str, str, str]) -> list[DayRange]:
    return [DayRange(*each) for each in hours]


def test_hours_in_words_put_days_together() -> None:
    every = ranges(*((day, "09:00", "17:00") for day in WEEKDAYS))
    assert in_words(every) == "Every day 09:00–17:00"
    assert in_words(every[:5] + ranges(("sun", "10:00", "12:00"))) == "Mon–Fri 09:00–17:00 · Sun 10:00–12:00"
    assert in_words(every[:2]) == "Mon, Tue 09:00–17:00"
    two = ranges(("wed", "09:00", "12:00"), ("wed", "13:00", "24:00"))
    assert in_words(two) == "Wed 09:00–12:00, 13:00–24:00"
    assert in_words([]) == ""


def test_a_week_is_drawn_past_midnight_into_the_next_day() -> None:
    rows = week_of(ranges(("sun", "18:00", "06:00"), ("mon", "12:00", "24:00")))
    drawn = {row.day: [(band.left, band.width) for band in row.bands] for row in rows}
    assert drawn["mon"] == [(0, 25), (50, 50)] or sorted(drawn["mon"]) == [(0, 25), (50, 50)]
    assert drawn["sun"] == [(75, 25)]
    assert drawn["tue"] == []
