"""The pages about users: their rows of the table."""

from typing import Any

from contactory.dashboard.inputs import DONE
from contactory.people import account_pages, people_pages, sign_in_pages
from contactory.web.operations import Operation


def _page(name: str, method: str, path: str, summary: str, handler: Any, **more: Any) -> Operation:
    return Operation(id=name, method=method, path=path, summary=summary, handler=handler, page=True, **more)


_SET_UP, _INVITATION = "Create the owner of a new installation", "Accept an invitation"
_RESET, _THEME = "Choose a new password", "Choose light, dark or the system's theme"
USER_PAGES = [
    _page("home", "GET", "/", "Redirect to the dashboard", sign_in_pages.home),
    _page("anyWorkspace", "GET", "/w", "Redirect to the dashboard", sign_in_pages.home),
    _page("login", "GET", "/login", "Redirect to the sign-in", sign_in_pages.login, query=sign_in_pages.NEXT),
    _page(
        "showSignIn",
        "GET",
        "/sign-in",
        "Show the sign-in",
        sign_in_pages.show_sign_in,
        query=sign_in_pages.NEXT,
    ),
    _page("signIn", "POST", "/sign-in", "Sign in", sign_in_pages.sign_in),
    _page("signOut", "POST", "/sign-out", "Sign out", sign_in_pages.sign_out),
    _page("chooseTheme", "POST", "/theme", _THEME, sign_in_pages.choose_theme),
    _page("showSetUp", "GET", "/set-up/{token}", _SET_UP, sign_in_pages.show_link),
    _page("setUp", "POST", "/set-up/{token}", _SET_UP, sign_in_pages.follow_link),
    _page("showInvitation", "GET", "/invite/{token}", _INVITATION, sign_in_pages.show_link),
    _page("acceptInvitation", "POST", "/invite/{token}", _INVITATION, sign_in_pages.follow_link),
    _page("showReset", "GET", "/reset/{token}", _RESET, sign_in_pages.show_link),
    _page("reset", "POST", "/reset/{token}", _RESET, sign_in_pages.follow_link),
]


_PEOPLE, _ACCOUNT = "/w/{workspaceId}/settings/people", "/w/{workspaceId}/settings/account"


def _managed(name: str, method: str, path: str, summary: str, handler: Any, **more: Any) -> Operation:
    return _page(name, method, _PEOPLE + path, summary, handler, permission="admin", **more)


def _own(name: str, method: str, path: str, summary: str, handler: Any, **more: Any) -> Operation:
    return _page(name, method, _ACCOUNT + path, summary, handler, permission="read", **more)


PEOPLE_PAGES = [
    _managed("showPeople", "GET", "", "Show the users of the account", people_pages.show_people),
    _managed("invite", "POST", "", "Invite a user", people_pages.invite),
    _managed("showPerson", "GET", "/{id}", "A person", people_pages.show_person, query=DONE),
    _managed("changePerson", "POST", "/{id}", "Change role and workspaces", people_pages.change_person),
    _managed("makePersonLink", "POST", "/{id}/link", "A new password", people_pages.make_person_link),
    _managed("disablePerson", "POST", "/{id}/disable", "Disable", people_pages.disable_person),
    _managed("enablePerson", "POST", "/{id}/enable", "Enable", people_pages.enable_person),
    _own("showAccount", "GET", "", "Your account", account_pages.show_account, query=DONE),
    _own("rename", "POST", "", "Change your name", account_pages.rename),
    _own("changePassword", "POST", "/password", "Change your password", account_pages.change_password),
    _own(
        "signOutElsewhere",
        "POST",
        "/sessions",
        "Sign out everywhere else",
        account_pages.sign_out_elsewhere,
    ),
]
