"""`contactory user`."""

from urllib.parse import urlsplit

from tests.access.test_links import PASSWORD, follow
from tests.access.test_sign_in import sign_in
from tests.cli.conftest import CommandLine
from tests.world import World, an_email

NOBODY = "019297c4-0000-7000-8000-000000000000"


def test_an_invitation_is_a_link_to_copy(contactory: CommandLine, world: World) -> None:
    email = an_email()
    made = contactory.gives("user", "create", email, "--account", world.account_id, "--role", "viewer")
    assert list(made) == ["id", "link"]
    path = urlsplit(made["link"]).path
    assert follow(world.http, path, name="Vi", password=PASSWORD).status_code == 303
    [shown] = [user for user in contactory.gives("user", "list") if user["id"] == made["id"]]
    assert (shown["email"], shown["name"], shown["role"], shown["limited"]) == (email, "Vi", "viewer", False)


def test_a_user_may_be_limited_to_workspaces(contactory: CommandLine, world: World) -> None:
    made = contactory.gives(
        *("user", "create", an_email(), "--account", world.account_id, "--name", "Lim"),
        *("--workspace", world.acme, "--workspace", world.acme_test),
    )
    [shown] = [user for user in contactory.gives("user", "list") if user["id"] == made["id"]]
    assert shown["limited"]
    assert sorted(shown["workspaceIds"]) == sorted([world.acme, world.acme_test])


def test_a_forgotten_password_is_replaced_by_a_link(contactory: CommandLine, world: World) -> None:
    olive = world.person()
    world.sql.execute("update users set password_hash = 'x' where id = $1", olive.user_id)
    link = contactory.gives("user", "reset-password", olive.email.upper())["link"]
    assert urlsplit(link).path.startswith("/reset/")
    assert follow(world.http, urlsplit(link).path, password=PASSWORD).status_code == 303
    assert olive.get(f"/w/{world.acme}/contacts").status_code == 303


def test_who_has_not_come_yet_is_invited_again(contactory: CommandLine, world: World) -> None:
    email = an_email()
    contactory.gives("user", "create", email, "--account", world.account_id)
    link = contactory.gives("user", "reset-password", email)["link"]
    assert urlsplit(link).path.startswith("/invite/")


def test_a_disabled_user_is_signed_out_at_once(contactory: CommandLine, world: World) -> None:
    ed = world.person("editor")
    assert ed.get(f"/w/{world.acme}/contacts").status_code == 200
    assert contactory.says("user", "disable", ed.email) == f"Disabled {ed.email}.\n"
    assert ed.get(f"/w/{world.acme}/contacts").status_code == 303
    assert "is disabled" in contactory.fails("user", "reset-password", ed.email)


def test_whoever_was_disabled_is_let_in_again(contactory: CommandLine, world: World) -> None:
    ed = world.person("editor")
    contactory.says("user", "disable", ed.email)
    assert sign_in(world.http, ed.email).status_code == 400
    assert contactory.says("user", "enable", ed.email) == f"Enabled {ed.email}.\n"
    assert sign_in(world.http, ed.email).status_code == 303


def test_a_user_of_several_accounts_is_named_with_the_account(contactory: CommandLine, world: World) -> None:
    ed = world.person("editor")
    contactory.gives("user", "create", ed.email, "--account", world.globex_account_id)
    changes = (("reset-password",), ("enable",), ("change", "--role", "viewer"), ("disable",))
    for name, *options in changes:
        assert "--account" in contactory.fails("user", name, ed.email, *options)
        made = contactory.gives("user", name, ed.email, *options, "--account", world.account_id)
        assert made["id"] == ed.user_id


def test_role_and_workspaces_are_changed(contactory: CommandLine, world: World) -> None:
    ed = world.person("editor", workspace_ids=[world.acme])

    def stands() -> tuple[str, bool, list[str]]:
        [user] = [user for user in contactory.gives("user", "list") if user["id"] == ed.user_id]
        return user["role"], user["limited"], user["workspaceIds"]

    contactory.gives("user", "change", ed.email, "--role", "viewer")
    assert stands() == ("viewer", True, [world.acme])
    contactory.gives("user", "change", ed.email, "--workspace", world.acme_two)
    assert stands() == ("viewer", True, [world.acme_two])
    contactory.gives("user", "change", ed.email, "--all-workspaces")
    assert stands() == ("viewer", False, [])
    assert "Give --role" in contactory.fails("user", "change", ed.email, code=2)
    both = ("--workspace", world.acme, "--all-workspaces")
    assert "Give either" in contactory.fails("user", "change", ed.email, *both, code=2)
    olive = world.person()
    assert "only owner" in contactory.fails("user", "change", olive.email, "--role", "admin")


def test_what_cannot_be_is_refused_in_a_sentence(contactory: CommandLine, world: World) -> None:
    olive = world.person()
    account = ("--account", world.account_id)
    assert "already" in contactory.fails("user", "create", olive.email, *account)
    assert "does not exist" in contactory.fails("user", "create", an_email(), "--account", NOBODY)
    foreign = (*account, "--workspace", world.globex)
    assert f"workspace {world.globex} does not exist" in contactory.fails(
        "user", "create", an_email(), *account, *foreign
    )
    assert "no user" in contactory.fails("user", "disable", an_email())
    assert "no user" in contactory.fails("user", "reset-password", an_email())
    world.sql.execute("update users set password_hash = 'x' where id = $1", olive.user_id)
    assert "only owner" in contactory.fails("user", "disable", olive.email)
    assert "e-mail" in contactory.fails("user", "disable", "nobody", code=2)
