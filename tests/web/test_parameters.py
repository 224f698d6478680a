"""Parameters of a URL, as programs and people really write them: empty, with a raw plus, by the thousand."""

import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from tests.world import World, a_phone, pointers

MANY = 6_000


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [contact["id"] for contact in answer.json()]


# Empty ones.


@pytest.mark.parametrize(
    "path",
    [
        *(f"/v1/contacts?{name}=" for name in ("email", "phone", "tag", "createdAfter", "updatedAfter")),
        *(f"/v1/contacts?{name}=" for name in ("availableNow", "availableAt")),
        *(f"/v1/contacts/lookup?{name}=" for name in ("email", "phone")),
        "/v1/availability?channel=call&phone=",
        "/v1/availability?phone=%2B14155551234&channel=",
        "/v1/tags?q=",
        "/v1/timezones?q=",
        "/v1/contacts?email",
        "/v1/contacts?email=%20",
        "/v1/contacts?tag=vip&tag=",
        "/v1/timezones?q=%20%20",
    ],
)
def test_an_empty_parameter_that_narrows_is_refused(world: World, path: str) -> None:
    world.alice.made(email=f"{world.acme}@example.com")
    refused = world.alice.get(path)
    assert refused.status_code == 400
    name = path.partition("=")[0].rpartition("?")[2]
    assert pointers(refused) in ({name: "required"}, {"phone": "required"}, {"channel": "required"})


def test_any_other_empty_parameter_counts_as_not_given(world: World) -> None:
    made = [world.alice.made()["id"] for _ in range(2)]
    names = ("workspaceId", "limit", "offset", "cursor", "sort", "count", "include", "channel", "window")
    answer = world.alice.get(f"/v1/contacts?{'=&'.join(names)}=")
    assert ids(answer) == made
    assert "x-total-count" not in answer.headers
    assert world.alice.get(f"/v1/contacts/{made[0]}?include=&include=timezones").json()["timezones"] == []
    assert ids(world.alice.get("/v1/contacts?limit")) == made


def test_an_empty_parameter_of_a_write_counts_as_not_given(world: World) -> None:
    made = world.alice.made()
    answer = world.alice.patch(made["id"], {"firstName": "Joan"}, dryRun="")
    assert "x-dry-run" not in answer.headers
    assert world.alice.read(made["id"])["firstName"] == "Joan"
    assert world.alice.remove(made["id"], purge="").status_code == 204
    assert world.alice.restore(made["id"]).status_code == 200


def test_pages_pass_empty_and_unknown_parameters_over(world: World) -> None:
    olive, made = world.person(), world.alice.made()
    for page in ("contacts", f"contacts/{made['id']}", "overview", "settings/tags", "settings/account"):
        path = f"/w/{world.acme}/{page}"
        for query in ("utm_source=newsletter&fbclid=x", "q=&cursor=&where=&view=&done=&sort=", "utm_source"):
            assert olive.get(f"{path}?{query}").status_code == 200, (page, query)
    for path in ("/sign-in", "/docs", "/errors", "/errors/conflict", "/static/app.css"):
        assert world.http.get(f"{path}?utm_source=newsletter&v=3").status_code == 200


# A raw plus.


def test_a_raw_plus_in_an_email_is_a_plus(world: World) -> None:
    email = f"jane+news@{world.acme}.example"
    made = world.alice.made(email=email)
    other = world.alice.made(email=f"news@{world.acme}.example")
    assert ids(world.alice.get(f"/v1/contacts?email={email}")) == [made["id"]]
    assert world.alice.get(f"/v1/contacts/lookup?email={email}").json()["contact"] == made
    assert ids(world.alice.get(f"/v1/contacts?email=+{other['email']}")) == []
    # A space that was sent as such is none of it.
    assert ids(world.alice.get(f"/v1/contacts?email=%20{other['email']}")) == [other["id"]]
    for after in ("+", "%20", "++"):
        assert ids(world.alice.get(f"/v1/contacts?email={email}{after}")) == [made["id"]]
        assert world.alice.get(f"/v1/contacts/lookup?email={email}{after}").status_code == 200


def test_a_raw_plus_in_an_email_outlives_the_next_page(world: World) -> None:
    email = f"jane+news@{world.acme}.example"
    made = world.alice.made(email=email, tags=["a b"])
    page = world.alice.get(f"/v1/contacts?email={email}&tag=a+b&updatedAfter=2020-01-01T00:00:00+02:00")
    assert ids(page) == [made["id"]]


