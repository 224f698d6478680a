"""POST and GET /v1/send-windows, and what is refused."""

from typing import Any

import pytest

from tests.world import World, at_once, pointers

PATH = "/v1/send-windows"
OFFICE = {
    "name": "Office",
    "channels": ["call"],
    "days": [{"day": "mon", "from": "09:00", "to": "17:00"}],
}


def names(world: World) -> list[str]:
    return [window["name"] for window in world.bob.get(PATH).json()]


def with_days(*ranges: tuple[str, str, str]) -> dict[str, Any]:
    return {**OFFICE, "days": [{"day": day, "from": start, "to": end} for day, start, end in ranges]}


def test_a_workspace_starts_with_one_window_the_default(world: World) -> None:
    [window] = world.bob.get(PATH).json()
    assert list(window) == [
        "id",
        "workspaceId",
        "name",
        "channels",
        "days",
        "holidays",
        "isDefault",
        "createdAt",
        "updatedAt",
    ]
    assert window["workspaceId"] == world.acme
    assert window["channels"] == ["call", "sms", "email"]
    assert window["days"] == [
        {"day": day, "from": "09:00", "to": "20:00"} for day in ("mon", "tue", "wed", "thu", "fri", "sat")
    ]
    assert (window["holidays"], window["isDefault"]) == ([], True)


def test_a_workspace_made_by_the_api_starts_with_one_too(world: World) -> None:
    made = world.ada.post("/v1/workspaces", {"name": "New"}).json()
    [window] = world.ada.get(PATH, workspaceId=made["id"]).json()
    assert window["isDefault"] is True
    tried = world.ada.post("/v1/workspaces", {"name": "Tried"}, dryRun=True)
    assert world.sql.fetch("select 1 from send_windows where workspace_id = $1", tried.json()["id"]) == []


def test_a_window_is_made_and_listed_by_name(world: World) -> None:
    answer = world.wendy.post(PATH, {**OFFICE, "holidays": ["2026-12-25", "2026-01-01", "2026-12-25"]})
    assert answer.status_code == 201, answer.text
    window = answer.json()
    assert (window["name"], window["channels"], window["days"]) == ("Office", ["call"], OFFICE["days"])
    assert window["holidays"] == ["2026-01-01", "2026-12-25"]
    assert window["isDefault"] is False
    assert window["createdAt"] == window["updatedAt"]
    assert world.bob.get(answer.headers["location"]).json() == window
    world.wendy.post(PATH, {**OFFICE, "name": "Art"})
    assert names(world) == ["Art", "Default", "Office"]


def test_days_come_in_the_order_of_the_week(world: World) -> None:
    body = with_days(("sat", "22:00", "02:00"), ("mon", "14:00", "18:00"), ("mon", "09:00", "12:00"))
    made = world.alice.post(PATH, body).json()
    assert [(d["day"], d["from"], d["to"]) for d in made["days"]] == [
        ("mon", "09:00", "12:00"),
        ("mon", "14:00", "18:00"),
        ("sat", "22:00", "02:00"),
    ]


def test_making_a_window_the_default_takes_it_from_the_other(world: World) -> None:
    made = world.alice.post(PATH, {**OFFICE, "isDefault": True}).json()
    assert made["isDefault"] is True
    assert [w["name"] for w in world.bob.get(PATH).json() if w["isDefault"]] == ["Office"]


def test_of_several_new_defaults_at_once_one_is_the_default_in_the_end(world: World) -> None:
    bodies = [{**OFFICE, "name": f"w{n}", "isDefault": True} for n in range(6)]
    answers = at_once(*[lambda b=body: world.alice.post(PATH, b) for body in bodies])
    assert {answer.status_code for answer in answers} == {201}
    assert sum(window["isDefault"] for window in world.bob.get(PATH).json()) == 1


def test_of_several_at_once_one_gets_the_name(world: World) -> None:
    answers = at_once(*[lambda: world.alice.post(PATH, OFFICE)] * 4)
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert pointers(refused) == {"/name": "taken"}


def test_all_that_is_wrong_is_said_at_once(world: World) -> None:
    body = {
        "name": "",
        "channels": ["call", "fax"],
        "days": [
            {"day": "mon", "from": "09:00", "to": "09:00"},
            {"day": "mondy", "from": "09:00", "to": "25:00"},
            {"day": "tue", "from": "24:00", "to": "9:00"},
            {"day": "wed", "from": "08:00", "to": "12:00"},
            {"day": "wed", "from": "11:59", "to": "13:00"},
            {"day": "fri", "from": "08:00"},
            "sat",
            {"day": "sat", "from": "08:00", "to": "10:00", "till": "12:00"},
        ],
        "holidays": ["2026-02-30", "tomorrow", 5],
        "isDefault": "perhaps",
        "colour": "red",
    }
    answer = world.alice.post(PATH, body)
    assert answer.status_code == 400
    assert pointers(answer) == {
        "/name": "wrong_length",
        "/channels/1": "unknown_value",
        "/days/0": "zero_length",
        "/days/1/day": "unknown_value",
        "/days/1/to": "invalid_time",
        "/days/2/from": "invalid_time",
        "/days/2/to": "invalid_time",
        "/days/4": "overlap",
        "/days/5/to": "required",
        "/days/6": "wrong_type",
        "/days/7/till": "unknown_field",
        "/holidays/0": "not_a_date",
        "/holidays/1": "not_a_date",
        "/holidays/2": "not_a_date",
        "/isDefault": "wrong_type",
        "/colour": "unknown_field",
    }
    suggested = {e["pointer"]: e.get("suggestion") for e in answer.json()["errors"]}
    assert suggested["/days/1/day"] == "mon"
    assert names(world) == ["Default"]


