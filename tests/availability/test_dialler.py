"""The loop of an outbound dialler in docs/local-time.md, run word by word."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.availability.test_get import window
from tests.servers import Server
from tests.world import World, a_phone

DOCS = Path(__file__).parents[2] / "docs" / "local-time.md"
WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
CALLS = 100


def test_the_loop_of_the_docs_calls_each_contact_that_is_due_once(world: World, server: Server) -> None:
    [loop] = re.findall(r"```python\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    window(world, "US calls", *[(day, "00:00", "24:00") for day in WEEK])
    due = [world.alice.made(phone=a_phone(), tags=["lead"])["id"] for _ in range(CALLS - 10)]
    world.alice.made(phone=a_phone())
    world.alice.made(phone=a_phone(), tags=["lead", "called"])
    world.alice.made(phone=a_phone(), tags=["lead"], consent={"call": {"status": "denied"}})
    world.alice.made(tags=["lead"])
    called: list[str] = []

    def call(contact: dict[str, Any], until: str | None) -> None:
        called.append(contact["id"])
        assert until is None or datetime.fromisoformat(until) > datetime.now(UTC)
        assert len(called) <= CALLS, "it goes on for ever"
        world.alice.patch(due[-1], {"lastName": f"Doe {len(called)}"})  # Others change what is listed,
        if len(due) < CALLS:
            due.append(world.alice.made(phone=a_phone(), tags=["lead"])["id"])  # and make more.

    names: dict[str, Any] = {"URL": f"{server.url}/v1", "KEY": world.wendy.key, "call": call}
    try:
        exec(loop, names)
    finally:
        names["api"].close()
    assert sorted(called) == sorted(due)
    assert len(set(called)) == CALLS


def test_by_the_time_of_the_last_change_each_contact_is_called_once_a_day(world: World) -> None:
    window(world, "US calls", *[(day, "00:00", "24:00") for day in WEEK])
    world.field("Last call", "date")
    due = [world.alice.made(phone=a_phone())["id"] for _ in range(25)]
    morning = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    called: list[str] = []
    asked = {"availableNow": "call", "window": "US calls", "updatedBefore": morning, "limit": 10}
    while contacts := world.alice.list(**asked).json():
        for contact in contacts:
            called.append(contact["id"])
            world.alice.patch(contact["id"], {"customFields": {"Last call": "2026-03-02"}})
            assert len(called) <= len(due)
    assert called == due
