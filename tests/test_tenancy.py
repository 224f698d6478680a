"""What a key cannot see does not exist: every operation, aimed at everything of Acme's, by everybody else.

The cases are held against the table of operations: one that has no case, or takes an id that no case sends,
fails the suite.
"""

import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import httpx
import pytest

from contactory.access.keys import new_key
from contactory.app import OPERATIONS
from contactory.rules.actor import PERMISSIONS
from contactory.web.operations import Operation
from tests.servers import Sql
from tests.tenancy_cases import CASES, OWN, TAKEN, Case, Target
from tests.world import Caller, World, a_phone, an_email

TABLE = {operation.id: operation for operation in OPERATIONS if operation.permission and not operation.page}
IDS = [f"{case.operation}-{i}" for i, case in enumerate(CASES)]
IDS_OF_FOREIGN = [name for case, name in zip(CASES, IDS, strict=True) if case.foreign]
ACCOUNT_ONLY = {"createWorkspace", "deleteWorkspace"}


def parameters_sent(case: Case) -> set[str]:
    named = {part.partition("=")[0] for part in urlsplit(case.url).query.split("&") if part}
    own_workspace = OWN[1:] in case.url or (case.body or {}).get("workspaceId") == "{own}"
    return (named | set(case.body or ())) - ({"workspaceId"} if own_workspace else set())


def test_every_operation_that_needs_a_key_has_a_case() -> None:
    assert {case.operation for case in CASES} == TABLE.keys()


@pytest.mark.parametrize("operation", TABLE.values(), ids=TABLE)
def test_every_id_that_an_operation_takes_is_sent_by_a_case(operation: Operation) -> None:
    cases = [case for case in CASES if case.operation == operation.id]
    template = re.sub(r"{\w+}", "{}", operation.path)
    assert {re.sub(r"{\w+}", "{}", urlsplit(case.url).path) for case in cases} == {template}
    takes = {*operation.parameters, *(operation.body.rules if operation.body else ())}
    sent = set[str]().union(*map(parameters_sent, cases))
    assert takes & {"workspaceId", "cursor", "operations", "ids"} <= sent
    assert all(case.foreign for case in cases) or not (takes & {"workspaceId", "cursor"} or "{" in template)


class Stage:
    """Acme's first workspace, and everybody who asks for it: none of them changes it, so one serves all."""

    def __init__(self, world: World) -> None:
        self.world = world
        # All that has a name of its own has the same marker in it.
        self.marker = secrets.token_hex(6)
        self.acme = seeded(world, world.acme, self.marker)
        self.never = self.acme.unused()
        self.outsiders = outsiders(world)
        self.bad_keys = bad_keys(world)
        self.weak_keys = {
            permission: [world.caller(scope, permission).key for scope in (world.acme, None)]
            for permission in ("read", "write")
        }


@pytest.fixture(scope="module")
def stage(sql: Sql, _http: httpx.Client) -> Stage:
    return Stage(World(sql, _http))


def seeded(world: World, workspace_id: str, marker: str) -> Target:
    """Contacts, a tag and a field in a workspace of Acme's."""
    caller = world.ada
    home = {"workspaceId": workspace_id}
    field = caller.post("/v1/custom-fields", {**home, "name": f"Field-{marker}", "type": "number"}).json()
    values = {"firstName": f"First-{marker}", "tags": [f"tag-{marker}"], "customFields": {field["name"]: 12}}
    mail, phone = f"jane-{marker}@example.com", a_phone()
    contact, gone, _ = (
        caller.made({**home, **values, **more})
        for more in ({"email": mail, "phone": phone}, {"lastName": "gone"}, {"lastName": "other"})
    )
    caller.patch(contact["id"], {"lastName": f"Last-{marker}"})
    caller.remove(gone["id"])
    key = world.caller(workspace_id, name=f"Key-{marker}")
    window = caller.post("/v1/send-windows", {**home, "preset": "us-tcpa", "name": f"Window-{marker}"}).json()
    lists = [caller.list(sort=sort, limit=1, **home) for sort in ("createdAt", "updatedAt")]
    cursors = [httpx.URL(answer.links["next"]["url"]).params["cursor"] for answer in lists]
    return Target(
        contact["id"],
        gone["id"],
        field["id"],
        key.key_id,
        workspace_id,
        values["tags"][0],
        field["name"],
        phone,
        mail,
        *cursors,
        by_name=values["tags"][0].encode().hex(),
        window=window["id"],
        window_name=window["name"],
        job=world.job(workspace_id),
    )


