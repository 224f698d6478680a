"""Requests for pages: cookies, sessions, forms, and permissions.

Three things prevent other sites from acting in a user's name: browsers do not send the cookie with their
requests (SameSite); an unsafe request must come from our own pages (Sec-Fetch-Site, otherwise Origin); and it
must contain a secret that only our pages know. Before sign-in, the secret is the value of a cookie; after
that, it belongs to the session.
"""

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from contactory.access.sessions import find_session, new_secret
from contactory.access.user import User
from contactory.access.users import list_workspaces_of
from contactory.catalog.calls import catalogs_of
from contactory.catalog.catalog import Catalog
from contactory.dashboard.csrf import carries, masked, user_of
from contactory.dashboard.html import cookies, html, pack_page, problem_page, sentence_of, text_of, theme
from contactory.rules.actor import ANONYMOUS, Actor
from contactory.rules.errors import (
    FieldError,
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
from contactory.web.queries import parse_query, read_query
from contactory.web.shared import Shared

SESSION_COOKIE = "__Host-contactory"
FORM_COOKIE = "__Host-contactory-form"
STEP_COOKIE = "contactory-step"
_ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Lax"
_SCRIPTED = "hx-request"  # The header that htmx and our own scripts send.
# A form without a session: a few fields, and a password of any length.
_LONGEST_OPEN, _MOST_OPEN_FIELDS = 128 * 1024, 32
_MOST_FIELDS = 25_000  # That many contacts can be selected for an export.
_QUICK = 64 * 1024
NO_COOKIE = (
    "Your browser did not send the cookie. Browsers store it only for https addresses and http://localhost: "
    "open this page at such an address, and allow cookies for it."
)
STRANGER = "This form was opened before you signed in or out: open the page again and repeat your change."
STALE = "You have signed in again since this form was opened, so nothing was changed: send the form again."
SIGNED_OUT = "You have signed out, or your session is over: sign in again, and repeat your change."
_PASSWORDS = {"password", "current", "again"}
ELSEWHERE = "The request came from another site, so nothing was done."


class StaleForm(Forbidden):
    """403: the form belongs to an earlier session, or does not come from our pages."""

    def __init__(self, visit: "Visit", *, known: bool) -> None:
        """`known`: the user of the form is signed in again."""
        self.token = visit.token
        self.form = visit.form if known and not _PASSWORDS & visit.form.keys() else {}
        """The fields to send again; empty if the user must open the page again."""
        detail = STALE if self.form else SIGNED_OUT if visit.user is None else STRANGER
        super().__init__(errors=[FieldError(code="stale_form", detail=detail)])


class Visit(msgspec.Struct):
    """One request for a page by one user."""

    csrf: str
    """The secret for the forms of the page."""
    session: str | None = None
    """The session's secret, if one was sent."""
    user: User | None = None
    form: dict[str, list[str]] = {}
    """The fields of the form, without its secret."""
    cookies: list[str] = []
    """The cookies to set with the answer."""
    unread: list[FieldError] = []
    """What is wrong with the address of the page; these parameters are left out."""

    @property
    def token(self) -> str:
        """The secret as it is written into a page."""
        return masked(self.csrf, self.user.id if self.user else "")

    @property
    def person(self) -> User:
        """The signed-in user, on a page that requires one."""
        if self.user is None:
            raise SignedOut
        return self.user

    def value(self, name: str) -> str:
        """The last value of a name in the form; empty if there is none."""
        return self.form.get(name, [""])[-1]

    @property
    def texts(self) -> dict[str, str]:
        """The last value of each name in the form."""
        return {name: values[-1] for name, values in self.form.items()}

    def note_step(self, kind: str, contact_id: str, version: int, undone: int = 0) -> None:
        """Lets the scripts of the next page undo this change; `undone` is the version that it has undone."""
        step = f"{kind}.{contact_id}.{version}.{undone}"
        self.cookies.append(f"{STEP_COOKIE}={step}; Path=/; Max-Age=60; SameSite=Lax")

    def sign_in(self, secret: str) -> None:
        """Starts a new session with the answer."""
        self.cookies.append(f"{SESSION_COOKIE}={secret}; {_ATTRIBUTES}")

    def sign_out(self) -> None:
        """Ends the session in the browser with the answer."""
        self.cookies.append(f"{SESSION_COOKIE}=; Max-Age=0; {_ATTRIBUTES}")


def page_path(call: Call, path: str) -> str:
    """The path of a page of the workspace; `path` is what stands below it."""
    return f"/w/{call.workspace_id}/{path}"


def done_of(call: Call, sentences: Mapping[str, str]) -> str:
    """What the request before this one has done, in words; empty for nothing."""
    return sentences.get(call.query.get("done", ""), "")


def wants_page(request: Request) -> bool:
    """Whether a browser requests a page, and not a script a part of one."""
    return not request.header(_SCRIPTED)


def asks_for_page(request: Request) -> bool:
    """Whether a browser opens this path, which has no page; below /v1 every answer is for programs."""
    shown = "text/html" in (request.header("accept") or "") and wants_page(request)
    return shown and not request.path.startswith("/v1")


def visit_of(call: Call) -> Visit:
    """The user of a page, and the form that they sent."""
    if not isinstance(call.visit, Visit):
        raise TypeError(f"{call.operation.id} is not a page")
    return call.visit


async def enter(app: Shared, operation: Operation, request: Request, path: dict[str, str]) -> Call:
    """The checked call of a page. Raises a Problem, for example SignedOut.

    The form is read last, so that a refused request costs no more than its head.
    """
    if operation.writes and not _from_here(request):
        raise Forbidden(ELSEWHERE)
    call = Call(operation, request, app, ANONYMOUS)
    call.path = path
    # A link from another site may have unknown parameters, such as utm_source, and an old link a value that
    # is not valid any more.
    call.query, unread = read_query(request.query_string, operation.query)
    if unread and not (wants_page(request) and not operation.writes):
        raise ValidationProblem(errors=unread)
    visit = call.visit = await _visit(app, request)
    visit.unread = unread
    call.signed_in = visit.user is not None
    if operation.permission:
        call.actor = await _actor(call, operation.permission)
    if operation.writes and visit.cookies:
        raise Forbidden(SIGNED_OUT if operation.path == "/sign-out" else NO_COOKIE)
    if operation.writes:
        await _read_form(call)
    return call


async def _visit(app: Shared, request: Request) -> Visit:
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
    """Reads the form. Raises Forbidden if it does not contain the secret of our pages."""
    request, visit, settings = call.request, visit_of(call), call.app.settings
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
        raise StaleForm(visit, known=visit.user is not None and user_of(carried) == visit.user.id)


async def _parsed(body: bytes, most: int) -> dict[str, list[str]]:
    """The fields of a form. Raises ValidationProblem if there are more than `most`, or it is not a form."""
    if body.count(b"&") >= most:
        raise ValidationProblem(f"The form has more than {most:,} fields: send less at once.")
    try:
        text = body.decode("ascii")
    except UnicodeDecodeError:
        raise ValidationProblem("The form is not URL-encoded.") from None
    # Up to 0.1 s of work: in a thread, so that other requests do not wait.
    quick = len(text) < _QUICK
    return parse_query(text, most) if quick else await asyncio.to_thread(parse_query, text, most)


def _from_here(request: Request) -> bool:
    """Whether the browser says that one of our own pages sent the request."""
    site = request.header("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.header("origin")
    return origin is not None and urlsplit(origin).netloc == request.header("host")


async def _actor(call: Call, permission: str) -> Actor:
    """The actor, for the workspace in the path only. Raises NotFound if the user may not see it."""
    user = visit_of(call).person
    call.work.owner = user.account_id
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
    catalog = await catalogs_of(call).get(workspace_id) if user.may_enter(workspace_id) else None
    if catalog is None or catalog.account_id != user.account_id:
        raise NotFound
    call.concerns(workspace_id)
    return catalog


def leave(call: Call, response: Response) -> Response:
    """The answer with its cookies, not cached, and compressed if that is safe."""
    if all(name != "cache-control" for name, _ in response.headers):
        response.headers.append(NO_STORE)
    response.headers += [("set-cookie", cookie) for cookie in visit_of(call).cookies]
    site = call.request.header("sec-fetch-site")
    # A request caused by another site gets an uncompressed answer, whose length does not reveal its contents.
    if site in ("same-origin", "none") and takes_gzip(call.request.header("accept-encoding")):
        pack_page(response)
    return response


def show_problem(request: Request, problem: Problem) -> Response | None:
    """The problem as a page; None for a script, which gets JSON."""
    if not wants_page(request):
        return None
    if isinstance(problem, StaleForm) and problem.form:
        # Only our own pages come as far as this (see _from_here), so the fields were typed by the user.
        page = text_of(
            "stale.html",
            problem=problem,
            path=request.path,
            csrf=problem.token,
            theme=theme(request),
        )
        return html(problem.status, page)
    return problem_page(request, problem)


async def html_page(call: Call, template: str, status: int = 200, **values: object) -> Response:
    """A whole page: `values`, and the values that every page needs (templates/base.html)."""
    visit, workspaces = visit_of(call), []
    if visit.user is not None:
        async with call.connection() as conn:
            workspaces = await list_workspaces_of(conn, visit.user)
    text = text_of(
        template,
        csrf=visit.token,
        user=visit.user,
        actor=call.actor,
        workspaces=workspaces,
        workspace_id=call.actor.workspace_id,
        theme=theme(call.request),
        path=call.request.path,
        unread=[sentence_of(error) for error in visit.unread],
        **values,
    )
    return html(status, text)


async def html_page_or_part(
    call: Call, whole: str, piece: str, status: int = 200, **values: object
) -> Response:
    """The page `whole`, or for a script only its `piece`; both templates get `whole`, which of them it is."""
    if wants_page(call.request):
        return await html_page(call, whole, status, whole=True, **values)
    return html_part(call, piece, status, whole=False, **values)


def html_part(call: Call, template: str, status: int = 200, **values: object) -> Response:
    """A part of a page, for a script to insert."""
    return html(status, text_of(template, csrf=visit_of(call).token, actor=call.actor, **values))
