"""The pages before the dashboard: sign-in and sign-out, set-up, invitations, new passwords."""

import asyncio
from typing import Any
from urllib.parse import urlencode

from contactory.access import users
from contactory.access.attempts import (
    Subjects,
    count_attempt,
    forgive,
    is_known,
    remember,
    subjects,
    take_back,
)
from contactory.access.links import Link, see_link, use_link
from contactory.access.passwords import Passwords
from contactory.access.sessions import end_session, open_session
from contactory.access.user import EMAIL, LONGEST_PASSWORD, NAME, PASSWORD, is_too_long
from contactory.catalog.catalog import choose_country
from contactory.dashboard.guess import COUNTRY_CHOICES, guessed_country
from contactory.dashboard.html import THEME_COOKIE, THEMES, errors_by_field, see_other, status_of
from contactory.dashboard.inputs import touched
from contactory.dashboard.visits import html_page, visit_of, wants_page
from contactory.database.db import Connection
from contactory.rules.checks import Form, Object, Rule
from contactory.rules.errors import Conflict, Problem, RateLimited, SignedOut, Unavailable, ValidationProblem
from contactory.rules.invalid import Invalid
from contactory.values.countries import COUNTRIES
from contactory.values.email import normalise_email
from contactory.web.messages import Response, json_response
from contactory.web.operations import Call

_LONGEST_KEY = 256
WRONG = "The e-mail address or the password is not correct."
TOO_LONG = f"A password has at most {LONGEST_PASSWORD:,} characters"


def _inner_path(value: Any) -> str:
    """The path after sign-in: only a path of this server, never another site."""
    text = str(value)
    inner = text.startswith("/") and text[1:2] not in ("/", "\\") and text.isprintable() and text.isascii()
    return text if inner else "/"


NEXT = {"next": Rule(_inner_path, {"type": "string"})}


async def home(call: Call) -> Response:
    """Redirects to the overview of the first workspace, or to the sign-in."""
    user = visit_of(call).user
    if user is None:
        return see_other("/sign-in")
    async with call.connection() as conn:
        workspaces = await users.list_workspaces_of(conn, user)
    if not workspaces:
        return await html_page(call, "people/no_workspace.html")
    return see_other(f"/w/{workspaces[0][0]}/overview")


async def show_sign_in(call: Call) -> Response:
    """Shows the sign-in; a script gets who is signed in, and the current secret for forms."""
    visit, target = visit_of(call), call.query.get("next", "/")
    if not wants_page(call.request):
        user = {"id": visit.user.id, "name": visit.user.name} if visit.user else None
        return json_response(200, {"user": user, "csrf": visit.token})
    if visit.user is not None:
        return see_other(target)
    return await html_page(call, "people/sign_in.html", target=target, email="", error="")


async def login(call: Call) -> Response:
    """Redirects to the sign-in, for users who guess its address."""
    return see_other(f"/sign-in?{urlencode(call.query)}" if call.query else "/sign-in")


async def sign_in(call: Call) -> Response:
    """Opens a session."""
    visit = visit_of(call)
    email, password = visit.value("email").strip(), visit.value("password")
    target = _inner_path(visit.value("next"))
    if is_too_long(password):
        return await _refused(call, target, f"{TOO_LONG}.")
    key = email_key(email)
    who = subjects(client_address(call), key)
    try:
        async with call.connection() as conn:
            known = await is_known(conn, who.address, key)
            wait = await count_attempt(conn, who, known=known)
            found = await users.find_for_sign_in(conn, key)
        await asyncio.sleep(wait)
        user = await _right(call, who, found, password, known)
        async with call.transaction() as conn:
            secret = await begin(call, conn, user.user_id, user.password_hash)
            await forgive(conn, who)
        visit.sign_in(secret)
    except RateLimited as problem:
        answer = await _refused(call, target, problem.detail, problem.status)
        answer.headers.append(("retry-after", problem.headers["Retry-After"]))
        return answer
    except SignedOut:
        return await _refused(call, target, WRONG)
    return see_other(target)


async def _refused(call: Call, target: str, error: str, status: int = 400) -> Response:
    """The sign-in again, with the reason."""
    email = visit_of(call).value("email").strip()
    return await html_page(call, "people/sign_in.html", status, target=target, email=email, error=error)


async def _right(
    call: Call, who: Subjects, found: list[users.Known], password: str, known: bool
) -> users.Known:
    """The first user with this password. Raises SignedOut if there is none."""
    # All users are tried, and without users the same work is done, so that the time reveals nothing.
    stored = [user.password_hash for user in found] or [None]
    matches = [await verified(call, who, each, password, known=known) for each in stored]
    if True not in matches:
        raise SignedOut
    return found[matches.index(True)]


