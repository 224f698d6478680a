"""People and their own account: invited, changed, disabled, by those who may, and by nobody else."""

import html
import re
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import expect

from contactory.access import users
from contactory.access.links import make_link_for
from contactory.access.users import change_user, disable_user, enable_user
from contactory.rules.errors import Conflict, Forbidden
from tests.access.test_links import follow
from tests.access.test_sign_in import sees, session_of, sign_in
from tests.dashboard.conftest import Window
from tests.world import PASSWORD, Person, World, an_email, at_once

Windows = Callable[..., Window]


def at(world: World, *more: str, workspace_id: str | None = None) -> str:
    return "/".join((f"/w/{workspace_id or world.acme}/settings/people", *more))


def account(world: World, *more: str) -> str:
    return "/".join((f"/w/{world.acme}/settings/account", *more))


def link_in(answer: httpx.Response) -> str:
    """The path of the link that a page shows."""
    found = re.search(r">(https?://[^<]+/(?:invite|reset)/[\w-]+)<", answer.text)
    assert found, answer.text
    return urlsplit(found[1]).path


def now(world: World, user_id: str) -> tuple[str, bool, bool]:
    """Role, whether limited, whether disabled."""
    row = world.sql.row("select role, limited, disabled_at is not null from users where id = $1", user_id)
    return tuple(row)


def text_of(answer: httpx.Response) -> str:
    return html.unescape(answer.text)


def test_somebody_invited_into_one_workspace_signs_in_and_sees_that_one(
    windows: Windows, world: World, olive: Person
) -> None:
    email = an_email()
    window = windows(olive)
    page = window.page
    page.goto(at(world))
    page.get_by_text("Invite a user").click()
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("viewer").check()
    expect(page.get_by_label("Acme", exact=True)).to_be_hidden()
    page.get_by_label("Only these").check()
    page.get_by_label("Acme", exact=True).check()
    page.get_by_role("button", name="Create invitation link").click()
    link = page.get_by_label("Link", exact=True).input_value()
    assert link.startswith(f"{window.url}/invite/")
    expect(page.get_by_role("list", name="People").get_by_text("invited", exact=True)).to_be_visible()
    page.wait_for_load_state()
    page.reload()
    expect(page.get_by_label("Link", exact=True)).to_have_count(0)

    theirs = windows().page
    theirs.goto(link)
    theirs.get_by_label("Your name").fill("Vi")
    theirs.get_by_label("Password").fill(PASSWORD)
    theirs.get_by_role("button", name="Start").click()
    theirs.wait_for_url(f"**/w/{world.acme}/**")
    theirs.locator("summary", has_text="Acme").click()
    expect(theirs.get_by_role("navigation", name="Workspaces").get_by_role("link")).to_have_text(["Acme"])
    theirs.goto(account(world))
    expect(theirs.get_by_role("navigation", name="Settings")).not_to_contain_text("People")
    assert theirs.request.get(at(world)).status == 403

    page.reload()
    page.get_by_role("link", name="Vi", exact=True).click()
    page.get_by_label("editor").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").get_by_text("Saved")).to_be_visible()
    theirs.goto(f"/w/{world.acme}/contacts/new")
    expect(theirs.get_by_role("heading", name="New contact")).to_be_visible()
    page.get_by_text("Disable…").press("Enter")
    page.get_by_role("button", name="Disable user", exact=True).click()
    expect(page.get_by_role("button", name="Enable user")).to_be_visible()
    theirs.reload()
    theirs.wait_for_url("**/sign-in**")


def test_people_are_managed_without_scripts(windows: Windows, world: World, olive: Person) -> None:
    page = windows(olive, java_script_enabled=False).page
    page.goto(at(world))
    page.get_by_text("Invite a user").click()
    page.get_by_label("E-mail").fill(an_email())
    page.get_by_label("Name").fill("Vi")
    page.get_by_role("button", name="Create invitation link").click()
    link = urlsplit(page.get_by_label("Link", exact=True).input_value()).path
    assert follow(world.http, link, name="Vi", password=PASSWORD).status_code == 303
    assert world.http.get(link).status_code == 404
    page.get_by_role("link", name="Vi", exact=True).click()
    page.get_by_label("admin").check()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[data-status]")).to_contain_text("The change applies from the user's next click on")
    page.get_by_text("Disable…").click()
    page.get_by_role("button", name="Disable user", exact=True).click()
    page.get_by_role("button", name="Enable user").click()
    expect(page.locator("[data-status]")).to_contain_text("User enabled")