def test_a_raw_plus_leads_a_phone_wherever_one_is_asked_for(world: World) -> None:
    phone = a_phone()
    made = world.alice.made(phone=phone)
    assert ids(world.alice.get(f"/v1/contacts?phone={phone}")) == [made["id"]]
    assert world.alice.get(f"/v1/contacts/lookup?phone={phone}").json()["contact"] == made
    asked = world.alice.get(f"/v1/availability?phone={phone}&channel=call")
    assert asked.status_code == 200, asked.text
    spaced = f"+1+{phone[2:5]}+{phone[5:8]}+{phone[8:]}"
    assert ids(world.alice.get(f"/v1/contacts?phone={spaced}")) == [made["id"]]


@pytest.mark.parametrize("parameter", ["createdAfter", "updatedAfter"])
def test_a_raw_plus_in_a_time_is_that_of_its_offset(world: World, parameter: str) -> None:
    old, new = world.alice.made(), world.alice.made()
    after = datetime.fromisoformat(old["createdAt"]) + timedelta(hours=5, minutes=30)
    naive = after.replace(tzinfo=None).isoformat(timespec="microseconds")
    for text in (f"{naive}+05:30", f"{naive}%2B05:30", f"{naive.replace('T', '+')}+05:30"):
        assert ids(world.alice.get(f"/v1/contacts?{parameter}={text}")) == [new["id"]], text


def test_a_raw_plus_in_the_moment_of_a_question_is_that_of_its_offset(world: World) -> None:
    made = world.alice.made(phone=a_phone())
    asked = f"/v1/contacts/{made['id']}/availability?channel=call&at=2026-03-02T12:00:00"
    exact = world.alice.get(f"{asked}%2B02:00").json()
    assert exact["allowed"] in (True, False)
    assert world.alice.get(f"{asked}+02:00").json() == exact
    listed = "/v1/contacts?channel=call&availableAt=2026-03-02T20:00:00"
    assert ids(world.alice.get(f"{listed}+02:00")) == ids(world.alice.get(f"{listed}%2B02:00"))


@pytest.mark.parametrize("text", ["Etc/GMT+5", "gmt+5", "Etc/GMT%2B5", "GMT%205"])
def test_a_raw_plus_in_the_name_of_a_zone_is_found(world: World, text: str) -> None:
    assert "Etc/GMT+5" in [zone["name"] for zone in world.bob.get(f"/v1/timezones?q={text}").json()]


def test_a_space_in_the_name_of_a_zone_is_still_an_underscore(world: World) -> None:
    for text in ("new+york", "new%20york"):
        [zone] = world.bob.get(f"/v1/timezones?q={text}").json()
        assert zone["name"] == "America/New_York"


def test_a_raw_plus_in_a_tag_is_a_space_as_ever(world: World) -> None:
    made = world.alice.made(tags=["a b"])
    world.alice.made(tags=["a+b"])
    assert ids(world.alice.get("/v1/contacts?tag=a+b")) == [made["id"]]


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"email": "jane+news@{0}.example"}, "email:is:jane+news@{0}.example"),
        ({"email": "jane+news@{0}.example"}, "email:contains:+news@"),
        ({"timezone": "Etc/GMT+5"}, "timezone:is:Etc/GMT+5"),
        ({"timezone": "Etc/GMT+5"}, "timezone%3Ais%3AEtc%2FGMT+5"),
        ({"phone": "{1}"}, "phone:is:{1}"),
        ({"lastName": "van Dam"}, "lastName:is:van+Dam"),
    ],
)
def test_a_raw_plus_in_a_filter_of_the_grid_is_understood(
    world: World, fields: dict[str, str], where: str
) -> None:
    phone = a_phone()
    filled = {name: value.format(world.acme, phone) for name, value in fields.items()}
    made, other = world.alice.made(filled), world.alice.made()
    page = world.person().get(f"/w/{world.acme}/contacts?where={where.format(world.acme, phone)}")
    assert made["id"] in page.text
    assert other["id"] not in page.text


@pytest.mark.parametrize("sort", ["createdAt", "updatedAt", "-updatedAt"])
def test_cursors_hold_nothing_that_a_url_could_change(world: World, sort: str) -> None:
    for number in range(3):
        world.alice.made(tags=[f"a {number}+é/~"])
    for path, more in (("/v1/contacts", {"sort": sort}), ("/v1/tags", {})):
        first = world.alice.get(path, limit=1, **more)
        cursor = httpx.URL(first.links["next"]["url"]).params["cursor"]
        assert re.fullmatch("[A-Za-z0-9_-]+", cursor)
        second = world.alice.get(f"{path}?limit=1&{urlencode(more)}&cursor={cursor}")
        assert len(second.json()) == 1
        assert second.json() != first.json()


# Booleans and times.


@pytest.mark.parametrize("text", ["1", "true", "True", "TRUE"])
def test_true_is_written_in_any_case_or_as_1(world: World, text: str) -> None:
    made = world.alice.made()
    answer = world.alice.patch(made["id"], {"firstName": "Other"}, dryRun=text)
    assert (answer.status_code, answer.headers["x-dry-run"]) == (200, "true")
    assert world.alice.read(made["id"]) == made
    assert world.alice.list(count=text).headers["x-total-count"] == "1"