async def verified(call: Call, who: Subjects, stored: str | None, password: str, *, known: bool) -> bool:
    """Whether the password matches. An attempt that was not checked, for lack of room, does not count."""
    try:
        return await call.app.part(Passwords).verify(stored, password, known=known)
    except Unavailable:
        async with call.connection() as conn:
            await take_back(conn, who)
        raise


def client_address(call: Call) -> str:
    """The address of the request."""
    return call.request.address(call.app.settings.proxies)


def email_key(email: str) -> str:
    """The key by which users with that e-mail are found."""
    try:
        return normalise_email(email)[1]
    except Invalid:
        return email[:_LONGEST_KEY].casefold()


async def begin(call: Call, conn: Connection, user_id: str, checked: str) -> str:
    """Starts a session with a new secret and returns it, so that an earlier known secret is useless.

    The browser gets the secret after the commit. Raises SignedOut if the stored hash of the password is
    no longer `checked`.
    """
    secret = await open_session(conn, user_id, call.request.header("user-agent"), checked=checked)
    earlier = visit_of(call).session
    if earlier:
        await end_session(conn, earlier)
    await remember(conn, subjects(client_address(call), "").address, user_id)
    return secret


async def sign_out(call: Call) -> Response:
    """Ends the session."""
    visit = visit_of(call)
    if visit.session:
        async with call.connection() as conn:
            await end_session(conn, visit.session)
    visit.sign_out()
    return see_other("/sign-in")


_FORMS = {
    "set-up": Form({"name": NAME, "email": EMAIL, "password": PASSWORD}, ("name", "email", "password")),
    "invite": Form({"name": NAME, "password": PASSWORD}, ("name", "password")),
    "reset": Form({"password": PASSWORD}, ("password",)),
}


def _kind(call: Call) -> str:
    """The kind of the link: the first part of the path."""
    return call.operation.path.split("/")[1]


async def show_link(call: Call) -> Response:
    """The form of a link. Raises NotFound if the link no longer works."""
    kind = _kind(call)
    async with call.connection() as conn:
        link = await see_link(conn, kind, call.path["token"])
        typed = await _known(conn, link)
    return await _link_page(call, kind, typed, link)


async def _known(conn: Connection, link: Link) -> dict[str, str]:
    if link.user_id is None:
        return {"name": "", "email": ""}
    user = await users.get_user(conn, link.account_id, link.user_id)
    return {"name": user.name, "email": user.email}


async def follow_link(call: Call) -> Response:
    """Uses a link, and signs the user in. Raises NotFound if the link no longer works."""
    kind, secret, visit = _kind(call), call.path["token"], visit_of(call)
    async with call.connection() as conn:
        link = await see_link(conn, kind, secret)
        known = await _known(conn, link)
    form = _FORMS[kind]
    typed = {name: visit.value(name) for name in form.rules}
    if kind == "invite" and not touched({"name": typed["name"]}, known):
        form, typed = _FORMS["reset"], {"password": typed["password"]}
    try:
        values = form.parse(typed)
        password_hash = await call.app.part(Passwords).hash(values["password"])
        async with call.transaction() as conn:
            used = await use_link(conn, kind, secret)
            session = await begin(call, conn, await _use(conn, used, values, password_hash), password_hash)
            if kind == "set-up" and visit.value("country") in COUNTRIES:
                await choose_country(conn, used.account_id, visit.value("country"))
        visit.sign_in(session)
    except (ValidationProblem, Conflict) as problem:
        return await _link_page(call, kind, {**known, **typed}, link, problem)
    return see_other("/")


async def _link_page(
    call: Call, kind: str, typed: dict[str, str], link: Link, problem: Problem | None = None
) -> Response:
    """The form of a link; the owner of a new installation also chooses the country of phones."""
    sent = visit_of(call).form.get("country")
    shown: dict[str, Any] = {
        "kind": kind,
        "typed": typed,
        "errors": errors_by_field(problem),
        "until": link.expires_at,
        "countries": COUNTRY_CHOICES,
        "country": sent[-1] if sent else guessed_country(call.request),
    }
    return await html_page(call, "people/link.html", status_of(problem), **shown)


async def _use(conn: Connection, link: Link, values: Object, password_hash: str) -> str:
    """The user that the link creates or changes."""
    if link.user_id is not None:
        name = values.get("name")
        await users.set_password(conn, link.account_id, link.user_id, password_hash, name=name)
        return link.user_id
    made = await users.create_user(
        conn,
        link.account_id,
        values["email"],
        name=values["name"],
        role="owner",
        password_hash=password_hash,
    )
    return made.id


async def choose_theme(call: Call) -> Response:
    """Chooses light, dark or the system's theme; works without scripts."""
    chosen = visit_of(call).value("theme")
    if chosen in THEMES:
        visit_of(call).cookies.append(f"{THEME_COOKIE}={chosen}; Path=/; Max-Age=31536000; SameSite=Lax")
    return see_other(_inner_path(visit_of(call).value("next")))
