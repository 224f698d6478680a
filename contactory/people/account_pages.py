"""The page of the user's own account: name, password and sessions."""

from typing import Any

from contactory.access import users
from contactory.access.attempts import count_attempt, forgive, subjects
from contactory.access.browsers import browser_of
from contactory.access.passwords import Passwords
from contactory.access.sessions import end_other_sessions, list_sessions
from contactory.access.user import NAME, PASSWORD, is_too_long
from contactory.dashboard.html import errors_by_field, see_other
from contactory.dashboard.inputs import touched
from contactory.dashboard.visits import done_of, html_page, page_path, visit_of
from contactory.people.sign_in_pages import TOO_LONG, begin, client_address, email_key, verified
from contactory.rules.checks import Form
from contactory.rules.errors import FieldError, NotFound, RateLimited, ValidationProblem
from contactory.web.messages import Response
from contactory.web.operations import Call

_HERE = "settings/account"
_DONE = {
    "name": "Name changed.",
    "same": "Nothing has changed.",
    "password": "Password changed. You are signed out everywhere else.",
    "sessions": "You are now signed out everywhere else.",
}
_NAME = Form({"name": NAME}, ("name",))
_PASSWORD = Form({"password": PASSWORD}, ("password",))
WRONG = "This is not your password"
DIFFERENT = "The two passwords are not the same"


async def show_account(call: Call) -> Response:
    """Shows the user's own account."""
    return await _show(call, done=done_of(call, _DONE))


async def _show(call: Call, status: int = 200, **values: Any) -> Response:
    visit = visit_of(call)
    async with call.connection() as conn:
        sessions = await list_sessions(conn, visit.person.id, visit.session or "")
    shown: dict[str, Any] = {"errors": {}, "done": "", "typed": visit.person.name, **values}
    found = [(session, browser_of(session.agent)) for session in sessions]
    return await html_page(
        call, "people/account.html", status, here=page_path(call, _HERE), sessions=found, **shown
    )


async def rename(call: Call) -> Response:
    """Changes the user's name."""
    visit = visit_of(call)
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
    """Changes the user's password, with the current one; this browser stays signed in, in a new session."""
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
    """Changes the password if the stored hash is still `checked`. Raises ValidationProblem."""
    person, password_hash = visit_of(call).person, await call.app.part(Passwords).hash(password)
    try:
        async with call.transaction() as conn:
            await users.set_password(conn, person.account_id, person.id, password_hash, checked=checked)
            secret = await begin(call, conn, person.id, password_hash)
        visit_of(call).sign_in(secret)
    except NotFound:
        raise _wrong() from None


def _wrong(detail: str = WRONG) -> ValidationProblem:
    return ValidationProblem(errors=[FieldError("/current", detail=detail)])


async def _checked(call: Call) -> tuple[str, str]:
    """The stored hash of the current password, which was correct, and the new password.

    Raises ValidationProblem, and RateLimited after too many wrong passwords.
    """
    visit = visit_of(call)
    values = _PASSWORD.parse({"password": visit.value("password")})
    if visit.value("password") != visit.value("again"):
        raise ValidationProblem(errors=[FieldError("/again", detail=DIFFERENT)])
    if is_too_long(visit.value("current")):
        raise _wrong(TOO_LONG)
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
    """Ends all other sessions of the user."""
    async with call.connection() as conn:
        await end_other_sessions(conn, visit_of(call).person.id, visit_of(call).session or "")
    return see_other(page_path(call, f"{_HERE}?done=sessions"))
