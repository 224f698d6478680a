"""Makes docs/images: a terminal session whose every line of output is real, and the explorer.

    .venv/bin/python tools/pictures.py

Needs curl, jq and Chromium, and starts a server of its own on a free port, with data of its own.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.text import Text

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
WIDTH = 96
JQ_COLOURS = "0;90:0;39:0;39:0;39:0;32:1;39:1;39:34;1"
SETUP = """
curl -sf $URL/custom-fields -H "$KEY" -H "$JSON" -d '{"name": "Lead Source", "type": "text"}'
curl -sf $URL/custom-fields -H "$KEY" -H "$JSON" -d '{"name": "MRR", "type": "number"}'
"""
CREATE = """
curl -sf $URL/contacts -H "$KEY" -H "$JSON" \\
  -d '{"firstName": "Jane", "lastName": "Doe", "phone": "+1 (415) 555-1234"}'
"""
SESSION = [
    """\
curl -s -X PATCH $URL/contacts/$ID -H "$KEY" -H "$JSON" -d '{
    "email": "jane@example.com", "tags": ["vip", "gold"],
    "customFields": {"Lead Source": "Website", "MRR": 500}}' \\
    | jq -c '.timezone, .tags, .customFields'""",
    """\
curl -s -X PATCH $URL/contacts/$ID -H "$KEY" -H "$JSON" -d '{
    "timezone": "America/New_Yrok", "customFields": {"Lead Sorce": "Fair"}}' \\
    | jq -c '.detail, (.errors[] | {pointer, suggestion})'""",
    """\
curl -s $URL/contacts/$ID/history -H "$KEY" | jq -c '.[0] | .actor.name, .changes[]'""",
]


@contextmanager
def running_server() -> Generator[dict[str, str]]:
    """The environment of a shell that talks to a new server."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {**os.environ, "CONTACTORY_DATA_DIR": f"{folder}/data"}
        Path(folder).chmod(0o711)  # As root, PostgreSQL runs as another user, who has to get through.
        command = [sys.executable, "-m", "contactory", "serve", "--port", "0", "--json"]
        with subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, text=True) as server:
            try:
                first = json.loads(server.stdout.readline() if server.stdout else "")
                yield {
                    **os.environ,
                    "URL": first["address"] + "/v1",
                    "KEY": f"Authorization: Bearer {first['key']}",
                    "JSON": "Content-Type: application/json",
                    "JQ_COLORS": JQ_COLOURS,
                }
            finally:
                server.terminate()


def run(command: str, env: dict[str, str]) -> str:
    """What a shell writes for `command`."""
    done = subprocess.run(["sh", "-c", command], check=True, env=env, capture_output=True, text=True)
    return done.stdout


def terminal(env: dict[str, str]) -> None:
    """The session as an SVG that loads nothing from elsewhere."""
    console = Console(record=True, width=WIDTH, force_terminal=True, file=open(os.devnull, "w"))  # noqa: PTH123, SIM115
    for command in SESSION:
        console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
        console.print(Text.from_ansi(run(command.replace("| jq", "| jq -C"), env)))
    svg = console.export_svg(title="Contactory")
    svg = re.sub(r"@font-face\s*{.*?}\s*", "", svg, flags=re.DOTALL)
    svg = svg.replace("Fira Code, monospace", "ui-monospace, Menlo, Consolas, monospace")
    svg = svg.replace("<!-- Generated with Rich https://www.textualize.io -->\n", "")
    (IMAGES / "terminal.svg").write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n")


def explorer(env: dict[str, str]) -> None:
    """The explorer."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [
                chromium,
                "--headless",
                "--no-sandbox",
                "--hide-scrollbars",
                "--window-size=1200,900",
                "--virtual-time-budget=8000",
                f"--user-data-dir={folder}",
                f"--screenshot={IMAGES / 'explorer.png'}",
                env["URL"].removesuffix("/v1") + "/docs",
            ],
            check=True,
            capture_output=True,
        )


if __name__ == "__main__":
    IMAGES.mkdir(parents=True, exist_ok=True)
    with running_server() as env:
        run(SETUP, env)
        env["ID"] = json.loads(run(CREATE, env))["id"]
        terminal(env)
        explorer(env)
