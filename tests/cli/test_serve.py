"""`contactory serve`, with the embedded PostgreSQL."""

import json
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Generator
from pathlib import Path

import httpx
import pytest

from contactory.embedded.server import running_url
from tests.cli.conftest import CommandLine
from tests.servers import free_port, sql_at
from tests.world import World, an_email

PATIENCE = 30.0


@pytest.fixture
def place() -> Generator[Path]:
    """A folder that the system user of PostgreSQL reaches, too."""
    folder = Path(tempfile.mkdtemp(prefix="contactory-cli-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def embedded(place: Path) -> CommandLine:
    return CommandLine(place, data_dir=place / "data", port=free_port())


def read_until(process: "subprocess.Popen[str]", mark: str) -> str:
    """What a process prints up to the line that has `mark`."""
    assert process.stdout
    said = ""
    for line in process.stdout:
        said += line
        if mark in line:
            return said
    raise AssertionError(f"it ended, and said {said}{process.stderr.read() if process.stderr else ''}")


def interrupt(process: "subprocess.Popen[str]", signum: signal.Signals = signal.SIGINT) -> str:
    """Stops a process, and gives its last words on standard error."""
    process.send_signal(signum)
    complaint = process.communicate(timeout=PATIENCE)[1]
    assert process.returncode == 0, complaint
    assert "Traceback" not in complaint
    return complaint


def test_the_memory_of_the_embedded_database_is_a_setting(place: Path) -> None:
    settings = {"data_dir": place / "data", "port": free_port(), "database_memory": 48}
    server = CommandLine(place, **settings).start("serve")
    try:
        read_until(server, "-X PATCH")
        url = running_url(place / "data")
        assert url
        with sql_at(url) as sql:
            assert sql.value("show shared_buffers") == "48MB"
    finally:
        interrupt(server)


def test_a_first_start_prints_a_key_and_commands_that_work_as_they_are(embedded: CommandLine) -> None:
    server = embedded.start("serve")
    try:
        said = read_until(server, "-X PATCH") + read_until(server, "vip")
        shell = said[said.index("URL=") :]
        done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True)
        contact = json.loads(done.stdout[done.stdout.rindex('{"id"') :])
        assert (contact["firstName"], contact["tags"]) == ("Ada", ["vip"])
        assert contact["customFields"] == {"Plan": "Basic"}

        # Other commands reach the same database meanwhile.
        account = embedded.gives("account", "create", "Acme")
        address = re.search(r"address: (\S+)", said)
        assert address
        headers = {"authorization": f"Bearer {account['key']}"}
        assert httpx.get(f"{address[1]}/v1/workspaces", headers=headers).json() == []
        second = embedded.start("serve", "--port", str(free_port()))
        assert "is already running" in second.communicate(timeout=PATIENCE)[1]
        assert second.returncode == 1
    finally:
        interrupt(server)

    assert len(embedded.gives("account", "list")) == 2
    again = embedded.start("serve", "--json")
    try:
        assert json.loads(read_until(again, "address")).keys() == {"address"}
    finally:
        interrupt(again, signal.SIGTERM)


def test_links_lead_to_the_server_that_runs_whatever_port_it_has(embedded: CommandLine) -> None:
    server = embedded.start("serve", "--port", "0", "--json")
    try:
        first = json.loads(read_until(server, "address"))
        address = first["address"]
        assert not address.endswith(f":{embedded.environment['CONTACTORY_PORT']}")
        assert first["setUp"].startswith(f"{address}/set-up/")
        [account] = embedded.gives("account", "list")
        made = embedded.gives("user", "create", "vi@example.com", "--account", account["id"])
        assert made["link"].startswith(f"{address}/invite/")
        assert httpx.get(made["link"]).status_code == 200
        again = embedded.gives("user", "reset-password", "vi@example.com")
        assert again["link"].startswith(f"{address}/invite/")
        assert f"open: {address}/w/" in embedded.says("demo", "--contacts", "1")
        embedded.environment["CONTACTORY_PUBLIC_URL"] = "https://contacts.example.com"
        again = embedded.gives("user", "reset-password", "vi@example.com")
        assert again["link"].startswith("https://contacts.example.com/invite/")
        del embedded.environment["CONTACTORY_PUBLIC_URL"]
    finally:
        interrupt(server)

    # Where none runs, the settings say where one will.
    again = embedded.gives("user", "reset-password", "vi@example.com")
    assert again["link"].startswith(f"http://127.0.0.1:{embedded.environment['CONTACTORY_PORT']}/invite/")


def test_a_first_start_leads_to_the_public_url(embedded: CommandLine) -> None:
    embedded.environment["CONTACTORY_PUBLIC_URL"] = "https://contacts.example.com/"
    server = embedded.start("serve", "--json")
    try:
        first = json.loads(read_until(server, "address"))
        assert first["setUp"].startswith("https://contacts.example.com/set-up/")
        assert httpx.get(f"{first['address']}/health/ready").status_code == 200
        # A command beside it need not be told.
        del embedded.environment["CONTACTORY_PUBLIC_URL"]
        assert "open: https://contacts.example.com/w/" in embedded.says("demo", "--contacts", "1")
    finally:
        interrupt(server)


def test_an_address_for_every_host_is_shown_as_one_that_works(contactory: CommandLine, world: World) -> None:
    for host, shown in (("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("::1", "[::1]")):
        contactory.environment["CONTACTORY_HOST"] = host
        link = contactory.gives("user", "create", an_email(), "--account", world.account_id)["link"]
        assert link.startswith(f"http://{shown}:8000/invite/")


def test_a_port_in_use_is_told_before_anything_is_started(embedded: CommandLine) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said = embedded.fails("serve", "--port", str(taken.getsockname()[1]))
    assert "another program listens there already" in said
    assert not (embedded.folder / "data").exists()


def test_an_address_that_is_not_ours_is_refused(embedded: CommandLine) -> None:
    assert "cannot listen on nosuch.invalid" in embedded.fails("serve", "--host", "nosuch.invalid")
    assert not (embedded.folder / "data").exists()


def test_a_name_for_this_machine_and_any_free_port_will_do(database_url: str, tmp_path: Path) -> None:
    server = CommandLine(tmp_path, database_url=database_url).start(
        "serve", "--host", "localhost", "--port", "0", "--json"
    )
    try:
        address = json.loads(read_until(server, "address"))["address"]
        assert httpx.get(f"{address}/health/ready").status_code == 200
    finally:
        interrupt(server)


def test_a_web_proxy_in_the_environment_does_not_hide_the_address(database_url: str, tmp_path: Path) -> None:
    command = CommandLine(tmp_path, database_url=database_url)
    command.environment |= {"http_proxy": f"http://127.0.0.1:{free_port()}", "no_proxy": ""}
    server = command.start("serve", "--port", "0", "--json")
    try:
        assert "address" in read_until(server, "address")
    finally:
        interrupt(server)


def test_an_interrupt_while_it_starts_leaves_nothing_behind(embedded: CommandLine) -> None:
    server = embedded.start("serve")
    while not (embedded.folder / "data" / "lock").exists():
        assert server.poll() is None
    interrupt(server)
    assert embedded.gives("account", "create", "Acme")
