"""PATCH /v1/custom-fields/{id} with a type: only where every value fits, whatever is written meanwhile."""

import itertools
import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contactory.base.ids import new_id
from contactory.values.field_types.registry import text_form
from tests.servers import Sql, sql_at
from tests.waiting import until, until_waiting
from tests.world import World, at_once

PATH = "/v1/custom-fields"


def retype(caller: Any, field_id: str, new_type: str, **more: Any) -> Any:
    changes = {"type": new_type, **more.pop("changes", {})}
    return caller.request("PATCH", f"{PATH}/{field_id}", changes, **more)


def type_of(world: World, field_id: str) -> str:
    return world.alice.get(f"{PATH}/{field_id}").json()["type"]


def stored(world: World, name: str = "f") -> list[str]:
    """Every value of the field, those of deleted contacts too."""
    rows = world.sql.fetch(
        """select c.fields ->> f.num::text from custom_fields f
             join contacts c on c.workspace_id = f.workspace_id and c.fields ? f.num::text
            where f.workspace_id = $1 and f.name = $2 order by c.id""",
        world.acme,
        name,
    )
    return [row[0] for row in rows]


FITTING = [
    ("text", "number", {"007": "7", "-0": "0", "1.50": "1.5", "12": "12", "-0.5": "-0.5"}),
    ("text", "date", {"2024-02-29": "2024-02-29", "2024-01-31T10:00:00Z": "2024-01-31"}),
    ("text", "boolean", {"true": "true", "false": "false"}),
    ("number", "text", {"12.5": "12.5"}),
    ("boolean", "text", {"true": "true"}),
]


@pytest.mark.parametrize(("old", "new", "values"), FITTING)
def test_values_that_fit_are_written_as_the_new_type_writes_them(
    world: World, old: str, new: str, values: dict[str, str]
) -> None:
    field_id = world.field("f", old)
    made = [world.alice.made(customFields={"f": value}) for value in values]
    world.alice.made()
    world.alice.remove(made[0]["id"])
    answer = retype(world.wendy, field_id, new)
    assert (answer.status_code, answer.json()["type"]) == (200, new)
    assert stored(world) == list(values.values())
    for contact, (before, after) in itertools.islice(zip(made, values.items(), strict=True), 1, None):
        now = world.alice.read(contact["id"])
        assert now["customFields"] == {"f": after}
        assert (now["updatedAt"] > contact["updatedAt"]) == (before != after)


def test_a_rewritten_value_has_its_place_in_the_history(world: World) -> None:
    field_id = world.field("f")
    made = world.alice.made(customFields={"f": "007"})
    retype(world.wendy, field_id, "number")
    [event, _] = world.alice.history(made["id"]).json()
    assert event["changes"] == [{"field": "customFields.f", "from": "007", "to": "7"}]
    assert (event["type"], event["actor"]["name"]) == ("contact.updated", "Wendy")
    assert world.alice.fetch(made["id"]).headers["etag"] == '"2"'
    assert event["at"] == world.alice.read(made["id"])["updatedAt"]


MISFITS = [
    ("number", ["", "abc", "1e3", "0x1", "1,5", " 1", "٣", "9" * 400, "--1", "1."]),
    ("date", ["2024-02-30", "0000-01-01", "2024-1-1", "2024-01-00", "01.02.2024", "2024-01-01T10:00:00"]),
    ("boolean", ["yes", "True", "1", ""]),
]


@pytest.mark.parametrize(("new", "value"), [(new, value) for new, values in MISFITS for value in values])
def test_a_value_that_does_not_fit_is_named(world: World, new: str, value: str) -> None:
    field_id = world.field("f")
    made = world.alice.made(customFields={"f": value})
    answer = retype(world.alice, field_id, new)
    assert answer.status_code == 409
    [error] = answer.json()["errors"]
    assert (error["pointer"], error["contactId"]) == ("/type", made["id"])
    assert (type_of(world, field_id), stored(world)) == ("text", [value])


def test_up_to_ten_contacts_are_named_and_nothing_changes(world: World) -> None:
    field_id = world.field("f")
    world.alice.batch(*({"op": "create", "data": {"customFields": {"f": f"x{n}"}}} for n in range(25)))
    world.alice.made(customFields={"f": "007"})
    answer = retype(world.alice, field_id, "number", changes={"name": "g"})
    assert len({error["contactId"] for error in answer.json()["errors"]}) == 10
    assert world.alice.get(f"{PATH}/{field_id}").json()["name"] == "f"
    assert "007" in stored(world)
    assert world.alice.made(customFields={"f": "still text"})


