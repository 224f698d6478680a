"""Whether a contact may be contacted now, and its consent, as the contact's page shows and changes them."""

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from contactory.catalog.catalog import read_catalog
from contactory.contacts.pages.availability import AvailabilityPanel, availability_panel
from tests.world import Person, World, a_phone, an_email

LA = "America/Los_Angeles"


@pytest.fixture
def olive(world: World) -> Person:
    return world.person(name="Olive")


def row(**more: Any) -> dict[str, Any]:
    """A contact's row, with a phone and an e-mail, in Los Angeles unless something else is given."""
    given = {"timezone": LA, "timezones": None, "timezone_source": "caller", "phone": "+1", "email": "a@b"}
    return {**given, "consent": None, "deleted_at": None, **more}


def reach(world: World, at: datetime, workspace_id: str = "", **more: Any) -> AvailabilityPanel:
    catalog = world.sql.run(read_catalog(world.sql.conn, workspace_id or world.acme))
    assert catalog
    return availability_panel(row(**more), catalog, at)


def local(*moment: int, zone: str = LA) -> datetime:
    return datetime(*moment, tzinfo=ZoneInfo(zone))  # type: ignore[misc]


def words(found: AvailabilityPanel) -> list[str]:
    return [channel.words for channel in found.channels]


MONDAY = local(2026, 3, 2, 12, 0)


def test_the_verdict_says_why_and_when_that_ends(world: World) -> None:
    assert words(reach(world, MONDAY)) == ["Open until 20:00"] * 3
    assert words(reach(world, MONDAY.replace(hour=7))) == ["Closed now, opens 09:00"] * 3
    assert words(reach(world, MONDAY.replace(hour=21))) == ["Closed now, opens tomorrow at 09:00"] * 3
    saturday = local(2026, 3, 7, 21, 0)
    assert words(reach(world, saturday)) == ["Closed now, opens on Monday 9 March at 09:00"] * 3
    denied = '{"call": {"status": "denied"}, "sms": {"status": "granted"}}'
    assert words(reach(world, MONDAY, consent=denied, email=None)) == [
        *("Has denied consent", "Open until 20:00", "Has no e-mail"),
    ]
    assert words(reach(world, MONDAY, consent='{"doNotContact": true}')) == ["Do not contact"] * 3
    unknown = reach(world, MONDAY, timezone=None)
    assert words(unknown) == ["Time zone unknown"] * 3
    assert unknown.day is None


def test_the_band_shows_the_open_hours_of_the_contact_s_day(world: World) -> None:
    found = reach(world, MONDAY)
    assert found.day
    assert found.day.at == 50
    assert found.day.hours == [(0, 0), (6, 25), (12, 50), (18, 75), (24, 100)]
    [part] = {tuple(channel.openings) for channel in found.channels}
    assert part == ((37.5, 45.833),)
    assert found.channels[0].hours == "Open today from 09:00 to 20:00"
    assert datetime.fromtimestamp(found.until, UTC) == MONDAY + timedelta(hours=1)
    assert reach(world, local(2026, 3, 8, 12, 0)).channels[0].hours == "Closed all day"  # A Sunday.


def test_a_day_of_23_hours_is_drawn_as_one(world: World) -> None:
    # On Saturday the 28th of March 2026 at 24:00 Lebanon's clocks go to one: its Sunday has 23 hours.
    found = reach(world, local(2026, 3, 28, 12, 0, zone="Asia/Beirut"), timezone="Asia/Beirut")
    assert found.day
    spring = reach(world, local(2026, 3, 29, 12, 0, zone="Europe/Berlin"), timezone="Europe/Berlin")
    assert spring.day
    assert spring.day.end - spring.day.start == 23 * 3600
    assert dict(spring.day.hours)[6] == pytest.approx(100 * 5 / 23, abs=0.01)
    assert spring.day.at == pytest.approx(100 * 11 / 23, abs=0.01)


def test_who_could_be_in_two_zones_is_open_while_both_are(world: World) -> None:
    found = reach(world, MONDAY, timezones=[LA, "America/New_York"])
    assert found.channels[0].hours == "Open today from 09:00 to 17:00"
    assert found.zones == [LA, "America/New_York"]
    assert words(found)[0] == "Open until 17:00"


def test_a_channel_without_a_window_says_so(world: World) -> None:
    alone = world.workspace("Alone")
    world.sql.execute("update send_windows set channels = '{email}' where workspace_id = $1", alone)
    found = reach(world, MONDAY, alone)
    assert words(found) == ["No send window for this channel"] * 2 + ["Open until 20:00"]


