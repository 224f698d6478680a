"""Public paths: health, metrics, the API's description, and the pages that explain it."""

import asyncio
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from contactory.base.caches import LeastRecentlyUsed
from contactory.base.settings import Settings
from contactory.base.shared_metrics import SharedMetrics
from contactory.catalog.calls import catalogs_of
from contactory.catalog.catalog import Catalog
from contactory.dashboard.html import OPEN
from contactory.dashboard.static_files import PAGE_HEADERS, send, static_file
from contactory.public.exposition import exposition
from contactory.public.health import Health, live, ready
from contactory.public.openapi import describe, with_fields
from contactory.rules.checks import Object
from contactory.rules.errors import PROBLEMS, NotFound, Problem, Unauthorized
from contactory.web.messages import Response, encode_json
from contactory.web.operations import Call, Handler, Operation

_KEPT = 32
_HTML = ("content-type", "text/html; charset=utf-8")


async def metrics(call: Call) -> Response:
    """Prometheus metrics, of every process of this server."""
    shared = call.app.part(SharedMetrics)
    # In a thread, because adding up the counters of all processes takes some milliseconds.
    text = await asyncio.to_thread(exposition, shared, shared.snapshot())
    return Response(200, text, [("content-type", CONTENT_TYPE_PLAIN_0_0_4)])


async def docs(call: Call) -> Response:
    """The explorer of the API."""
    return await send(call, "docs.html")


def description_of(operations: Sequence[Operation]) -> Handler:
    """The handler that returns the description of these operations, generated once per process.

    For a workspace-scoped key it has the exact custom fields of the workspace.
    """

    @cache
    def described(settings: Settings) -> Object:
        return describe(opened(operations, settings))

    @cache
    def encoded(settings: Settings) -> bytes:
        return encode_json(described(settings))

    kept: LeastRecentlyUsed[tuple[str, int], bytes] = LeastRecentlyUsed(_KEPT)

    async def openapi(call: Call) -> Response:
        """This description. With a workspace's API key, `customFields` has the fields of that workspace."""
        settings = call.app.settings
        body = await asyncio.to_thread(encoded, settings)
        catalog = await _catalog(call)
        if catalog is not None:
            which = (catalog.workspace_id, catalog.version)
            fields = list(catalog.fields.values())
            body = kept.get(which) or encode_json(with_fields(described(settings), fields))
            kept.put(which, body)
        headers = [
            ("content-type", "application/json"),
            ("cache-control", "no-cache"),
            ("vary", "authorization"),
        ]
        return Response(200, body, headers)

    return openapi


async def _catalog(call: Call) -> Catalog | None:
    """The description for the workspace of the sent key; None without a valid key."""
    sent = call.request.header("authorization")
    if sent is None:
        return None
    try:
        actor = await call.app.keys.authenticate(sent)
    except Unauthorized:
        return None
    return await catalogs_of(call).load(actor.workspace_id) if actor.workspace_id else None


@cache
def _template(name: str) -> Any:
    from jinja2 import Environment, PackageLoader

    template = Environment(loader=PackageLoader("contactory.dashboard"), autoescape=True).get_template(name)
    template.globals["open"] = OPEN
    return template


@cache
def explanations() -> dict[str, dict[str, str]]:
    """The meaning of each type of problem and what to do about it, by its name."""
    return tomllib.loads(files("contactory.public").joinpath("errors.toml").read_text("utf-8"))


def _page(name: str, **values: object) -> Response:
    return Response(200, _template(name).render(**values).encode(), [_HTML, *PAGE_HEADERS])


async def error_list(call: Call) -> Response:
    """Every type of problem."""
    return _page("errors.html", problems=PROBLEMS, explanations=explanations())


async def error_page(call: Call) -> Response:
    """The meaning of a type of problem, and what to do."""
    found: type[Problem] | None = next((p for p in PROBLEMS if p.name == call.path["name"]), None)
    if found is None:
        raise NotFound("This type of problem does not exist: /errors lists all types.")
    return _page("error.html", problem=found, explanation=explanations()[found.name])


def _get(name: str, path: str, summary: str, handler: Handler, **more: Any) -> Operation:
    return Operation(id=name, method="GET", path=path, summary=summary, handler=handler, **more)


def opened(operations: Sequence[Operation], settings: Settings) -> list[Operation]:
    """The operations without those that the settings close, whose paths then do not exist."""
    closed = {
        *(() if settings.metrics else ("metrics",)),
        *(() if settings.docs else ("docs", "openapi")),
    }
    return [operation for operation in operations if operation.id not in closed]


def page_operations(operations: Sequence[Operation]) -> list[Operation]:
    """The public operations, whose description also includes `operations`."""
    shown = [
        *operations,
        _get("live", "/health/live", "Whether the process is alive", live, answers={200: Health}),
        _get("ready", "/health/ready", "Whether it can serve", ready, answers={200: Health}, problems=(503,)),
        _get("metrics", "/metrics", "Prometheus metrics", metrics, answers={200: str}),
    ]
    described = description_of(shown)
    answers = {200: dict[str, Any]}
    shown.append(
        _get("openapi", "/openapi.json", "This description", described, answers=answers, problems=(503,))
    )
    return [
        *shown[len(operations) :],
        _get("docs", "/docs", "The explorer", docs),
        _get("static", "/static/{name}", "A file of a page", static_file),
        _get("errors", "/errors", "Every type of problem", error_list),
        _get("error", "/errors/{name}", "A type of problem", error_page),
    ]