ACTIONS = {
    "demote": ("", {"role": "viewer"}),
    "promote": ("", {"role": "owner"}),
    "reset": ("/link", {}),
    "disable": ("/disable", {}),
    "enable": ("/enable", {}),
}
REFUSED = {("admin", "owner", action) for action in ACTIONS} | {
    ("admin", other, "promote") for other in ("admin", "editor", "viewer")
}


@pytest.mark.parametrize("action", ACTIONS)
def test_who_may_change_whom(world: World, action: str) -> None:
    path, form = ACTIONS[action]
    for role in ("owner", "admin", "editor", "viewer"):
        by = world.person(role)
        for other in ("owner", "admin", "editor", "viewer"):
            target = world.person(other)
            before = now(world, target.user_id)
            answer = by.post(at(world, target.user_id) + path, form)
            refused = role in ("editor", "viewer") or (role, other, action) in REFUSED
            assert (answer.status_code == 403) == refused, (role, other, answer.text)
            if refused:
                assert now(world, target.user_id) == before
                assert "/reset/" not in answer.text


def test_nobody_changes_themselves(world: World, olive: Person) -> None:
    world.person()
    for path, form in ACTIONS.values():
        answer = olive.post(at(world, olive.user_id) + path, form)
        assert answer.status_code == 403
        assert "You cannot change your own role and workspaces" in answer.text
    assert now(world, olive.user_id) == ("owner", False, False)
    assert "You cannot change your own role" in olive.get(at(world, olive.user_id)).text


def test_an_admin_invites_no_owner(world: World) -> None:
    answer = world.person("admin").post(at(world), {"email": an_email(), "role": "owner"})
    assert answer.status_code == 403
    assert "Only an owner may create" in answer.text
    assert 'value="owner"' not in answer.text


def test_a_limited_admin_gives_no_more_than_they_have(world: World) -> None:
    limited = world.person("admin", name="Lim", workspace_ids=[world.acme])
    free, inside = world.person("viewer", name="Free"), world.person("viewer", workspace_ids=[world.acme])
    both = world.person("viewer", workspace_ids=[world.acme, world.acme_two])
    apart = world.person("viewer", name="Apart", workspace_ids=[world.acme_two])
    page = limited.get(at(world)).text
    assert "Free" in page
    assert "Apart" not in page
    assert "Acme Two" not in page
    for target, status in ((free, 403), (both, 403), (apart, 404), (inside, 200)):
        assert limited.post(at(world, target.user_id, "link")).status_code == status
    for chosen in (world.acme_two, world.globex):
        form = {"email": an_email(), "role": "viewer", "limited": "true", "workspace": chosen}
        assert limited.post(at(world), form).status_code == 403
    assert limited.post(at(world), {"email": an_email(), "role": "viewer"}).status_code == 400
    more = {"role": "editor", "limited": "true", "workspace": world.acme_two}
    assert limited.post(at(world, inside.user_id), more).status_code == 403
    assert limited.post(at(world, inside.user_id), {**more, "workspace": world.acme}).status_code == 303
    assert now(world, inside.user_id) == ("editor", True, False)


def test_a_workspace_of_another_account_is_given_to_nobody(world: World, olive: Person) -> None:
    target = world.person("viewer")
    form = {"role": "viewer", "limited": "true", "workspace": world.globex}
    assert olive.post(at(world, target.user_id), form).status_code == 404
    assert olive.post(at(world), {**form, "email": an_email()}).status_code == 404
    assert now(world, target.user_id) == ("viewer", False, False)


def test_workspaces_are_taken_and_given_at_once(world: World, olive: Person) -> None:
    ed = world.person("editor")
    form = {"role": "editor", "limited": "true", "workspace": [world.acme_two, world.acme_test]}
    assert olive.post(at(world, ed.user_id), form).status_code == 303
    assert ed.get(f"/w/{world.acme}/contacts").status_code == 404
    assert ed.get(f"/w/{world.acme_two}/contacts").status_code == 200
    assert olive.post(at(world, ed.user_id), {"role": "editor", "limited": "false"}).status_code == 303
    assert ed.get(f"/w/{world.acme}/contacts").status_code == 200