def test_the_value_of_a_deleted_contact_counts_but_is_not_shown(world: World) -> None:
    field_id = world.field("f")
    made = world.alice.made(customFields={"f": "secret"})
    world.alice.remove(made["id"])
    answer = retype(world.wendy, field_id, "number")
    assert answer.status_code == 409
    assert "secret" not in answer.text


def test_other_workspaces_and_other_fields_do_not_matter(world: World) -> None:
    field_id, two = world.field("f"), world.field("f", workspace_id=world.acme_two)
    world.field("other")
    world.alice.made(customFields={"other": "abc"})
    world.ada.made(workspaceId=world.acme_two, customFields={"f": "abc"})
    assert retype(world.ada, field_id, "number").status_code == 200
    assert retype(world.ada, two, "number").status_code == 409
    assert retype(world.carol, two, "text").status_code == 404


def test_name_and_position_change_with_it_or_not_at_all(world: World) -> None:
    field_id, _ = world.field("f"), world.field("g")
    world.alice.made(customFields={"f": "007"})
    assert retype(world.alice, field_id, "number", changes={"name": "g"}).status_code == 409
    assert (type_of(world, field_id), stored(world)) == ("text", ["007"])
    answer = retype(world.alice, field_id, "number", changes={"name": "h", "position": 1})
    assert (answer.json()["name"], answer.json()["position"], answer.json()["type"]) == ("h", 1, "number")
    assert stored(world, "h") == ["7"]


def test_a_dry_run_says_what_would_happen(world: World) -> None:
    field_id = world.field("f")
    made = world.alice.made(customFields={"f": "007"})
    assert retype(world.alice, field_id, "boolean", dryRun=True).status_code == 409
    answer = retype(world.alice, field_id, "number", dryRun=True)
    assert (answer.status_code, answer.json()["type"]) == (200, "number")
    assert type_of(world, field_id) == "text"
    assert world.alice.patch(made["id"], {"customFields": {"f": "abc"}}).status_code == 200


def test_a_retry_with_the_same_key_is_answered_again(world: World) -> None:
    field_id = world.field("f")
    made = world.alice.made(customFields={"f": "abc"})
    one, two = {"idempotency-key": "one"}, {"idempotency-key": "two"}
    assert retype(world.alice, field_id, "number", headers=one).status_code == 409
    world.alice.patch(made["id"], {"customFields": {"f": "007"}})
    assert retype(world.alice, field_id, "number", headers=one).status_code == 409
    first = retype(world.alice, field_id, "number", headers=two)
    assert first.status_code == 200
    assert retype(world.alice, field_id, "number", headers=two).json() == first.json()
    world.alice.remove(made["id"], purge=True)
    assert retype(world.alice, field_id, "text", headers=one).status_code == 200


def test_values_on_many_pages_are_all_seen(world: World) -> None:
    field_id = world.field("f")
    fill(world, field_id, ["5"] * 2500 + ["007"] + ["5"] * 2500 + ["08"])
    assert retype(world.alice, field_id, "number").status_code == 200
    assert set(stored(world)) == {"5", "7", "8"}
    fill(world, field_id, ["abc"])
    world.sql.execute("update custom_fields set type = 'text' where id = $1", field_id)
    assert retype(world.alice, field_id, "number").status_code == 409


def fill(world: World, field_id: str, values: list[str]) -> None:
    world.sql.execute(
        """insert into contacts (workspace_id, id, tag_ids, fields, version, created_at, updated_at)
           select $1, v.id, '{}', jsonb_build_object(f.num::text, v.value), 1, now(), now()
             from unnest($2::uuid[], $3::text[]) as v (id, value)
             join custom_fields f on f.workspace_id = $1 and f.id = $4""",
        world.acme,
        sorted(new_id() for _ in values),
        values,
        field_id,
    )


