"""Makes docs/images: a terminal session whose every line of output is real, the explorer, the dashboard.

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

from playwright.sync_api import sync_playwright
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
                    "SET_UP": first["setUp"],
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
    chromium = next(
        filter(
            None,
            map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")),
        )
    )
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


PEOPLE = """
Amara Okafor|+234 803 123 4567|Website|120|vip;gold
Lukas Schneider|+49 30 901820|Fair|950|customer
Mei Tanaka|+81 3 3224 5000|Referral|400|customer;gold
Sofía Hernández|+52 55 5093 4900|Website||lead
Noah Williams|+1 212 555 0142|Campaign|75|lead
Léa Moreau|+33 1 42 76 40 40|Fair|610|vip
Priya Raman|+91 22 2493 5500|Referral|230|customer
محمد الفاسي|+212 522 22 41 04|Website|310|customer
Ingrid Solberg|+47 22 23 48 00|Campaign|80|lead;webinar
Jack O'Neill|+61 2 9265 9333|Website|1450|vip;gold
Chloé Tremblay|+1 514 872 0311|Webinar||lead;webinar
Mateus Almeida|+55 11 3113 9000|Referral|520|customer
Hana Kim|+82 2 120 4000|Website|660|customer;gold
Tom Fraser|+44 20 7946 0018|Fair|45|lead
"""


def people(env: dict[str, str]) -> None:
    """Contacts from around the world."""
    operations: list[dict[str, object]] = []
    for line in PEOPLE.strip().splitlines():
        name, phone, source, revenue, tags = line.split("|")
        first, _, last = name.partition(" ")
        fields = {"Lead Source": source, **({"MRR": revenue} if revenue else {})}
        ascii_name = f"{first}.{last}".casefold() if name.isascii() else f"contact{len(operations)}"
        data = {"firstName": first, "lastName": last, "phone": phone, "customFields": fields}
        data["email"] = f"{ascii_name}@example.com"
        operations.append({"op": "create", "data": {**data, "tags": tags.split(";")}})
    env["BODY"] = json.dumps({"operations": operations})
    answer = json.loads(run('curl -sf $URL/contacts/batch -H "$KEY" -H "$JSON" -d "$BODY"', env))
    assert all(result["status"] == 201 for result in answer["results"]), answer  # noqa: S101


def dashboard(env: dict[str, str]) -> None:
    """The contacts in the browser, light and dark, as the owner sees them who has just followed the link."""
    chromium = next(
        filter(
            None,
            map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")),
        )
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 620})
        page.goto(env["SET_UP"])
        page.fill("[name=name]", "Olive Owner")
        page.fill("[name=email]", "olive@example.com")
        page.fill("[name=password]", "correct horse battery staple")
        page.keyboard.press("Enter")
        page.wait_for_url("**/overview")
        page.click("nav.places >> text=Contacts")
        page.wait_for_selector("tr[data-id]")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(300)
            page.screenshot(path=IMAGES / f"dashboard-{scheme}.png")
        browser.close()


if __name__ == "__main__":
    IMAGES.mkdir(parents=True, exist_ok=True)
    with running_server() as env:
        run(SETUP, env)
        env["ID"] = json.loads(run(CREATE, env))["id"]
        terminal(env)
        explorer(env)
        people(env)
        dashboard(env)
