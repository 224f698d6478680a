"""What the API's description says is what the API does: schemathesis makes up requests, right and wrong.

CONTACTORY_TEST_EXAMPLES is how many requests it makes up for an operation, beside those at every limit.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import PROJECT, Server
from tests.world import World

EXAMPLES = os.environ.get("CONTACTORY_TEST_EXAMPLES", "5")
# A usual run makes up the same requests every time; one that looks for more makes up others.
BRIEF = "CONTACTORY_TEST_EXAMPLES" not in os.environ
SAME = ["--generation-deterministic"] if BRIEF else []
PROGRAM = Path(sys.executable).with_name("schemathesis")
EACH = "--phases=examples,coverage,fuzzing"
GROUPS = {
    "reading contacts": ["--include-operation-id-regex=^(get|list|lookup)Contact", EACH],
    "making contacts": ["--include-operation-id-regex=^(create|batch)Contact", EACH],
    "changing contacts": ["--include-operation-id-regex=^(upsert|update)Contact", EACH],
    "contacts by their id": ["--include-operation-id-regex=^(delete|restore|set|remove)Contact", EACH],
    "contacts in turn": ["--include-tag=Contacts", "--phases=stateful"],
    "tags": ["--include-tag=Tags"],
    "custom fields": ["--include-tag=Custom fields"],
    "send windows": ["--include-tag=Send windows"],
    "availability": ["--include-operation-id-regex=Availabilit", EACH],
    "workspaces": ["--include-tag=Workspaces"],
    "time zones": ["--include-tag=Timezones", EACH],
    # The key that asks would be the first to be revoked, and every request after that be refused.
    "API keys": ["--include-tag=Api keys", "--exclude-operation-id=revokeApiKey"],
    "revoking": ["--include-operation-id=revokeApiKey", EACH],
    "server": ["--include-tag=Server", EACH],
}


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("group", GROUPS)
def test_the_description_is_exact(world: World, server: Server, group: str) -> None:
    for kind, name in {"text": "Lead Source", "number": "MRR", "date": "Born", "boolean": "Vip"}.items():
        world.field(name, kind)
    key = world.caller(None, "admin").key if group == "workspaces" else world.alice.key
    common = ["--header", f"Authorization: Bearer {key}", "--checks=all", f"--max-examples={EXAMPLES}"]
    # How long a request takes to make up says how busy the machine is, and nothing about the API.
    common.append("--suppress-health-check=too_slow")
    run = subprocess.run(
        [PROGRAM, "--no-color", "run", f"{server.url}/openapi.json", *common, *SAME, *GROUPS[group]],
        cwd=PROJECT,  # where its settings are
        env={**os.environ, **({"CONTACTORY_TEST_BRIEF": "1"} if BRIEF else {})},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout[-20_000:] + run.stderr
