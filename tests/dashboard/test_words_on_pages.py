"""What pages say to users: no names for programs, no placeholders, and errors in words at their inputs."""

import html
import re
from typing import Any

import pytest

from tests.dashboard.test_pages_in_browser import OUTSIDE
from tests.dashboard.test_pages_in_browser import paths as paths
from tests.world import Person, World

# Names of the API, of the database and of templates.
RAW = re.compile(
    r"\{\w*\}|\{\{|\b(?:doNotContact|timezoneSource|firstName|lastName|customFields|createdAt|api_key|caller)\b"
    r"|consent[:.] ?\w+[A-Z]|\bsms\b|\b(?:True|False|null)\b"
)


QUOTING = (*OUTSIDE, "unreadable")
"""Pages that are not tried: the last one quotes what an address has, and what it may have."""


@pytest.fixture
def olive(world: World) -> Person:
    return world.person()


def said(page: str) -> str:
    """The texts of a page, with those that are only spoken or shown on demand."""
    body = re.sub(r"<(script|style|code|pre|noscript)\b.*?</\1>", "", page, flags=re.DOTALL)
    spoken = re.findall(r'\b(?:aria-label|title|placeholder|alt)="([^"]*)"', body)
    return html.unescape(" ".join([re.sub(r"<[^>]*>", " ", body), *spoken]))


def test_no_page_shows_a_name_for_programs_or_a_placeholder(
    world: World, olive: Person, paths: dict[str, str]
) -> None:
    contact = paths["contact"].rpartition("/")[2]
    consent = {"doNotContact": True, "sms": {"status": "denied"}}
    world.alice.patch(contact, {"timezone": "Asia/Tokyo", "consent": consent})
    olive.post(f"{paths['contact']}", {"timezone": ""})
    found = {
        name: raw
        for name, path in paths.items()
        if name not in QUOTING and (raw := RAW.findall(said(olive.get(path).text)))
    }
    assert found == {}


def test_the_history_and_the_recent_activity_say_who_by_what_means_and_which_field(
    world: World, olive: Person
) -> None:
    made = world.alice.made(firstName="Jane", phone="+14155550132")
    world.alice.patch(made["id"], {"consent": {"doNotContact": True, "sms": {"status": "denied"}}})
    world.alice.patch(made["id"], {"timezone": "America/Los_Angeles"})
    world.sql.execute("update contact_events set actor_id = null, actor_type = 'system', via = 'cli'")
    for path in (f"contacts/{made['id']}", "overview/activity"):
        text = re.sub(r"\s+", " ", said(olive.get(f"/w/{world.acme}/{path}", script="overview" in path).text))
        assert "The system" in text
        assert "via the command line" in text
        assert "Do not contact no → became yes" in text
        assert "Consent: text message unknown → became denied" in text
        assert "Source of the time zone the phone → became entered" in text


def test_send_windows_name_their_channels_in_words(world: World, olive: Person) -> None:
    page: Any = olive.get(f"/w/{world.acme}/settings/send-windows").text
    assert re.findall(r'<span class="label">([^<]*)<', page) == ["Call", "Text message", "E-mail"]
    new = said(olive.get(f"/w/{world.acme}/settings/send-windows/new").text)
    assert "Call, Text message" in new
