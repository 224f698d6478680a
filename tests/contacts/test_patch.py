"""PATCH /v1/contacts/{id}: what is sent is changed, and nothing else."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.world import World, a_phone, an_email, pointers


def test_only_what_is_sent_changes_and_the_whole_contact_is_answered(world: World) -> None:
    world.field("MRR", "number")
    made = world.alice.made(
        firstName="Jane",
        lastName="Doe",
        email=an_email(),
        phone=a_phone(),
        timezone="Europe/Paris",
        tags=["vip"],
        customFields={"MRR": 5},
    )
    answer = world.alice.patch(made["id"], {"firstName": "June"})
    assert answer.status_code == 200
    assert answer.json() == {**made, "firstName": "June", "updatedAt": answer.json()["updatedAt"]}
    assert list(answer.json()) == list(made)
    assert world.alice.read(made["id"]) == answer.json()


def test_a_merge_patch_is_taken_too(world: World) -> None:
    made = world.alice.made()
    answer = world.alice.patch(
        made["id"], headers={"content-type": "application/merge-patch+json"}, content=b'{"firstName": "June"}'
    )
    assert (answer.status_code, answer.json()["firstName"]) == (200, "June")


def test_at_least_one_field_must_be_provided(world: World) -> None:
    made = world.alice.made()
    refused = world.alice.patch(made["id"], {})
    assert refused.status_code == 400
    assert refused.json()["detail"] == "At least one field must be provided"
    assert pointers(refused) == {"": "no_fields"}


def test_an_unknown_name_is_refused_with_what_was_probably_meant(world: World) -> None:
    made = world.alice.made()
    refused = world.alice.patch(made["id"], {"fistName": "June", "lastName": "Roe"})
    assert refused.status_code == 400
    [error] = refused.json()["errors"]
    assert (error["pointer"], error["code"], error["suggestion"]) == (
        "/fistName",
        "unknown_field",
        "firstName",
    )
    assert world.alice.read(made["id"]) == made


@pytest.mark.parametrize(
    "name", ["id", "workspaceId", "createdAt", "updatedAt", "version", "deletedAt", "preserveExisting"]
)
def test_what_is_no_field_of_a_contact_to_be_changed_is_unknown(world: World, name: str) -> None:
    made = world.alice.made()
    refused = world.alice.patch(made["id"], {name: made.get(name, True), "firstName": "June"})
    assert refused.status_code == 400
    assert pointers(refused) == {f"/{name}": "unknown_field"}


def test_the_name_of_a_custom_field_at_the_top_is_told_where_it_belongs(world: World) -> None:
    world.field("Lead Source")
    made = world.alice.made()
    refused = world.alice.patch(made["id"], {"Lead Source": "Website"})
    assert refused.status_code == 400
    [error] = refused.json()["errors"]
    assert error["pointer"] == "/Lead Source"
    assert "customFields" in error["detail"]


def test_a_custom_field_made_a_moment_ago_is_known(world: World) -> None:
    made = world.alice.made()
    assert world.alice.patch(made["id"], {"customFields": {"New": "x"}}).status_code == 400
    world.field("New")
    assert world.alice.patch(made["id"], {"customFields": {"New": "x"}}).json()["customFields"] == {
        "New": "x"
    }


def test_an_explicit_zone_wins_over_the_phone(world: World) -> None:
    made = world.alice.made()
    changed = world.alice.patch(made["id"], {"phone": "+14155551234", "timezone": "Europe/Paris"}).json()
    assert (changed["phone"], changed["timezone"]) == ("+14155551234", "Europe/Paris")


IDAHO = "+12085550155"


def zone_of(world: World, contact_id: str) -> tuple[Any, Any, Any]:
    shown = world.alice.fetch(contact_id, include="timezones").json()
    return shown["timezone"], shown["timezoneSource"], shown["timezones"]


@pytest.mark.parametrize("by", ["patch", "batch"])
def test_a_zone_that_is_given_is_the_caller_s_also_where_it_was_derived(world: World, by: str) -> None:
    made = world.alice.made(phone=IDAHO)
    assert zone_of(world, made["id"]) == (
        "America/Boise",
        "phone",
        ["America/Boise", "America/Los_Angeles"],
    )
    given = {"timezone": "America/Boise"}
    if by == "patch":
        answer = world.alice.patch(made["id"], given)
        assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    else:
        assert world.alice.batch({"op": "update", "id": made["id"], "data": given}).status_code == 200
    assert zone_of(world, made["id"]) == ("America/Boise", "caller", ["America/Boise"])
    assert world.alice.read(made["id"])["updatedAt"] > made["updatedAt"]
    newest = world.alice.history(made["id"]).json()[0]
    assert newest["type"] == "contact.updated"
    assert newest["changes"] == [{"field": "timezoneSource", "from": "phone", "to": "caller"}]
    again = world.alice.patch(made["id"], {"timezone": "America/Boise"})
    assert again.headers["etag"] == '"2"'
    assert len(world.alice.history(made["id"]).json()) == 2


def test_what_was_only_possible_is_not_asked_any_more_once_the_zone_is_given(world: World) -> None:
    made = world.alice.made(phone=IDAHO)
    early = {
        "channel": "call",
        "at": "2026-03-02T16:30:00Z",
    }  # Half past nine in Boise, half past eight west.
    path = f"/v1/contacts/{made['id']}/availability"
    assert world.alice.get(path, **early).json()["allowed"] is False
    world.alice.patch(made["id"], {"timezone": "America/Boise"})
    assert world.alice.get(path, **early).json()["allowed"] is True


def test_a_zone_of_the_workspace_that_is_given_is_the_caller_s(world: World) -> None:
    berlin = world.caller(world.workspace("Berlin", timezone="Europe/Berlin"))
    made = berlin.made(firstName="Jane")
    berlin.patch(made["id"], {"timezone": "Europe/Berlin", "lastName": "Doe"})
    shown = berlin.fetch(made["id"], include="timezones").json()
    assert (shown["timezoneSource"], shown["timezones"]) == ("caller", ["Europe/Berlin"])
    fields = [change["field"] for change in berlin.history(made["id"]).json()[0]["changes"]]
    assert fields == ["lastName", "timezoneSource"]


def test_an_upsert_takes_a_zone_over_only_where_it_makes_or_fills_one(world: World) -> None:
    made = world.alice.made(phone=IDAHO)
    derived = zone_of(world, made["id"])
    for more in ({}, {"preserveExisting": True}):
        world.alice.upsert({"phone": IDAHO, "timezone": "America/Boise", **more})
        assert zone_of(world, made["id"]) == derived
    world.alice.patch(made["id"], {"timezone": None})
    world.alice.upsert({"phone": IDAHO, "timezone": "America/Boise", "preserveExisting": True})
    assert zone_of(world, made["id"]) == ("America/Boise", "caller", ["America/Boise"])


@pytest.mark.parametrize("zone", ["Europe/Paris", None])
def test_changing_the_phone_does_not_touch_the_zone(world: World, zone: str | None) -> None:
    made = world.alice.made(firstName="Jane", timezone=zone)
    changed = world.alice.patch(made["id"], {"phone": "+14155551234"}).json()
    assert (changed["phone"], changed["timezone"]) == ("+14155551234", zone)


def test_tags_are_added_and_never_removed(world: World) -> None:
    made = world.alice.made(tags=["gold", "vip"])
    changed = world.alice.patch(made["id"], {"tags": ["new", "vip"]}).json()
    assert changed["tags"] == ["gold", "new", "vip"]
    assert world.alice.read(made["id"])["tags"] == ["gold", "new", "vip"]


@pytest.mark.parametrize("changes", [{"tags": []}, {"tags": [], "lastName": "Doe"}, {"lastName": "Doe"}])
def test_no_tags_change_no_tags(world: World, changes: dict[str, Any]) -> None:
    made = world.alice.made(tags=["vip"])
    changed = world.alice.patch(made["id"], changes)
    assert (changed.status_code, changed.json()["tags"]) == (200, ["vip"])


def test_an_unknown_tag_is_made_once(world: World) -> None:
    first, second = world.alice.made(), world.alice.made()
    for contact in (first, second, first):
        assert world.alice.patch(contact["id"], {"tags": ["brand new"]}).json()["tags"] == ["brand new"]
    assert world.sql.value("select count(*) from tags where workspace_id = $1", world.acme) == 1


def test_custom_values_overwrite_clear_and_stay(world: World) -> None:
    for name in ("A", "B", "C"):
        world.field(name)
    made = world.alice.made(customFields={"A": "1", "B": "2", "C": "3"})
    changed = world.alice.patch(made["id"], {"customFields": {"A": "new", "B": None}}).json()
    assert changed["customFields"] == {"A": "new", "C": "3"}
    assert world.alice.read(made["id"])["customFields"] == {"A": "new", "C": "3"}


def test_clearing_a_custom_value_that_is_not_set_changes_nothing(world: World) -> None:
    world.field("A")
    made = world.alice.made()
    assert world.alice.patch(made["id"], {"customFields": {"A": None}}).json() == made


def test_an_unknown_custom_field_is_refused_and_nothing_is_changed(world: World) -> None:
    world.field("MRR", "number")
    made = world.alice.made()
    refused = world.alice.patch(
        made["id"],
        {"firstName": "June", "tags": ["fresh"], "customFields": {"MRR": 5, "ARR": 60}},
    )
    assert refused.status_code == 400
    [error] = refused.json()["errors"]
    assert error["pointer"] == "/customFields/ARR"
    assert world.alice.read(made["id"]) == made
    assert world.sql.value("select count(*) from tags where workspace_id = $1", world.acme) == 0
    assert len(world.alice.history(made["id"]).json()) == 1


def test_a_taken_phone_leaves_everything_as_it_was(world: World) -> None:
    world.alice.made(phone="+14155551234")
    made = world.alice.made()
    refused = world.alice.patch(
        made["id"], {"firstName": "June", "phone": "+14155551234", "tags": ["fresh"], "email": an_email()}
    )
    assert refused.status_code == 409
    assert world.alice.read(made["id"]) == made
    assert world.sql.value("select count(*) from tags where workspace_id = $1", world.acme) == 0


def test_everything_that_is_wrong_is_reported_at_once(world: World) -> None:
    world.field("MRR", "number")
    made = world.alice.made()
    refused = world.alice.patch(
        made["id"],
        {
            "firstName": 5,
            "lastName": "x" * 256,
            "email": "nobody",
            "phone": "12",
            "timezone": "America/New_Yrok",
            "tags": ["good", "", 7],
            "customFields": {"MRR": "lots", "Nope": 1},
            "nickname": "J",
        },
    )
    assert refused.status_code == 400
    assert refused.json()["detail"] == '"firstName" must be a string or null (and 9 more)'
    assert set(pointers(refused)) == {
        "/firstName", "/lastName", "/email", "/phone", "/timezone", "/tags/1", "/tags/2", "/customFields/MRR",
        "/customFields/Nope", "/nickname",
    }  # fmt: skip


@pytest.mark.parametrize(
    "same",
    [
        {"firstName": " Jane "},
        {"tags": ["vip"]},
        {"tags": []},
        {"customFields": {"MRR": 5.0}},
        {"customFields": {}},
        {"email": "Jane@EXAMPLE.com"},
        {"phone": "+1 (415) 555-1234"},
        {"timezone": "US/Pacific"},
        {"lastName": None},
    ],
)
def test_a_patch_that_changes_nothing_leaves_no_trace(world: World, same: dict[str, Any]) -> None:
    world.field("MRR", "number")
    made = world.alice.made(
        firstName="Jane",
        email="Jane@example.com",
        phone="+14155551234",
        timezone="US/Pacific",
        tags=["vip"],
        customFields={"MRR": 5},
    )
    before = world.alice.fetch(made["id"])
    answer = world.alice.patch(made["id"], same)
    assert answer.status_code == 200
    assert answer.json() == made
    assert answer.headers["etag"] == before.headers["etag"]
    assert len(world.alice.history(made["id"]).json()) == 1


def test_the_time_of_the_last_change_only_grows(world: World) -> None:
    made = world.alice.made()
    # As if a server whose clock is ahead had written last.
    ahead = datetime.fromisoformat(made["updatedAt"]) + timedelta(hours=1)
    world.sql.execute("update contacts set updated_at = $1 where id = $2", ahead, made["id"])
    times = [ahead]
    for number in range(3):
        changed = world.alice.patch(made["id"], {"firstName": f"Jane {number}"}).json()
        times += [datetime.fromisoformat(changed["updatedAt"])]
    assert times == sorted(set(times))
    assert world.alice.read(made["id"])["createdAt"] == made["createdAt"]


@pytest.mark.parametrize("contact_id", ["not-a-uuid", "123", "0192f000-0000-7000-8000-00000000000", "%20"])
def test_an_id_that_is_no_uuid_is_not_found(world: World, contact_id: str) -> None:
    assert world.alice.patch(contact_id, {"firstName": "June"}).status_code == 404


def test_an_unknown_a_deleted_and_a_foreign_contact_are_all_the_same_404(world: World) -> None:
    deleted, foreign = world.alice.made(), world.carol.made()
    assert world.alice.remove(deleted["id"]).status_code == 204
    sibling = world.ada.made(workspaceId=world.acme_two, firstName="Sibling")
    testing = world.tom.made()
    problems: list[dict[str, Any]] = []
    for contact_id in (
        "0192f000-0000-7000-8000-000000000000",
        deleted["id"],
        foreign["id"],
        sibling["id"],
        testing["id"],
    ):
        refused = world.alice.patch(contact_id, {"firstName": "June"})
        assert refused.status_code == 404
        problem = refused.json()
        problems.append({name: problem[name] for name in problem.keys() - {"instance", "requestId"}})
    assert all(problem == problems[0] for problem in problems)
    assert world.carol.read(foreign["id"]) == foreign


def test_an_id_is_taken_in_either_case_and_answered_in_lower_case(world: World) -> None:
    made = world.alice.made()
    answer = world.alice.patch(made["id"].upper(), {"firstName": "June"})
    assert (answer.status_code, answer.json()["id"]) == (200, made["id"])
    assert made["id"] == made["id"].lower()


def test_an_account_key_finds_the_workspace_by_itself(world: World) -> None:
    for workspace_id in (world.acme, world.acme_two):
        made = world.ada.made(workspaceId=workspace_id, firstName="Jane")
        answer = world.ada.patch(made["id"], {"firstName": "June", "tags": ["fresh"]})
        assert (answer.status_code, answer.json()["workspaceId"]) == (200, workspace_id)
    assert world.ada.patch(world.tom.made()["id"], {"firstName": "June"}).status_code == 404
    assert world.ada.patch(world.carol.made()["id"], {"firstName": "June"}).status_code == 404


def test_a_reader_may_not_change_and_a_writer_may(world: World) -> None:
    made = world.alice.made()
    refused = world.bob.patch(made["id"], {"firstName": "June"})
    assert (refused.status_code, refused.json()["type"]) == (403, "/errors/forbidden")
    assert world.wendy.patch(made["id"], {"firstName": "June"}).status_code == 200


def test_a_change_is_answered_only_when_another_connection_can_see_it(world: World) -> None:
    made = world.alice.made()
    for number in range(20):
        world.alice.patch(made["id"], {"firstName": f"Jane {number}"})
        stored = world.sql.value("select first_name from contacts where id = $1", made["id"])
        assert stored == f"Jane {number}"


def test_every_change_is_committed_durably(world: World) -> None:
    """The server's own connections, as PostgreSQL sees them, and not what we would like them to be."""
    made = world.alice.made()
    before = world.sql.value("select pg_current_wal_flush_lsn()::text")
    world.alice.patch(made["id"], {"firstName": "June"})
    record = world.sql.value("select pg_current_wal_flush_lsn() > $1::text::pg_lsn", before)
    assert record, "the change was answered before its WAL was flushed"