def send(world: World, key: str | None, case: Case, target: Target, own: str) -> httpx.Response:
    """The answer to a case, with a request id that is the same every time."""
    given = {**target._asdict(), "own": own}
    path, _, query = case.url.partition("?")
    url = path.format(**given) + "?" + query.format(**{n: quote(v, safe="") for n, v in given.items()})
    headers = {name: value.format(**given) for name, value in case.headers.items()}
    headers |= {"x-request-id": "tenancy"} | ({"authorization": key} if key is not None else {})
    method = TABLE[case.operation].method
    return world.http.request(method, url, headers=headers, json=filled(case.body, given))


def filled(value: Any, given: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: filled(inner, given) for name, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, given) for inner in value]
    return value.format(**given) if isinstance(value, str) else value


def shape(answer: httpx.Response, target: Target) -> tuple[int, list[tuple[str, str]], str]:
    """An answer, every byte of it, but for the target's values that it repeats."""

    def masked(text: str) -> str:
        for name, value in target._asdict().items():
            text = text.replace(value, f"<{name}>").replace(quote(value, safe=""), f"<{name}>")
        return text

    # The HTTP server closes a connection where a body comes after the answer, which is a matter of luck.
    chance = {"connection", "date"}
    headers = [(name, masked(value)) for name, value in answer.headers.items() if name not in chance]
    return answer.status_code, headers, masked(answer.text)


class Outsider(NamedTuple):
    """Somebody who must not see Acme's first workspace, with a workspace of their own."""

    key: str
    own: str
    account_scoped: bool


def outsiders(world: World) -> dict[str, Outsider]:
    globex = world.globex_account_id
    globex_test = world.workspace("Globex Test", account_id=globex, mode="test")
    found = {
        "another account's workspace": Outsider(world.carol.key, world.globex, False),
        "a sibling workspace": Outsider(world.caller(world.acme_two).key, world.acme_two, False),
        "a test workspace of the account": Outsider(world.tom.key, world.acme_test, False),
    }
    for name, account, mode, own in (
        ("another account", globex, "live", world.globex),
        ("another account in test mode", globex, "test", globex_test),
        ("the account in test mode", world.account_id, "test", world.acme_test),
    ):
        found[name] = Outsider(world.caller(None, mode=mode, account_id=account).key, own, True)
    for own in {outsider.own for outsider in found.values()}:
        world.field("Own", workspace_id=own)
    for name in ("a sibling workspace", "another account", "another account in test mode"):
        made = {"workspaceId": found[name].own, "phone": TAKEN, "tags": ["own"]}
        world.stranger(found[name].key).made(made)
    world.tom.made(phone=TAKEN, tags=["own"])
    return found


