"""The tour in README.md, typed word by word into a shell."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from contactory.cli.serving import FIRST_STEPS
from tests.servers import Server
from tests.world import World

README = Path(__file__).parents[2] / "README.md"
CHANGING = ("id", "workspaceId", "createdAt", "updatedAt", "instance", "requestId")


def settled(answer: dict[str, Any]) -> dict[str, Any]:
    """What is the same each time."""
    return {name: value for name, value in answer.items() if name not in CHANGING}


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_the_tour_goes_as_the_readme_says(server: Server, world: World) -> None:
    text = README.read_text("utf-8")
    patch, fields, create, mistakes, history, upsert, batch = re.findall(
        r"```\n((?:curl|ID=).*?)```", text, re.DOTALL
    )
    shown_patch, shown_mistakes = (json.loads(j) for j in re.findall(r"```json\n(.*?)```", text, re.DOTALL))
    shell = {
        **os.environ,
        "URL": f"{server.url}/v1",
        "KEY": f"Authorization: Bearer {world.alice.key}",
        "JSON": "Content-Type: application/json",
    }

    def typed(command: str) -> str:
        done = subprocess.run(["sh", "-c", command], env=shell, capture_output=True, text=True, check=True)
        return done.stdout

    # Who pastes all that the first start prints, and not its first line alone, can go on with the tour.
    printed = FIRST_STEPS.format(address=server.url, key=world.alice.key)
    assert '"customFields":{"Plan":"Basic"}' in typed(printed)

    assert typed(fields).count('"position"') == 2
    shell["ID"] = typed(f"{create}\nprintf %s $ID")
    assert settled(json.loads(typed(patch))) == settled(shown_patch)
    assert settled(json.loads(typed(mistakes))) == settled(shown_mistakes)
    assert [event["type"] for event in json.loads(typed(history))] == ["contact.updated", "contact.created"]
    assert json.loads(typed(upsert))["id"] == shell["ID"]
    assert [result["status"] for result in json.loads(typed(batch))["results"]] == [201, 200, 400]