def test_the_page_shows_the_verdict_of_the_api(world: World, olive: Person) -> None:
    made = world.alice.made(phone=a_phone(), timezone=LA)
    verdict = world.alice.get(f"/v1/contacts/{made['id']}/availability", channel="call").json()
    page = olive.get(f"/w/{world.acme}/contacts/{made['id']}").text
    assert page.count('<dd class="verdict verdict-open">') == (2 if verdict["allowed"] else 0)
    assert "Has no e-mail" in page
    part = olive.get(f"/w/{world.acme}/contacts/{made['id']}/reach", script=True)
    assert part.text.count("<line") == 3
    assert "<html" not in part.text
    world.alice.remove(made["id"])
    assert olive.get(f"/w/{world.acme}/contacts/{made['id']}/reach", script=True).status_code == 404


# Consent.


def consent(world: World, contact_id: str) -> dict[str, Any]:
    return world.alice.get(f"/v1/contacts/{contact_id}/consent").json()


def write(person: Person, world: World, contact_id: str, **form: str) -> Any:
    return person.post(f"/w/{world.acme}/contacts/{contact_id}/consent", form)


def test_consent_is_written_down_and_stands_in_the_history(world: World, olive: Person) -> None:
    made = world.alice.made(phone=a_phone(), email=an_email())
    given = {"channel": "call", "status": "granted", "source": "<b>fair</b>", "day": "2026-01-15"}
    answer = write(olive, world, made["id"], **given)
    assert answer.headers["location"] == f"/w/{world.acme}/contacts/{made['id']}?done=consent#consent"
    known = consent(world, made["id"])
    assert known["call"] == {"status": "granted", "source": "<b>fair</b>", "at": "2026-01-15T00:00:00Z"}
    assert known["sms"]["status"] == "unknown"
    write(olive, world, made["id"], channel="sms", status="denied", source="", day="")
    write(olive, world, made["id"], doNotContact="true")
    page = olive.get(f"/w/{world.acme}/contacts/{made['id']}")
    assert page.status_code == 200
    assert "must not be contacted on any channel" in page.text
    assert "Do not contact, has denied consent" in page.text
    assert "<b>fair" not in page.text
    text = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())
    assert "Consent: call unknown → became granted, <b>fair</b> , 2026-01-15 00:00" in text
    assert "Do not contact no → became yes" in text
    [latest, *_] = world.alice.history(made["id"]).json()
    assert (latest["via"], latest["actor"]["name"]) == ("dashboard", "Olive")
    write(olive, world, made["id"], doNotContact="false")
    assert consent(world, made["id"])["doNotContact"] is False


def test_what_is_left_empty_stays_with_the_same_consent_and_goes_with_another(
    world: World, olive: Person
) -> None:
    made = world.alice.made()
    first = {"status": "granted", "source": "web form", "at": "2026-01-15T10:30:00Z"}
    world.alice.put(f"/v1/contacts/{made['id']}/consent", {"call": first})
    write(olive, world, made["id"], channel="call", status="granted", source="", day="")
    assert consent(world, made["id"])["call"] == first
    write(olive, world, made["id"], channel="call", status="denied", source="", day="")
    denied = consent(world, made["id"])["call"]
    assert (denied["status"], denied["source"]) == ("denied", None)
    assert denied["at"] > "2026-01-15"
    write(olive, world, made["id"], channel="call", status="unknown", source="", day="")
    assert consent(world, made["id"])["call"]["status"] == "unknown"


@pytest.mark.parametrize(
    ("form", "place"),
    [
        ({"channel": "call", "status": "granted", "source": "x" * 256, "day": ""}, "call-source"),
        ({"channel": "call", "status": "granted", "source": "", "day": "2999-01-01"}, "call-day"),
        ({"channel": "call", "status": "granted", "source": "", "day": "yesterday"}, "call-day"),
        ({"channel": "sms", "status": "perhaps", "source": "kept", "day": ""}, "sms-status"),
        ({"channel": "email", "status": "unknown", "source": "kept", "day": ""}, "email-source"),
        ({}, None),
        ({"channel": "fax", "status": "granted"}, None),
    ],
)
def test_what_is_wrong_is_said_at_its_place(
    world: World, olive: Person, form: dict[str, str], place: str | None
) -> None:
    made = world.alice.made()
    answer = write(olive, world, made["id"], **form)
    assert answer.status_code == 400
    assert consent(world, made["id"])["call"]["status"] == "unknown"
    assert answer.text.count('aria-invalid="true"') == (1 if place else 0)
    assert not place or f'aria-describedby="{place}-note" aria-invalid="true"' in answer.text.replace(
        f'aria-invalid="true" aria-describedby="{place}-note"',
        f'aria-describedby="{place}-note" aria-invalid="true"',
    )
    assert ("<details open>" in answer.text) == bool(place)
    assert form.get("source") != "kept" or 'value="kept"' in answer.text


def test_a_viewer_sees_consent_and_writes_none(world: World) -> None:
    made = world.alice.made()
    page = world.person("viewer").get(f"/w/{world.acme}/contacts/{made['id']}").text
    assert page.count('class="is-unknown"') == 3
    assert f"{made['id']}/consent" not in page