@pytest.mark.parametrize("text", ["0", "false", "False", "FALSE"])
def test_false_is_written_in_any_case_or_as_0(world: World, text: str) -> None:
    made = world.alice.made()
    assert "x-dry-run" not in world.alice.patch(made["id"], {"firstName": "Other"}, dryRun=text).headers
    assert "x-total-count" not in world.alice.list(count=text).headers


@pytest.mark.parametrize("text", ["yes", "2", "t", "01", "on", "-1"])
def test_anything_else_is_not_a_boolean(world: World, text: str) -> None:
    made = world.alice.made()
    refused = world.alice.patch(made["id"], {"firstName": "Other"}, dryRun=text)
    assert pointers(refused) == {"dryRun": "wrong_type"}


TIMES = {
    "2026-02-28t10:00:00z": "2026-02-28T10:00:00Z",
    "2026-02-28T10:00:00z": "2026-02-28T10:00:00Z",
    "2026-02-28 10:00:00Z": "2026-02-28T10:00:00Z",
    "2016-12-31T23:59:60Z": "2017-01-01T00:00:00Z",
    "2016-12-31t23:59:60.5z": "2017-01-01T00:00:00.500000Z",
    "2017-01-01T01:59:60+02:00": "2017-01-01T00:00:00Z",
}


@pytest.mark.parametrize(("text", "moment"), TIMES.items())
def test_every_writing_of_a_time_that_rfc_3339_has_is_read(world: World, text: str, moment: str) -> None:
    made = world.alice.made()
    consent = {"call": {"status": "granted", "source": "form", "at": text}}
    kept = world.alice.put(f"/v1/contacts/{made['id']}/consent", consent)
    assert (kept.status_code, kept.json()["call"]["at"]) == (200, moment), kept.text
    assert ids(world.alice.list(createdAfter=text)) == [made["id"]]
    world.field("Day", "date")
    dated = world.alice.patch(made["id"], {"customFields": {"Day": text}}).json()
    assert dated["customFields"]["Day"] == text[:10]


@pytest.mark.parametrize("text", ["2026-02-28T10:00:61Z", "2026-02-28T10:60:60Z", "2026-02-28T10:00:600Z"])
def test_times_that_no_clock_shows_are_refused(world: World, text: str) -> None:
    assert pointers(world.alice.list(createdAfter=text)) == {"createdAfter": "invalid_timestamp"}


def test_a_key_that_expires_in_a_leap_second_is_made(world: World) -> None:
    made = world.alice.post("/v1/api-keys", {"name": "Leap", "expiresAt": "2035-06-30t23:59:60z"})
    assert (made.status_code, made.json()["expiresAt"]) == (201, "2035-07-01T00:00:00Z")


# By the thousand.


@pytest.mark.parametrize("name", ["tag", "include", "email", "nowhere"])
def test_thousands_of_parameters_are_refused_before_they_are_read(world: World, name: str) -> None:
    refused = world.alice.get(f"/v1/contacts?{'&'.join([f'{name}=x'] * MANY)}")
    assert (refused.status_code, pointers(refused)) == (400, {"query": "too_many"})


@pytest.mark.parametrize("page", ["contacts", "contacts/count", "settings/custom-fields/counts"])
def test_thousands_of_parameters_of_a_page_are_refused(world: World, page: str) -> None:
    name = "of" if page.endswith("s/counts") else "where"
    for count, size in ((MANY, "whole"), (101, "list")):
        answer = world.person().get(f"/w/{world.acme}/{page}?{'&'.join([f'{name}=x'] * count)}", script=True)
        assert answer.status_code == 400, size
        assert "too_many" in answer.text


def test_a_hundred_values_of_filters_are_taken_and_one_more_is_not(world: World) -> None:
    tags = [f"tag {number}" for number in range(100)]
    made = world.alice.made(tags=tags)
    query = "&".join(f"tag={tag.replace(' ', '+')}" for tag in tags)
    assert ids(world.alice.get(f"/v1/contacts?limit=5&count=true&{query}")) == [made["id"]]
    assert pointers(world.alice.get(f"/v1/contacts?{query}&tag=more")) == {"tag": "too_many"}
    assert pointers(world.alice.get(f"/v1/contacts?{query}&include=consent")) == {"include": "too_many"}


def test_what_is_wrong_with_every_parameter_is_told_at_once(world: World) -> None:
    query = "&".join(["tag=x"] * 101)
    wrong: dict[str, Any] = pointers(world.alice.get(f"/v1/contacts?limit=x&email=&nowhere=1&{query}"))
    assert wrong == {
        "limit": "out_of_range",
        "email": "required",
        "nowhere": "unknown_parameter",
        "tag": "too_many",
    }
