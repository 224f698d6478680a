"""How a page is asked for: cookies, session, forms, and who may see what.

What keeps other sites from acting in a person's name: the cookie is not sent along with their requests
(SameSite), each unsafe request must come from our own pages (Sec-Fetch-Site, else Origin) and carry a secret
that only they know. Before anybody is signed in, the secret is a cookie's value; after that the session's.
"""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from contactory.access.sessions import find_session, new_secret
from contactory.access.user import User
from contactory.access.users import list_workspaces_of
from contactory.catalog.catalog import Catalog
from contactory.dashboard.csrf import carries, masked
from contactory.dashboard.html import cookies, html, pack_page, problem_page, text_of, theme
from contactory.rules.actor import NOBODY, Actor
from contactory.rules.errors import (
    Forbidden,
    NotFound,
    Problem,
    SignedOut,
    UnsupportedMediaType,
    ValidationProblem,
)
from contactory.web.messages import NO_STORE, Request, Response
from contactory.web.operations import Call, Operation
from contactory.web.packing import read_body, takes_gzip
from contactory.web.queries import check_query, parse_query

if TYPE_CHECKING:
    from contactory.services import Services

SESSION_COOKIE = "__Host-contactory"
FORM_COOKIE = "__Host-contactory-form"
_ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Lax"
_SCRIPTED = "hx-request"  # The header that htmx, and our own scripts, send along.
# A form that needs no session: a few fields, and a password of whatever length.
_LONGEST_OPEN, _MOST_OPEN_FIELDS = 128 * 1024, 32
_MOST_FIELDS = 25_000  # So many contacts can be selected for an export.
_QUICK = 64 * 1024
NO_COOKIE = (
    "Your browser sent no cookie back. It keeps them for https addresses and for http://localhost only: "
    "open this page at one of these, and allow cookies for it."
)
STRANGER = "This form was opened before you signed in or out: open the page again and repeat what you did."
ELSEWHERE = "The request came from another site, so nothing was done."


class Visit(msgspec.Struct):
    """One look at a page by one person."""

    csrf: str
    """What the page's forms have to carry."""
    session: str | None = None
    """The session's secret, where one was sent."""
    user: User | None = None
    form: dict[str, list[str]] = {}
    """What was typed into the form, without what only guards it."""
    cookies: list[str] = []
    """To be set with the answer."""

    @property
    def person(self) -> User:
        """Who is signed in, on a page that asks for that."""
        if self.user is None:
            raise SignedOut
        return self.user

    def value(self, name: str) -> str:
        """The last value that the form gives under a name; empty where it gives none."""
        return self.form.get(name, [""])[-1]

    @property
    def texts(self) -> dict[str, str]:
        """The last value of each name in the form."""
        return {name: values[-1] for name, values in self.form.items()}

    def sign_in(self, secret: str) -> None:
        """The answer carries a new session."""
        self.cookies.append(f"{SESSION_COOKIE}={secret}; {_ATTRIBUTES}")

    def sign_out(self) -> None:
        """The answer ends the session in the browser."""
        self.cookies.append(f"{SESSION_COOKIE}=; Max-Age=0; {_ATTRIBUTES}")


def page_path(call: Call, path: str) -> str:
    """The path of a page of the workspace; `path` is what stands below it."""
    return f"/w/{call.workspace_id}/{path}"


def done_of(call: Call, sentences: Mapping[str, str]) -> str:
    """What the request before this one has done, in words; empty for nothing."""
    return sentences.get(call.query.get("done", ""), "")


def wants_page(request: Request) -> bool:
    """Whether a person's browser asks for a page, and no script for a part of one."""
    return not request.header(_SCRIPTED)


async def enter(app: "Services", operation: Operation, request: Request, path: dict[str, str]) -> Call:
    """The call of a page, checked. Raises the Problem that stands in its way, as SignedOut.

    A form is read last: what is refused without it costs no more than its head.
    """
    if operation.writes and not _from_here(request):
        raise Forbidden(ELSEWHERE)
    call = Call(operation, request, app, NOBODY)
    call.path = path
    # A link from another site may carry parameters that mean nothing here, as utm_source.
    call.query = check_query(request.query_string, operation.query, lenient=True)
    call.visit = await _visit(app, request)
    if operation.writes and call.visit.cookies:
        raise Forbidden(NO_COOKIE)
    if operation.permission:
        call.actor = await _actor(call, operation.permission)
    if operation.writes:
        await _read_form(call)
    return call


async def _visit(app: "Services", request: Request) -> Visit:
    sent = cookies(request)
    secret = sent.get(SESSION_COOKIE)
    if secret:
        async with app.db.connection() as conn:
            session = await find_session(conn, secret)
        if session:
            request.user_id = session.user.id
            return Visit(session.csrf, secret, session.user)
    known = sent.get(FORM_COOKIE)
    if known:
        return Visit(known, secret)
    fresh = new_secret()
    return Visit(fresh, secret, cookies=[f"{FORM_COOKIE}={fresh}; {_ATTRIBUTES}"])


