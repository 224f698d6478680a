"""The pages about who is signed in: their rows of the table."""

from typing import Any

from contactory.operations import Operation
from contactory.users import pages


def _page(name: str, method: str, path: str, summary: str, handler: Any, **more: Any) -> Operation:
    return Operation(id=name, method=method, path=path, summary=summary, handler=handler, page=True, **more)


_SET_UP, _INVITATION = "Make the owner of a new installation", "Accept an invitation"
_RESET, _THEME = "Choose a new password", "Light, dark, or as the system has it"
USER_PAGES = [
    _page("home", "GET", "/", "To the dashboard", pages.home),
    _page("showSignIn", "GET", "/sign-in", "The sign-in", pages.show_sign_in, query=pages.NEXT),
    _page("signIn", "POST", "/sign-in", "Sign in", pages.sign_in),
    _page("signOut", "POST", "/sign-out", "Sign out", pages.sign_out),
    _page("chooseTheme", "POST", "/theme", _THEME, pages.choose_theme),
    _page("showSetUp", "GET", "/set-up/{token}", _SET_UP, pages.show_link),
    _page("setUp", "POST", "/set-up/{token}", _SET_UP, pages.follow_link),
    _page("showInvitation", "GET", "/invite/{token}", _INVITATION, pages.show_link),
    _page("acceptInvitation", "POST", "/invite/{token}", _INVITATION, pages.follow_link),
    _page("showReset", "GET", "/reset/{token}", _RESET, pages.show_link),
    _page("reset", "POST", "/reset/{token}", _RESET, pages.follow_link),
]
