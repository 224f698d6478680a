"""What can be closed by a setting is, where it is, as if it had never been there."""

from collections.abc import Callable, Generator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from tests.conftest import client_of
from tests.process.test_logs import at
from tests.servers import running
from tests.world import World

NOWHERE = "/nowhere"


@pytest.fixture(scope="module")
def server_with(
    database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Callable[..., httpx.Client]]:
    with ExitStack() as stack:
        known: dict[tuple[tuple[str, object], ...], httpx.Client] = {}

        def start(**settings: Any) -> httpx.Client:
            which = tuple(settings.items())
            if which not in known:
                log = tmp_path_factory.mktemp("closed") / "server.log"
                server = stack.enter_context(running(log, database_url=database_url, **settings))
                known[which] = stack.enter_context(client_of(server))
            return known[which]

        yield start


def shape(answer: httpx.Response) -> tuple[int, Any]:
    """An answer without what differs each time."""
    if answer.content and answer.headers["content-type"] == "application/problem+json":
        return answer.status_code, {**answer.json(), "requestId": "", "instance": ""}
    return answer.status_code, answer.content


@pytest.mark.parametrize(
    ("setting", "value", "paths"),
    [
        ("metrics", "off", ["/metrics"]),
        ("docs", "off", ["/docs", "/openapi.json"]),
        ("docs", "False", ["/docs", "/openapi.json"]),
    ],
)
def test_what_is_closed_answers_as_an_unknown_path_does(
    setting: str, value: str, paths: list[str], server_with: Callable[..., httpx.Client]
) -> None:
    http = server_with(**{setting: value})
    for path in paths:
        for method in ("GET", "HEAD", "POST", "OPTIONS"):
            assert shape(http.request(method, path)) == shape(http.request(method, NOWHERE)), (method, path)
        assert http.get(path).status_code == 404
    others = {"/metrics", "/docs", "/openapi.json", "/health/ready", "/errors", "/sign-in"} - set(paths)
    assert {http.get(path).status_code for path in others} == {200}


def test_the_description_names_nothing_that_is_closed(
    world: World, server_with: Callable[..., httpx.Client]
) -> None:
    http = server_with(metrics="off")
    assert "/metrics" not in http.get("/openapi.json").json()["paths"]
    own = http.get("/openapi.json", headers={"authorization": f"Bearer {world.alice.key}"}).json()
    assert "/metrics" not in own["paths"]
    assert "/health/live" in own["paths"]


def test_no_page_leads_to_an_explorer_that_is_closed(
    world: World, server_with: Callable[..., httpx.Client]
) -> None:
    http = server_with(docs="off")
    olive = at(world.person(), http)
    pages = [
        http.get("/sign-in"),
        http.get("/errors"),
        http.get("/errors/conflict"),
        http.get(NOWHERE),
        olive.get(f"/w/{world.alice.workspace_id}/settings/api-keys"),
        olive.get(f"/w/{world.alice.workspace_id}/nowhere"),
    ]
    for page in pages:
        assert "/docs" not in page.text
    assert http.get("/static/docs.html").status_code == 404
    assert http.get("/static/docs.js").status_code == 404
    assert http.get("/static/pages.css").status_code == 200