def test_whoever_is_demoted_or_disabled_is_so_at_once(world: World, olive: Person) -> None:
    ann = world.person("admin")
    assert ann.get(at(world)).status_code == 200
    olive.post(at(world, ann.user_id), {"role": "viewer"})
    assert ann.get(at(world)).status_code == 403
    olive.post(at(world, ann.user_id, "disable"))
    assert ann.get(f"/w/{world.acme}/contacts").status_code == 303
    assert sign_in(world.http, ann.email).status_code == 400
    assert olive.post(at(world, ann.user_id, "link")).status_code == 409
    olive.post(at(world, ann.user_id, "enable"))
    assert ann.get(f"/w/{world.acme}/contacts").status_code == 303
    assert sign_in(world.http, ann.email).status_code == 303


@pytest.mark.parametrize("action", ["demote", "disable"])
def test_two_owners_who_depose_each_other_leave_one(world: World, action: str) -> None:
    path, form = ACTIONS[action]
    for _ in range(5):
        one, other = world.person(), world.person()
        at_once(
            lambda by=one, to=other: by.post(at(world, to.user_id) + path, form),
            lambda by=other, to=one: by.post(at(world, to.user_id) + path, form),
        )
        states = [now(world, person.user_id) for person in (one, other)]
        assert states.count(("owner", False, False)) == 1
        world.sql.execute("update users set role = 'viewer' where account_id = $1", world.account_id)


def test_a_request_that_waited_for_another_goes_by_what_is_then(world: World) -> None:
    """The owner is deposed between the look at their session and their turn."""
    one, other = world.person(), world.person()
    known = world.sql.run(users.get_user(world.sql.conn, world.account_id, one.user_id))
    world.sql.execute("update users set role = 'editor' where id = $1", one.user_id)
    where = (world.sql.conn, world.account_id, other.user_id)
    for deposing in (
        change_user(*where, role="viewer", workspace_ids=None, by=known),
        disable_user(*where, by=known),
        make_link_for(*where, by=known),
    ):
        with pytest.raises(Forbidden):
            world.sql.run(deposing)
    assert now(world, other.user_id) == ("owner", False, False)


def test_the_last_owner_who_sees_everything_stays(world: World, olive: Person) -> None:
    world.person("owner", workspace_ids=[world.acme])
    invited = world.person()
    world.sql.execute("update users set password_hash = null where id = $1", invited.user_id)
    conn, where = world.sql.conn, (world.account_id, olive.user_id)
    world.sql.run(disable_user(conn, world.account_id, world.person().user_id))
    for change in (
        change_user(conn, *where, role="admin", workspace_ids=None),
        change_user(conn, *where, role="owner", workspace_ids=[world.acme]),
        disable_user(conn, *where),
    ):
        with pytest.raises(Conflict):
            world.sql.run(change)
    world.sql.run(change_user(conn, *where, role="owner", workspace_ids=None))
    world.sql.run(enable_user(conn, *where))
    assert now(world, olive.user_id) == ("owner", False, False)


def test_what_one_may_give_is_told_by_the_role_of_now(world: World, olive: Person) -> None:
    conn, editor = world.sql.conn, world.person("editor")
    as_owner = world.sql.run(users.get_user(conn, world.account_id, olive.user_id))
    world.sql.execute("update users set role = 'admin' where id = $1", olive.user_id)
    giving = change_user(
        conn, world.account_id, editor.user_id, role="owner", workspace_ids=None, by=as_owner
    )
    with pytest.raises(Forbidden):
        world.sql.run(giving)
    assert now(world, editor.user_id)[0] == "editor"


def test_a_link_to_a_new_password_works_once_and_replaces_the_older(world: World, olive: Person) -> None:
    ed = world.person("editor")
    older, newer = (link_in(olive.post(at(world, ed.user_id, "link"))) for _ in range(2))
    assert [world.http.get(path).status_code for path in (older, newer)] == [404, 200]
    answer = follow(world.http, newer, password="battery staple")
    assert answer.status_code == 303
    assert ed.get(f"/w/{world.acme}/contacts").status_code == 303
    assert world.http.get(newer).status_code == 404
    assert newer not in olive.get(at(world, ed.user_id)).text


def test_a_link_kept_by_whoever_made_it_opens_no_higher_role(world: World, olive: Person) -> None:
    kept = link_in(world.person("admin").post(at(world), {"email": an_email(), "role": "viewer"}))
    user_id = world.sql.value("select user_id::text from one_time_links order by created_at desc limit 1")
    assert world.http.get(kept).status_code == 200
    assert olive.post(at(world, user_id), {"role": "owner"}).status_code == 303
    assert world.http.get(kept).status_code == 404
    assert follow(world.http, link_in(olive.post(at(world, user_id, "link"))), name="O", password=PASSWORD)


