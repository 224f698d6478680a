"""Pages and parts of pages, from the templates in the folders of the domain."""

from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import quote

from contactory.dashboard.inputs import of_lines
from contactory.dashboard.static_files import PAGE_POLICY
from contactory.dashboard.words import means, who
from contactory.rules.errors import FieldError, MethodNotAllowed, NoSuchPath, NotFound, Problem, SignedOut
from contactory.web.messages import NO_STORE, Request, Response
from contactory.web.packing import WORTH_PACKING, pack_at_once

THINGS = ("contacts", "fields", "keys", "overview", "people", "send_windows", "tags", "workspaces")
"""Packages with a folder `templates/`: "contacts/list.html" is contactory/contacts/templates/list.html."""
THEME_COOKIE = "contactory-theme"
THEMES = ("auto", "light", "dark")
HEADERS = [
    ("content-type", "text/html; charset=utf-8"),
    PAGE_POLICY,
    # With `no-referrer`, browsers would send "null" as the Origin of a form, as other sites can.
    ("referrer-policy", "same-origin"),
    ("x-frame-options", "DENY"),
    NO_STORE,
    ("vary", "cookie, hx-request, accept-encoding, sec-fetch-site"),
]


class Place(NamedTuple):
    """A page in the navigation of a workspace."""

    title: str
    path: str
    """Below /w/{workspaceId}."""
    permission: str = "read"


NAVIGATION = (Place("Overview", "overview"), Place("Contacts", "contacts"), Place("Settings", "settings"))
SETTINGS: tuple[Place, ...] = (
    Place("Workspace", "settings/workspace"),
    Place("Custom fields", "settings/custom-fields"),
    Place("Tags", "settings/tags"),
    Place("Send windows", "settings/send-windows"),
    Place("Jobs", "settings/jobs"),
    Place("API keys", "settings/api-keys", "admin"),
    Place("People", "settings/people", "admin"),
    Place("Your account", "settings/account"),
)
"""The pages that templates/settings.html lists."""


OPEN = {"docs"}
"""The open ones of the pages that can be closed: other pages link only to these."""


@cache
def _environment() -> Any:
    from jinja2 import ChoiceLoader, Environment, PackageLoader, PrefixLoader, StrictUndefined

    things = PrefixLoader({thing: PackageLoader(f"contactory.{thing}") for thing in THINGS})
    loader = ChoiceLoader([things, PackageLoader("contactory.dashboard")])
    made: Any = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.globals["navigation"] = NAVIGATION
    made.globals["settings"] = SETTINGS
    made.tests["of_lines"] = of_lines
    made.globals["open"] = OPEN
    made.filters["moment"] = _moment
    made.filters["next_day"] = _next_day
    made.filters["sentence"] = _sentence
    made.filters["who"] = who
    made.filters["means"] = means
    return made


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _next_day(day: date) -> date:
    return day + timedelta(days=1)


def _sentence(text: str) -> str:
    """An error with a full stop at the end; some have one already."""
    return text if text.endswith((".", "?")) else f"{text}."


def text_of(template: str, **values: object) -> str:
    """The text of a template with these values."""
    return _environment().get_template(template).render(**values)


def html(status: int, text: str, headers: list[tuple[str, str]] | None = None) -> Response:
    """A page, or a part of one, as an answer."""
    return Response(status, text.encode(), [*HEADERS, *(headers or [])])


def pack_page(response: Response) -> None:
    """Compresses a page, or a part of one, if it is large enough."""
    if len(response.body) > WORTH_PACKING and HEADERS[0] in response.headers:
        pack_at_once(response)


def see_other(path: str, headers: list[tuple[str, str]] | None = None) -> Response:
    """A redirect that the browser follows with GET (RFC 9110, section 15.4.4)."""
    return Response(303, b"", [("location", path), NO_STORE, *(headers or [])])


def cookies(request: Request) -> dict[str, str]:
    """The cookies in the request."""
    pairs = (part.strip().partition("=") for part in (request.header("cookie") or "").split(";"))
    return {name: value for name, _, value in pairs if name}


def theme(request: Request) -> str:
    """The theme that the user has chosen, one of THEMES."""
    chosen = cookies(request).get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else "auto"


_NO_PAGE = "This page does not exist, or you do not have access to it."
_NO_VIEW = "This address only receives forms: there is nothing to show. Go back, or go to the dashboard."


def _words_of(problem: Problem) -> str:
    """The text of a problem's page: some problems have a text for programs."""
    if isinstance(problem, MethodNotAllowed):
        return _NO_VIEW
    plain = type(problem) is NotFound and problem.detail == NotFound.default
    return _NO_PAGE if plain or isinstance(problem, NoSuchPath) else problem.detail


def problem_page(request: Request, problem: Problem) -> Response:
    """The page for a problem; users without a session are redirected to the sign-in."""
    if isinstance(problem, SignedOut):
        asked = request.method in ("GET", "HEAD")
        path = quote(request.path) + (f"?{request.query_string}" if request.query_string else "")
        return see_other(f"/sign-in?next={quote(path, safe='')}" if asked else "/sign-in")
    page = text_of(
        "problem.html",
        problem=problem,
        detail=_words_of(problem),
        request_id=request.request_id,
        theme=theme(request),
    )
    return html(problem.status, page, problem.header_lines)


def errors_by_field(problem: Problem | None) -> dict[str, str]:
    """The errors of a form by the name of the field; under "" the errors of the whole form.

    Without a problem there are none.
    """
    if problem is None:
        return {}
    found = {(error.pointer or "").removeprefix("/"): at_input(error) for error in problem.errors}
    return found or {"": problem.detail}


def status_of(problem: Problem | None) -> int:
    """The status of a page that shows a form: that of the problem with what was typed, if there is one."""
    return problem.status if problem else 200


def sentence_of(error: FieldError) -> str:
    """An error with its suggestion, to be shown at its place."""
    return _with_suggestion(error.detail, error)


def at_input(error: FieldError) -> str:
    """The words of an error at its input, without the name of the field, which is there already."""
    name = (error.pointer or "").rpartition("/")[2].replace("~1", "/").replace("~0", "~")
    quoted = f'"{name}" '
    named = error.detail.startswith(quoted)
    return _with_suggestion(f"This {error.detail.removeprefix(quoted)}" if named else error.detail, error)


def _with_suggestion(words: str, error: FieldError) -> str:
    return f"{_sentence(words)} Did you mean {error.suggestion}?" if error.suggestion else _sentence(words)