def test_whatever_is_written_meanwhile_every_value_fits_the_type(world: World) -> None:
    field_id = world.field("f")
    contacts = [world.alice.made(customFields={"f": "1"}) for _ in range(6)]
    over = threading.Event()
    statuses: list[int] = []

    def write(number: int) -> None:
        for n in itertools.count(number):
            value = ("07", "abc", "2024-01-01", "true", "1.50")[n % 5]
            answer = world.alice.patch(contacts[number]["id"], {"customFields": {"f": value}})
            assert answer.status_code in (200, 400), answer.text
            if answer.status_code == 200:
                world.alice.patch(contacts[number]["id"], {"customFields": {"f": None}})
            if over.is_set():
                return

    def change() -> None:
        for new in ["number", "text", "date", "boolean", "text"] * 8:
            answer = retype(world.alice, field_id, new)
            statuses.append(answer.status_code)
            kind = type_of(world, field_id)
            assert kind == new or answer.status_code == 409, answer.text
            for value in stored(world):
                assert text_form(kind, value), (kind, value)
        over.set()

    at_once(change, *[lambda n=n: write(n) for n in range(6)])
    assert {200, 409} >= set(statuses)
    assert 200 in statuses


@contextmanager
def another(world: World) -> Generator[Sql]:
    with sql_at(world.sql.url) as sql:
        yield sql


WRITE = """update contacts c set fields = jsonb_build_object(f.num::text, $3::text) from custom_fields f{more}
            where c.workspace_id = $1 and c.id = $2 and f.workspace_id = $1"""


def test_a_transaction_that_wrote_before_is_waited_for(world: World) -> None:
    field_id = world.field("f")
    made = world.alice.made(customFields={"f": "1"})
    with another(world) as slow, ThreadPoolExecutor(1) as pool:
        slow.execute("begin")
        slow.execute(WRITE.format(more=""), world.acme, made["id"], "abc")
        answer = pool.submit(retype, world.alice, field_id, "number")
        time.sleep(0.5)
        assert not answer.done()
        slow.execute("commit")
        assert answer.result().status_code == 409
    assert (type_of(world, field_id), stored(world)) == ("text", ["abc"])


def test_whoever_writes_only_later_is_not_waited_for(world: World) -> None:
    field_id = world.field("f")
    made, other = world.alice.made(customFields={"f": "1"}), world.alice.made()
    with another(world) as slow, another(world) as later, ThreadPoolExecutor(1) as pool:
        slow.execute("begin")
        slow.execute(WRITE.format(more=""), world.acme, made["id"], "2")
        answer = pool.submit(retype, world.alice, field_id, "number")
        announced = "select next_type is not null from custom_fields where id = $1"
        until(lambda: world.sql.value(announced, field_id))
        time.sleep(0.3)  # By then it has seen who was writing.
        later.execute("begin")
        later.execute("update contacts set first_name = 'June' where id = $1", other["id"])
        slow.execute("commit")
        assert answer.result().status_code == 200
        later.execute("commit")
    assert (type_of(world, field_id), stored(world)) == ("number", ["2"])


def test_a_value_that_is_changed_while_all_are_rewritten_stays(world: World) -> None:
    field_id = world.field("f")
    made = world.alice.made(customFields={"f": "8.0"})
    with another(world) as holder, ThreadPoolExecutor(1) as pool:
        holder.execute("begin")
        holder.execute("select from contacts where id = $1 for update", made["id"])
        answer = pool.submit(retype, world.alice, field_id, "number")
        until_waiting(world.sql)
        holder.execute(WRITE.format(more=""), world.acme, made["id"], "9")
        holder.execute("commit")
        assert answer.result().status_code == 200
    assert stored(world) == ["9"]


def test_what_is_changed_beside_while_all_are_rewritten_stays_too(world: World) -> None:
    field_id, beside = world.field("f"), world.field("g")
    made = world.alice.made(customFields={"f": "8.0", "g": "old"})
    with another(world) as holder, ThreadPoolExecutor(1) as pool:
        holder.execute("begin")
        holder.execute("select from contacts where id = $1 for update", made["id"])
        answer = pool.submit(retype, world.alice, field_id, "number")
        until_waiting(world.sql)
        holder.execute(
            """update contacts c set fields = c.fields || jsonb_build_object(f.num::text, 'new'::text)
                 from custom_fields f where c.id = $1 and f.id = $2""",
            made["id"],
            beside,
        )
        holder.execute("commit")
        assert answer.result().status_code == 200
    assert (stored(world), stored(world, "g")) == (["8"], ["new"])


def test_a_statement_that_has_not_written_yet_is_waited_for(world: World) -> None:
    field_id = world.field("f")
    made = world.alice.made(customFields={"f": "1"})
    with another(world) as slow, ThreadPoolExecutor(2) as pool:
        statement = WRITE.format(more=", (select pg_sleep(1)) s")
        writing = pool.submit(slow.execute, statement, world.acme, made["id"], "abc")
        time.sleep(0.3)
        assert retype(world.alice, field_id, "number").status_code == 409
        assert writing.result() == "UPDATE 1"
    assert (type_of(world, field_id), stored(world)) == ("text", ["abc"])