def test_what_is_wrong_with_an_invitation_is_said_and_kept(world: World, olive: Person) -> None:
    form = {"email": "nobody", "name": "Kept", "role": "king", "limited": "true"}
    answer = olive.post(at(world), form)
    assert answer.status_code == 400
    for text in ("Choose at least one workspace", "must be one of owner", "Kept"):
        assert text in text_of(answer)
    taken = olive.post(at(world), {"email": olive.email, "role": "viewer"})
    assert taken.status_code == 409
    assert "signs in with this e-mail address already" in taken.text


def test_when_somebody_was_last_there_is_shown(world: World, olive: Person) -> None:
    world.person("viewer", name="Vi")
    email = an_email()
    olive.post(at(world), {"email": email, "role": "viewer"})
    rows = re.findall(r"<li class=\"row.*?</li>", olive.get(at(world)).text, re.DOTALL)
    [vi] = [row for row in rows if ">Vi<" in row]
    [new] = [row for row in rows if email in row]
    assert "last signed in <time" in vi
    assert ">invited<" in new


def test_people_of_another_account_are_not_there(world: World, olive: Person) -> None:
    carol = world.person(account_id=world.globex_account_id, name="Carol")
    assert "Carol" not in olive.get(at(world)).text
    for path, form in ACTIONS.values():
        assert olive.post(at(world, carol.user_id) + path, form).status_code == 404
    assert carol.get(f"/w/{world.globex}/contacts").status_code == 200


def told(answer: httpx.Response, email: str) -> str:
    """What the page says of an invitation, without what is of this one alone."""
    above = answer.text.partition('<ul class="rows"')[0].replace(email, "EMAIL")
    return re.sub(r'(name="csrf" (?:value|content)="|/invite/)[\w.=-]+', r"\1", above)


def test_an_invitation_does_not_tell_that_an_address_has_another_account(world: World, olive: Person) -> None:
    fresh, carol = an_email(), world.person("viewer", account_id=world.globex_account_id)
    emails = (fresh, carol.email)
    answers = {email: olive.post(at(world), {"email": email, "role": "viewer"}) for email in emails}
    assert told(answers[fresh], fresh) == told(answers[carol.email], carol.email)
    assert [answer.status_code for answer in answers.values()] == [200, 200]
    for email, answer in answers.items():
        path = link_in(answer)
        opened = world.http.get(path)
        assert (opened.status_code, email in opened.text) == (200, True)
        assert follow(world.http, path, name="Carol", password="battery staple").status_code == 303


def test_each_password_of_an_e_mail_leads_to_its_own_account(world: World, olive: Person) -> None:
    world.sql.execute("delete from sign_in_failures")
    carol = world.person("viewer", account_id=world.globex_account_id)
    path = link_in(olive.post(at(world), {"email": carol.email, "role": "viewer"}))
    assert follow(world.http, path, name="Carol", password="battery staple").status_code == 303
    assert carol.get(f"/w/{world.globex}/contacts").status_code == 200
    assert carol.get(f"/w/{world.acme}/contacts").status_code == 404
    for password, own, other in (
        (PASSWORD, world.globex, world.acme),
        ("battery staple", world.acme, world.globex),
        (PASSWORD, world.globex, world.acme),
    ):
        secret = session_of(sign_in(world.http, carol.email, password))
        seen = [sees(world.http, secret, f"/w/{place}/contacts") for place in (own, other)]
        assert seen == [200, 404]
    assert sign_in(world.http, carol.email, "neither of them").status_code == 400
    again = olive.post(at(world), {"email": carol.email, "role": "viewer"})
    assert again.status_code == 409  # Of one's own account one may know.


# One's own account


@pytest.mark.parametrize("payload", ["<script>boom()</script>", '"><img src=x onerror=boom()>'])
def test_what_somebody_is_called_shows_as_text(world: World, olive: Person, payload: str) -> None:
    vi = world.person("viewer", name=payload)
    made = world.workspace(payload)
    for answer in (
        olive.get(at(world)),
        olive.get(at(world, vi.user_id)),
        olive.post(at(world, vi.user_id, "link")),
        olive.post(at(world), {"email": payload, "name": payload, "role": payload, "workspace": made}),
        vi.post(account(world), {"name": payload * 100}),
        vi.get(account(world)),
    ):
        assert payload not in answer.text