def test_what_is_missing_is_said_at_once(world: World) -> None:
    assert pointers(world.alice.post(PATH, {})) == dict.fromkeys(("/name", "/channels", "/days"), "required")
    empty = {"name": "Empty", "channels": [], "days": []}
    assert pointers(world.alice.post(PATH, empty)) == {"/channels": "required", "/days": "required"}
    wrong = {"name": None, "channels": "call", "days": {"mon": "09:00"}, "holidays": None}
    assert pointers(world.alice.post(PATH, wrong)) == dict.fromkeys(
        ("/name", "/channels", "/days", "/holidays"), "wrong_type"
    )


OVERLAPS = {
    "the same twice": (("mon", "09:00", "17:00"), ("mon", "09:00", "17:00")),
    "one in the other": (("mon", "08:00", "18:00"), ("mon", "09:00", "10:00")),
    "across midnight": (("mon", "22:00", "02:00"), ("tue", "01:59", "03:00")),
    "across the end of the week": (("mon", "00:00", "03:00"), ("sun", "22:00", "00:01")),
    "nearly a day long": (("mon", "10:00", "09:59"), ("tue", "09:00", "12:00")),
    "behind a shorter one": (("mon", "08:00", "18:00"), ("mon", "12:00", "13:00"), ("mon", "14:00", "15:00")),
}


@pytest.mark.parametrize("ranges", OVERLAPS.values(), ids=OVERLAPS)
def test_ranges_that_overlap_are_refused(world: World, ranges: Any) -> None:
    answer = world.alice.post(PATH, with_days(*ranges))
    assert answer.status_code == 400
    assert pointers(answer) == {f"/days/{n}": "overlap" for n in range(1, len(ranges))}


def test_ranges_may_touch(world: World) -> None:
    body = with_days(("mon", "00:00", "24:00"), ("tue", "00:00", "12:00"), ("tue", "12:00", "00:00"))
    assert world.alice.post(PATH, body).status_code == 201
    night = with_days(("sun", "22:00", "02:00"), ("mon", "02:00", "05:00"))
    assert world.alice.post(PATH, {**night, "name": "Night"}).status_code == 201


def test_there_is_a_limit_of_ranges_and_holidays(world: World) -> None:
    body = with_days(*[("mon", "09:00", "10:00")] * 101)
    answer = world.alice.post(PATH, {**body, "holidays": ["2026-12-25"] * 10_000})
    assert pointers(answer) == {"/days": "too_many", "/holidays": "too_many"}
    assert "400" in answer.json()["errors"][1]["detail"]


def test_a_workspace_has_a_limit_of_windows(world: World, private_server: Any) -> None:
    limited = world.alice.at(private_server(max_send_windows=3))
    bodies = [{**OFFICE, "name": f"w{n}"} for n in range(4)]
    answers = at_once(*[lambda b=body: limited.post(PATH, b) for body in bodies])
    assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409]


def test_a_dry_run_keeps_nothing(world: World) -> None:
    assert world.alice.post(PATH, {**OFFICE, "isDefault": True}, dryRun=True).status_code == 201
    assert names(world) == ["Default"]
    assert world.bob.get(PATH).json()[0]["isDefault"] is True


def test_a_retry_with_the_same_key_makes_no_second_window(world: World) -> None:
    one = {"idempotency-key": "one"}
    first = world.alice.post(PATH, OFFICE, headers=one)
    again = world.alice.post(PATH, OFFICE, headers=one)
    assert (again.status_code, again.json()) == (201, first.json())


def test_an_account_key_says_which_workspace(world: World) -> None:
    assert pointers(world.ada.post(PATH, OFFICE)) == {"/workspaceId": "required"}
    assert pointers(world.ada.get(PATH)) == {"workspaceId": "required"}
    made = world.ada.post(PATH, {**OFFICE, "workspaceId": world.acme_two}).json()
    assert world.ada.get(f"{PATH}/{made['id']}").json() == made
    assert names(world) == ["Default"]


def test_what_a_key_cannot_see_does_not_exist(world: World) -> None:
    mine = world.alice.post(PATH, OFFICE).json()
    for caller in (world.carol, world.tom, world.caller(world.acme_two)):
        assert caller.get(f"{PATH}/{mine['id']}").status_code == 404
        assert caller.request("PATCH", f"{PATH}/{mine['id']}", {"name": "x"}).status_code == 404
        assert caller.delete(f"{PATH}/{mine['id']}").status_code == 404
    assert world.alice.get(f"{PATH}/{mine['id'].upper()}").json() == mine
    assert world.alice.get(f"{PATH}/Office").status_code == 404
    assert world.carol.post(PATH, {**OFFICE, "workspaceId": world.acme}).status_code == 404


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_a_reader_only_reads(world: World, method: str) -> None:
    [window] = world.bob.get(PATH).json()
    path = PATH if method == "POST" else f"{PATH}/{window['id']}"
    assert world.bob.request(method, path, None if method == "DELETE" else OFFICE).status_code == 403