def bad_keys(world: World) -> dict[str, str | None]:
    """What an Authorization header may have that is no good key; None for no header."""
    expired = world.caller(world.acme, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    of_gone = world.caller(gone := world.workspace("Gone"))
    world.sql.execute("update workspaces set deleted_at = now() where id = $1", gone)
    good = world.ada.key
    return {
        "none": None,
        "empty": "",
        "no key": "Bearer",
        "malformed": "Bearer hello",
        "bad checksum": f"Bearer {good[:-1]}{'0' if good[-1] != '0' else '1'}",
        "of the other mode by its prefix": f"Bearer {good.replace('live', 'test')}",
        "unknown": f"Bearer {new_key('live')}",
        "revoked": f"Bearer {world.revoked.key}",
        "expired": f"Bearer {expired.key}",
        "of a deleted workspace": f"Bearer {of_gone.key}",
        "by another scheme": f"Basic {good}",
        "without a scheme": good,
    }


# What belongs to no workspace, and what a job writes at any time.
UNSEEN = {"schema_migrations", "sign_in_failures", "contact_search", "search_progress", "schedule"}
_USERS = "(select u.id from users u join workspaces w using (account_id) where w.id = $1)"
SCOPES = {
    "accounts": "id in (select account_id from workspaces where id = $1)",
    "workspaces": "id = $1",
    "kept_answers": "key_id in (select id from api_keys where workspace_id = $1)",
    "rate_buckets": "key_id in (select id from api_keys where workspace_id = $1)",
    "users": "account_id in (select account_id from workspaces where id = $1)",
    "user_workspaces": "workspace_id = $1",
    **dict.fromkeys(("sessions", "known_addresses"), f"user_id in {_USERS}"),
    "one_time_links": "account_id in (select account_id from workspaces where id = $1)",
    **dict.fromkeys(("grid_layouts", "saved_views"), "workspace_id = $1"),
    **dict.fromkeys(
        ("api_keys", "tags", "custom_fields", "contacts", "contact_events", "send_windows"),
        "workspace_id = $1",
    ),
    **dict.fromkeys(
        ("jobs", "jobs_due", "job_problems"),
        "workspace_id = $1",
    ),
}


def test_the_proof_looks_at_every_table(sql: Sql) -> None:
    tables = sql.fetch(
        """select relname from pg_class
            where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition"""
    )
    assert {row[0] for row in tables} - UNSEEN == SCOPES.keys()


def stored(world: World, workspace_id: str) -> list[Any]:
    """For each table how many rows a workspace has in it, and a checksum of those and of who wrote them."""
    # When a key was last used is written down by a job, at any time.
    rows = {
        table: "(to_jsonb(t) - 'last_used_at')::text" + ("" if table == "api_keys" else " || t.xmin::text")
        for table in SCOPES
    }
    statement = " union all ".join(
        f"select '{table}', count(*), md5(string_agg({row}, ' ' order by {row})) from {table} t "
        f"where {SCOPES[table]}"
        for table, row in rows.items()
    )
    return world.sql.fetch(statement, workspace_id)


@pytest.mark.parametrize("case", [case for case in CASES if case.foreign], ids=IDS_OF_FOREIGN)
def test_what_a_key_cannot_see_does_not_exist(stage: Stage, case: Case) -> None:
    before = stored(stage.world, stage.world.acme)
    for who, outsider in stage.outsiders.items():
        key = f"Bearer {outsider.key}"
        real = send(stage.world, key, case, stage.acme, outsider.own)
        unused = send(stage.world, key, case, stage.never, outsider.own)
        assert shape(real, stage.acme) == shape(unused, stage.never), who
        needs_account = TABLE[case.operation].id in ACCOUNT_ONLY and not outsider.account_scoped
        assert real.status_code == (403 if needs_account else case.foreign), (who, real.text)
        assert stage.marker not in shape(real, stage.acme)[2], who
        if (case.body or {}).keys() & {"operations", "ids"} and real.status_code == 200:
            assert {result["status"] for result in real.json()["results"]} == {404}, who
    assert stored(stage.world, stage.world.acme) == before


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_whoever_may_do_it_can(stage: Stage, case: Case) -> None:
    """The cases are right but for who asks, so that each refusal is about that."""
    fresh = stage.world.workspace()
    target = seeded(stage.world, fresh, secrets.token_hex(6))
    answer = send(stage.world, f"Bearer {stage.world.ada.key}", case, target, fresh)
    assert answer.is_success or answer.status_code == case.rightful, answer.text


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_a_missing_permission_is_refused_whatever_there_is(stage: Stage, case: Case) -> None:
    needed = case.permission or str(TABLE[case.operation].permission)
    before = stored(stage.world, stage.world.acme)
    for permission in PERMISSIONS[: PERMISSIONS.index(needed)]:
        for key in stage.weak_keys[permission]:
            real = send(stage.world, f"Bearer {key}", case, stage.acme, stage.world.acme)
            unused = send(stage.world, f"Bearer {key}", case, stage.never, stage.world.acme)
            assert real.status_code == 403, real.text
            assert shape(real, stage.acme) == shape(unused, stage.never)
    assert stored(stage.world, stage.world.acme) == before


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_a_key_that_is_no_good_is_always_answered_alike(stage: Stage, case: Case) -> None:
    before = stored(stage.world, stage.world.acme)
    good = send(stage.world, stage.bad_keys["none"], case, stage.never, stage.world.acme)
    assert good.status_code == 401
    assert good.headers["www-authenticate"] == "Bearer"
    for what, key in stage.bad_keys.items():
        refused = send(stage.world, key, case, stage.acme, stage.world.acme)
        assert shape(refused, stage.acme) == shape(good, stage.never), what
    assert stored(stage.world, stage.world.acme) == before


LISTS: list[Callable[[Caller, str], httpx.Response]] = [
    lambda caller, own: caller.list(workspaceId=own, limit=1000),
    lambda caller, own: caller.list(workspaceId=own, sort="-updatedAt", count=True),
    lambda caller, own: caller.list(workspaceId=own, updatedAfter="2020-01-01T00:00:00Z"),
    lambda caller, own: caller.get("/v1/tags", workspaceId=own),
    lambda caller, own: caller.get("/v1/custom-fields", workspaceId=own),
    lambda caller, own: caller.get("/v1/send-windows", workspaceId=own),
    lambda caller, own: caller.get("/v1/jobs", workspaceId=own),
    lambda caller, own: caller.get("/v1/workspaces"),
    lambda caller, own: caller.get("/v1/api-keys"),
    lambda caller, own: caller.get("/openapi.json"),
]


def test_no_list_shows_anything_of_others(stage: Stage) -> None:
    for who, outsider in stage.outsiders.items():
        caller = stage.world.stranger(outsider.key)
        for listed in LISTS:
            answer = listed(caller, outsider.own)
            assert answer.status_code == 200, answer.text
            assert stage.marker not in answer.text, who
            assert stage.world.acme not in answer.text, who
    rightful = [listed(stage.world.alice, stage.world.acme).text for listed in LISTS]
    assert all(stage.marker in text or stage.world.acme in text for text in rightful)


# What is unique is so in its workspace, and nobody can tell from a clash what others have.


def test_two_workspaces_may_have_the_same_phone_and_email(world: World) -> None:
    values = {"phone": a_phone(), "email": an_email(), "tags": ["vip"]}
    mine = world.alice.made(values)
    for other in (world.carol, world.tom, world.caller(world.acme_two)):
        theirs = other.made(values)
        assert theirs["id"] != mine["id"]
        assert other.upsert({**values, "lastName": "Theirs"}).json()["id"] == theirs["id"]
        other.remove(theirs["id"])
        assert other.restore(theirs["id"]).status_code == 200
    assert world.alice.read(mine["id"]) == mine


def test_an_upsert_never_finds_the_contact_of_another_workspace(world: World) -> None:
    values = {"phone": a_phone(), "email": an_email()}
    mine = world.alice.made(values)
    made = world.ada.upsert({"workspaceId": world.acme_two, **values, "preserveExisting": True})
    assert made.status_code == 201
    assert made.json()["workspaceId"] == world.acme_two
    assert world.alice.read(mine["id"]) == mine


def test_two_workspaces_may_have_tags_and_fields_of_the_same_name(world: World) -> None:
    for caller in (world.alice, world.carol, world.tom):
        field = caller.post("/v1/custom-fields", {"name": "Plan", "type": "text"})
        assert field.status_code == 201
        other = caller.post("/v1/custom-fields", {"name": "Other", "type": "text"}).json()
        assert (
            caller.request("PATCH", f"/v1/custom-fields/{other['id']}", {"name": "Size"}).status_code == 200
        )
        caller.made(tags=["old"], customFields={"Plan": caller.key_id})
        assert caller.request("PATCH", "/v1/tags/old", {"name": "new"}).status_code == 200
    assert world.alice.delete("/v1/tags/new").status_code == 204
    assert [tag["name"] for tag in world.carol.get("/v1/tags").json()] == ["new"]
    [contact] = world.carol.list().json()
    assert (contact["tags"], contact["customFields"]) == (["new"], {"Plan": world.carol.key_id})


def test_an_unknown_field_is_not_suggested_from_another_workspace(world: World) -> None:
    world.field("Lead Source", workspace_id=world.acme)
    refused = world.carol.create({"customFields": {"Lead Sorce": "x"}, "Lead Source": "x"})
    assert refused.status_code == 400
    assert {error.get("suggestion") for error in refused.json()["errors"]} == {None}
    assert {error["code"] for error in refused.json()["errors"]} == {"unknown_custom_field", "unknown_field"}


def test_an_idempotency_key_belongs_to_the_api_key_that_sent_it(world: World) -> None:
    headers = {"idempotency-key": secrets.token_hex(8)}
    callers = [world.alice, world.wendy, world.carol, world.tom, world.caller(world.acme)]
    made = [caller.create({"firstName": caller.key_id}, headers=headers) for caller in callers]
    assert [answer.status_code for answer in made] == [201] * len(callers)
    for caller, first in zip(callers, made, strict=True):
        again = caller.create({"firstName": caller.key_id}, headers=headers)
        assert again.headers["idempotency-replayed"] == "true"
        assert again.json() == first.json()
        assert again.json()["firstName"] == caller.key_id


def test_an_id_in_capitals_is_no_way_around(world: World) -> None:
    mine = world.alice.made()
    assert world.alice.fetch(mine["id"].upper()).json() == mine
    assert world.carol.fetch(mine["id"].upper()).status_code == 404
    assert world.carol.create({"workspaceId": world.acme.upper(), "firstName": "x"}).status_code == 404


def test_an_account_key_sees_nothing_in_a_workspace_that_is_deleted(world: World) -> None:
    mine = world.alice.made(tags=["vip"])
    assert world.ada.fetch(mine["id"]).status_code == 200
    assert world.ada.delete(f"/v1/workspaces/{world.acme}").status_code == 204
    for headers in ({}, {"if-none-match": "*"}, {"if-none-match": '"1"'}):
        assert world.ada.fetch(mine["id"], headers=headers).status_code == 404
    assert world.ada.patch(mine["id"], {"firstName": "x"}).status_code == 404
    assert world.ada.history(mine["id"]).status_code == 404
    assert world.ada.list(workspaceId=world.acme).status_code == 404