def test_where_a_transaction_does_not_end_nothing_changes(world: World) -> None:
    field_id = world.field("f")
    made, other = world.alice.made(customFields={"f": "1"}), world.alice.made()
    with another(world) as slow:
        slow.execute("begin")
        slow.execute(WRITE.format(more=""), world.acme, made["id"], "2")
        answer = retype(world.alice, field_id, "number")
        slow.execute("rollback")
    assert (answer.status_code, answer.json()["retryable"]) == (503, True)
    assert type_of(world, field_id) == "text"
    assert world.alice.patch(other["id"], {"customFields": {"f": "abc"}}).status_code == 200


def test_while_it_is_being_changed_a_value_must_fit_both_types(world: World) -> None:
    field_id = world.field("f")
    made, other = world.alice.made(customFields={"f": "1"}), world.alice.made()
    with another(world) as slow, ThreadPoolExecutor(1) as pool:
        slow.execute("begin")
        slow.execute(WRITE.format(more=""), world.acme, made["id"], "2")
        answer = pool.submit(retype, world.alice, field_id, "number")
        time.sleep(0.5)
        assert world.alice.patch(other["id"], {"customFields": {"f": "abc"}}).status_code == 400
        assert world.alice.patch(other["id"], {"customFields": {"f": "08"}}).status_code == 200
        assert type_of(world, field_id) == "text"
        slow.execute("commit")
        assert answer.result().status_code == 200
    assert stored(world) == ["2", "8"]


def test_of_two_changes_at_once_the_later_one_takes_over(world: World) -> None:
    field_id = world.field("f")
    made = world.alice.made()
    with another(world) as slow, ThreadPoolExecutor(2) as pool:
        slow.execute("begin")
        slow.execute("update contacts set first_name = 'Slow' where id = $1", made["id"])
        first = pool.submit(retype, world.alice, field_id, "number")
        time.sleep(0.3)
        second = pool.submit(retype, world.alice, field_id, "date")
        time.sleep(0.3)
        slow.execute("commit")
        assert (first.result().status_code, first.result().json()["retryable"]) == (409, True)
        assert second.result().status_code == 200
    assert type_of(world, field_id) == "date"


def test_the_same_change_sent_several_times_at_once_is_made(world: World) -> None:
    field_id = world.field("f")
    answers = at_once(*[lambda: retype(world.alice, field_id, "boolean")] * 4)
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert 200 in {answer.status_code for answer in answers}
    assert all(answer.json()["retryable"] for answer in answers if answer.status_code == 409)
    assert type_of(world, field_id) == "boolean"


def test_after_a_crash_the_next_attempt_starts_over(world: World) -> None:
    field_id = world.field("f")
    world.alice.made(customFields={"f": "007"})
    leave(world, field_id, "number", datetime.now(UTC))
    assert retype(world.alice, field_id, "boolean").status_code == 409
    assert retype(world.alice, field_id, "number").status_code == 200
    assert stored(world) == ["7"]


def test_after_a_crash_during_the_rewriting_the_same_type_finishes_it(world: World) -> None:
    field_id = world.field("f", "number")
    fill(world, field_id, ["007"])
    leave(world, field_id, "number", datetime.now(UTC))
    assert retype(world.alice, field_id, "number").status_code == 200
    assert stored(world) == ["7"]
    assert world.sql.value("select next_type from custom_fields where id = $1", field_id) is None


def test_an_abandoned_change_ends_by_itself(world: World) -> None:
    field_id = world.field("f")
    made = world.alice.made(customFields={"f": "1"})
    leave(world, field_id, "number", datetime.now(UTC) - timedelta(minutes=11))
    until(lambda: world.alice.patch(made["id"], {"customFields": {"f": "abc"}}).status_code == 200)


def leave(world: World, field_id: str, next_type: str, at: datetime) -> None:
    """What a crash leaves behind in the middle of a change."""
    world.sql.execute(
        """with field as (update custom_fields set next_type = $2, next_type_at = $3 where id = $1)
           update workspaces set catalog_version = catalog_version + 1 where id = $4""",
        field_id,
        next_type,
        at,
        world.acme,
    )
