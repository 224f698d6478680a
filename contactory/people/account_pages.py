"""The page of one's own account: name, password, and where one is signed in."""

from typing import Any

from contactory.access import users
from contactory.access.attempts import count_attempt, forgive, subjects
from contactory.access.browsers import browser_of
from contactory.access.sessions import end_other_sessions, list_sessions
from contactory.access.user import NAME, PASSWORD
from contactory.dashboard.html import errors_by_field, see_other
from contactory.dashboard.inputs import touched
from contactory.dashboard.visits import done_of, page, page_path
from contactory.people.sign_in_pages import begin, client_address, email_key, verified
from contactory.rules.checks import Form
from contactory.rules.errors import FieldError, NotFound, RateLimited, ValidationProblem
from contactory.web.messages import Response
from contactory.web.operations import Call

_HERE = "settings/account"
_DONE = {
    "name": "Your name is changed.",
    "same": "Nothing has changed.",
    "password": "Your password is changed, and you are signed out everywhere else.",
    "sessions": "You are signed out everywhere else.",
}
_NAME = Form({"name": NAME}, ("name",))
_PASSWORD = Form({"password": PASSWORD}, ("password",))
WRONG = "This is not your password"
DIFFERENT = "The two are not the same"


async def show_account(call: Call) -> Response:
    """One's own account."""
    return await _show(call, done=done_of(call, _DONE))


async def _show(call: Call, status: int = 200, **values: Any) -> Response:
    visit = call.visit
    async with call.connection() as conn:
        sessions = await list_sessions(conn, visit.person.id, visit.session or "")
    shown: dict[str, Any] = {"errors": {}, "done": "", "typed": visit.person.name, **values}
    found = [(session, browser_of(session.agent)) for session in sessions]
    return await page(
        call, "people/account.html", status, here=page_path(call, _HERE), sessions=found, **shown
    )


async def rename(call: Call) -> Response:
    """Changes how one is called."""
    visit = call.visit
    if not touched({"name": visit.value("name")}, {"name": visit.person.name}):
        return see_other(page_path(call, f"{_HERE}?done=same"))
    try:
        values = _NAME.parse({"name": visit.value("name")})
    except ValidationProblem as problem:
        return await _show(call, problem.status, typed=visit.value("name"), errors=errors_by_field(problem))
    async with call.connection() as conn:
        await users.rename_user(conn, visit.person.account_id, visit.person.id, values["name"])
    return see_other(page_path(call, f"{_HERE}?done=name"))


async def change_password(call: Call) -> Response:
    """Changes one's password, by the one that one had; this browser stays signed in, in a new session."""
    try:
        await _change(call, *await _checked(call))
    except ValidationProblem as problem:
        return await _show(call, problem.status, errors=errors_by_field(problem))
    except RateLimited as problem:
        answer = await _show(call, problem.status, errors={"current": problem.detail})
        answer.headers.append(("retry-after", problem.headers["Retry-After"]))
        return answer
    return see_other(page_path(call, f"{_HERE}?done=password"))


async def _change(call: Call, checked: str, password: str) -> None:
    """Changes the password, as long as the present one is what was `checked`. Raises ValidationProblem."""
    person, password_hash = call.visit.person, await call.app.passwords.hash(password)
    try:
        async with call.transaction() as conn:
            await users.set_password(conn, person.account_id, person.id, password_hash, checked=checked)
            secret = await begin(call, conn, person.id, password_hash)
        call.visit.sign_in(secret)
    except NotFound:
        raise _wrong() from None


def _wrong() -> ValidationProblem:
    return ValidationProblem(errors=[FieldError("/current", detail=WRONG)])


async def _checked(call: Call) -> tuple[str, str]:
    """What is stored of the present password, which is right, and the new one.

    Raises ValidationProblem, and RateLimited where the present one is being guessed.
    """
    visit = call.visit
    values = _PASSWORD.parse({"password": visit.value("password")})
    if visit.value("password") != visit.value("again"):
        raise ValidationProblem(errors=[FieldError("/again", detail=DIFFERENT)])
    who = subjects(client_address(call), email_key(visit.person.email))
    async with call.connection() as conn:
        await count_attempt(conn, who, known=True)
        stored = await users.password_hash_of(conn, visit.person.id)
    if not await verified(call, who, stored, visit.value("current"), known=True) or stored is None:
        raise _wrong()
    async with call.connection() as conn:
        await forgive(conn, who)
    return stored, values["password"]


async def sign_out_elsewhere(call: Call) -> Response:
    """Ends all of one's other sessions."""
    async with call.connection() as conn:
        await end_other_sessions(conn, call.visit.person.id, call.visit.session or "")
    return see_other(page_path(call, f"{_HERE}?done=sessions"))