async def _read_form(call: Call) -> None:
    """Reads the form. Raises Forbidden where it does not carry the secret of our pages."""
    request, visit, settings = call.request, call.visit, call.app.settings
    signed_in = call.operation.permission is not None
    most = settings.max_body_bytes if signed_in else min(_LONGEST_OPEN, settings.max_body_bytes)
    body = await read_body(request, most, settings.body_timeout)
    kind = (request.header("content-type") or "").partition(";")[0].strip().lower()
    if body and kind != "application/x-www-form-urlencoded":
        raise UnsupportedMediaType("Send the form as application/x-www-form-urlencoded.")
    visit.form = await _parsed(body, _MOST_FIELDS if signed_in else _MOST_OPEN_FIELDS)
    carried = request.header("x-csrf-token") or visit.value("csrf")
    visit.form.pop("csrf", None)
    if not carries(carried, visit.csrf):
        raise Forbidden(STRANGER)


async def _parsed(body: bytes, most: int) -> dict[str, list[str]]:
    """The fields of a form. Raises ValidationProblem where there are more than `most`, or it is none."""
    if body.count(b"&") >= most:
        raise ValidationProblem(f"The form has more than {most:,} fields: send less at once.")
    try:
        text = body.decode("ascii")
    except UnicodeDecodeError:
        raise ValidationProblem("The form is not URL-encoded.") from None
    # Up to 0.1 s of work, which others need not wait for.
    quick = len(text) < _QUICK
    return parse_query(text, most) if quick else await asyncio.to_thread(parse_query, text, most)


def _from_here(request: Request) -> bool:
    """Whether the browser says that one of our own pages sends the request."""
    site = request.header("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.header("origin")
    return origin is not None and urlsplit(origin).netloc == request.header("host")


async def _actor(call: Call, permission: str) -> Actor:
    """Who acts, in the workspace of the path and in no other. Raises NotFound for what they may not see."""
    user = call.visit.person
    workspace_id, mode = None, "live"
    if "workspaceId" in call.path:
        catalog = await _entered(call, user)
        workspace_id, mode = catalog.workspace_id, catalog.mode
    actor = Actor(user.id, user.account_id, workspace_id, mode, user.permission, "user", "dashboard")
    if not actor.may(permission):
        raise Forbidden(f"Your role, {user.role}, does not allow this. An admin can change it.")
    return actor


async def _entered(call: Call, user: User) -> Catalog:
    workspace_id = call.path_id("workspaceId")
    catalog = await call.app.catalogs.get(workspace_id) if user.may_enter(workspace_id) else None
    if catalog is None or catalog.account_id != user.account_id:
        raise NotFound
    call.request.workspace_id = workspace_id
    return catalog


def leave(call: Call, response: Response) -> Response:
    """The answer, with the cookies that are to be set, kept nowhere, and packed where that may be."""
    if all(name != "cache-control" for name, _ in response.headers):
        response.headers.append(NO_STORE)
    response.headers += [("set-cookie", cookie) for cookie in call.visit.cookies]
    site = call.request.header("sec-fetch-site")
    # What another site makes the browser ask for goes as it is: its length says nothing of what is in it.
    if site in ("same-origin", "none") and takes_gzip(call.request.header("accept-encoding")):
        pack_page(response)
    return response


def show_problem(request: Request, problem: Problem) -> Response | None:
    """The problem as a page; None for a script, which takes JSON."""
    return problem_page(request, problem) if wants_page(request) else None


async def page(call: Call, template: str, status: int = 200, **values: object) -> Response:
    """A whole page: `values`, and what every page needs (templates/base.html)."""
    visit, workspaces = call.visit, []
    if visit.user is not None:
        async with call.connection() as conn:
            workspaces = await list_workspaces_of(conn, visit.user)
    text = text_of(
        template,
        csrf=masked(visit.csrf),
        user=visit.user,
        actor=call.actor,
        workspaces=workspaces,
        workspace_id=call.actor.workspace_id,
        theme=theme(call.request),
        path=call.request.path,
        **values,
    )
    return html(status, text)


async def page_or_part(call: Call, whole: str, piece: str, status: int = 200, **values: object) -> Response:
    """The page `whole` for a person, for a script only the `piece` of it; both know `whole`, which it is."""
    if wants_page(call.request):
        return await page(call, whole, status, whole=True, **values)
    return part(call, piece, status, whole=False, **values)


def part(call: Call, template: str, status: int = 200, **values: object) -> Response:
    """A part of a page, for a script to put in its place."""
    return html(status, text_of(template, csrf=masked(call.visit.csrf), actor=call.actor, **values))
