"""What happens when many write at the same moment: no lost update, no duplicate, no deadlock."""

import random
import threading
from collections import Counter
from functools import partial

import httpx
import pytest

from tests.waiting import while_changed
from tests.world import Caller, World, a_phone, an_email, at_once


def both(world: World, second_http: httpx.Client) -> list[Caller]:
    """Alice, speaking to one server process and to another."""
    return [world.alice, world.alice.at(second_http)]


def test_changes_of_disjoint_fields_all_survive(world: World, second_http: httpx.Client) -> None:
    names = ["firstName", "lastName", "email", "phone", "timezone"]
    for number in range(8):
        world.field(f"F{number}")
    for _ in range(5):
        made = world.alice.made(tags=["start"])
        email, phone = an_email(), a_phone()
        values = dict(zip(names, ["June", "Roe", email, phone, "Asia/Tokyo"], strict=True))
        changes = [{name: value} for name, value in values.items()]
        changes += [{"customFields": {f"F{number}": number}} for number in range(8)]
        who = both(world, second_http)
        calls = [partial(who[n % 2].patch, made["id"], c) for n, c in enumerate(changes)]
        answers = at_once(*calls)
        assert [answer.status_code for answer in answers] == [200] * len(changes)
        now = world.alice.read(made["id"])
        assert {name: now[name] for name in names} == values
        assert now["customFields"] == {f"F{number}": f"{number}" for number in range(8)}
        assert world.alice.fetch(made["id"]).headers["etag"] == f'"{len(changes) + 1}"'


def test_each_answer_shows_the_contact_as_its_own_change_left_it(world: World) -> None:
    made = world.alice.made()
    answers = at_once(*(partial(world.alice.patch, made["id"], {"firstName": f"{n}"}) for n in range(16)))
    assert sorted(int(answer.json()["firstName"]) for answer in answers) == list(range(16))
    assert sorted(answer.headers["etag"] for answer in answers) == sorted(f'"{n}"' for n in range(2, 18))
    in_order = sorted(answers, key=lambda answer: int(answer.headers["etag"].strip('"')))
    times = [answer.json()["updatedAt"] for answer in in_order]
    assert len(set(times)) == 16
    assert world.alice.read(made["id"]) == in_order[-1].json()


def test_the_history_is_a_chain_without_gaps(world: World, second_http: httpx.Client) -> None:
    made = world.alice.made(firstName="start")
    who = both(world, second_http)
    at_once(*(partial(who[n % 2].patch, made["id"], {"firstName": f"{n}"}) for n in range(20)))
    events = world.alice.history(made["id"], limit=100).json()[::-1]
    links = [(event["changes"][0]["from"], event["changes"][0]["to"]) for event in events]
    assert len(links) == 21
    assert all(links[n][1] == links[n + 1][0] for n in range(20))


def test_tags_unite(world: World, second_http: httpx.Client) -> None:
    who = both(world, second_http)
    for _ in range(5):
        made = world.alice.made(tags=["start"])
        calls = [
            partial(who[n % 2].patch, made["id"], {"tags": [f"tag {n}", f"tag {n + 1}"]}) for n in range(16)
        ]
        assert {answer.status_code for answer in at_once(*calls)} == {200}
        assert set(world.alice.read(made["id"])["tags"]) == {"start", *(f"tag {n}" for n in range(17))}
    assert world.sql.value("select count(*) from tags where workspace_id = $1", world.acme) == 18


def test_a_tag_that_many_make_at_once_is_one_tag_and_nobody_loses_it(
    world: World, second_http: httpx.Client
) -> None:
    who = both(world, second_http)
    contacts = [world.alice.made() for _ in range(24)]
    for number in range(4):
        name = f"new {number}"
        calls = [partial(who[n % 2].patch, c["id"], {"tags": [name]}) for n, c in enumerate(contacts)]
        answers = at_once(*calls)
        assert all(name in answer.json()["tags"] for answer in answers)
        rows = world.sql.value(
            "select count(*) from tags where workspace_id = $1 and name = $2", world.acme, name
        )
        assert rows == 1
        assert world.alice.list(tag=name, count=True).headers["x-total-count"] == "24"


def test_an_upsert_of_one_new_phone_by_many_makes_one_contact(
    world: World, second_http: httpx.Client
) -> None:
    who = both(world, second_http)
    for _ in range(3):
        phone = a_phone()
        calls = [partial(who[n % 2].upsert, {"phone": phone, "tags": [f"tag {n}"]}) for n in range(32)]
        answers = at_once(*calls)
        assert Counter(answer.status_code for answer in answers) == {201: 1, 200: 31}
        assert len({answer.json()["id"] for answer in answers}) == 1
        [contact] = world.alice.list(phone=phone).json()
        assert set(contact["tags"]) == {f"tag {n}" for n in range(32)}


def test_upserts_by_phone_and_by_email_meet_in_one_contact(world: World) -> None:
    for _ in range(5):
        phone, email = a_phone(), an_email()
        calls = [partial(world.alice.upsert, {"phone": phone, "email": email})] * 8
        calls += [partial(world.alice.upsert, {"email": email, "phone": phone, "lastName": "Doe"})] * 8
        assert {answer.status_code for answer in at_once(*calls)} == {200, 201}
        assert len(world.alice.list(phone=phone).json()) == 1


def test_of_creates_with_one_email_exactly_one_wins(world: World, second_http: httpx.Client) -> None:
    who = both(world, second_http)
    email = an_email()
    calls = [partial(who[n % 2].create, {"email": email, "tags": ["x"]}) for n in range(16)]
    answers = at_once(*calls)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 15}
    [winner] = [answer.json()["id"] for answer in answers if answer.status_code == 201]
    assert {a.json()["errors"][0]["contactId"] for a in answers if a.status_code == 409} == {winner}


def test_of_patches_that_take_one_phone_exactly_one_wins_and_the_neighbours_are_unharmed(
    world: World,
) -> None:
    phone = a_phone()
    rivals = [world.alice.made() for _ in range(8)]
    others = [world.alice.made() for _ in range(8)]
    calls = [partial(world.alice.patch, c["id"], {"phone": phone}) for c in rivals]
    calls += [partial(world.alice.patch, c["id"], {"lastName": "Doe"}) for c in others]
    answers = at_once(*calls)
    assert Counter(answer.status_code for answer in answers[:8]) == {200: 1, 409: 7}
    assert {answer.status_code for answer in answers[8:]} == {200}
    assert all(world.alice.read(c["id"])["lastName"] == "Doe" for c in others)


def test_an_if_match_race_has_exactly_one_winner(world: World, second_http: httpx.Client) -> None:
    who = both(world, second_http)
    for _ in range(5):
        made = world.alice.made()
        calls = [
            partial(who[n % 2].patch, made["id"], {"firstName": f"{n}"}, headers={"if-match": '"1"'})
            for n in range(12)
        ]
        answers = at_once(*calls)
        assert Counter(answer.status_code for answer in answers) == {200: 1, 412: 11}
        [winner] = [answer for answer in answers if answer.status_code == 200]
        assert world.alice.read(made["id"]) == winner.json()


def test_a_restore_and_a_create_of_one_phone_have_one_winner(world: World) -> None:
    for _ in range(5):
        phone = a_phone()
        deleted = world.alice.made(phone=phone)
        world.alice.remove(deleted["id"])
        restored, created = at_once(
            partial(world.alice.restore, deleted["id"]), partial(world.alice.create, {"phone": phone})
        )
        assert (restored.status_code, created.status_code) in {(200, 409), (409, 201)}
        assert len(world.alice.list(phone=phone).json()) == 1


def test_deleting_at_once_is_done_once(world: World) -> None:
    made = world.alice.made()
    answers = at_once(*[partial(world.alice.remove, made["id"])] * 8)
    assert Counter(answer.status_code for answer in answers) == {204: 1, 404: 7}


def test_a_storm_of_batches_in_any_order_neither_deadlocks_nor_loses_anything(
    world: World, second_http: httpx.Client
) -> None:
    """Ten threads, two processes, the same contacts and the same new tags in random orders."""
    contacts = [world.alice.made()["id"] for _ in range(12)]
    who = both(world, second_http)
    written: list[tuple[str, str]] = []
    failures: list[str] = []

    def storm(number: int) -> None:
        rng = random.Random(number)
        for turn in range(6):
            chosen = rng.sample(contacts, 8)
            tags = [f"{number}-{turn}-{n}" for n in range(3)] + [f"shared {rng.randrange(20)}"]
            rng.shuffle(tags)
            operations = [{"op": "update", "id": c, "data": {"tags": tags}} for c in chosen]
            answer = who[number % 2].batch(*operations)
            results = answer.json()["results"]
            failures.extend(f"{result}" for result in results if result["status"] != 200)
            written.extend((c, tag) for c in chosen for tag in tags)

    threads = [threading.Thread(target=storm, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    carried = {contact: set(world.alice.read(contact)["tags"]) for contact in contacts}
    assert all(tag in carried[contact] for contact, tag in written)


def test_idempotent_requests_and_plain_ones_do_not_deadlock(world: World) -> None:
    contacts = [world.alice.made()["id"] for _ in range(4)]

    def work(number: int) -> list[int]:
        rng = random.Random(number)
        statuses: list[int] = []
        for turn in range(10):
            headers = {"idempotency-key": f"{number}-{turn}"} if number % 2 else {}
            operations = [
                {
                    "op": "update",
                    "id": contact,
                    "data": {"tags": [f"t{rng.randrange(30)}"], "lastName": f"{turn}"},
                }
                for contact in rng.sample(contacts, 4)
            ]
            answer = world.alice.batch(*operations, headers=headers)
            statuses += [
                result["status"] for result in answer.json().get("results", [{"status": answer.status_code}])
            ]
        return statuses

    for statuses in at_once(*(partial(work, n) for n in range(6))):
        assert set(statuses) == {200}


def test_keyed_batches_that_find_the_same_contacts_wait_for_each_other_and_all_succeed(world: World) -> None:
    """Each is one transaction, and names the contacts by e-mail and phone in an order of its own."""
    phones, emails = [a_phone() for _ in range(12)], [an_email() for _ in range(12)]
    for phone, email in zip(phones, emails, strict=True):
        world.alice.made(phone=phone, email=email)

    def work(number: int) -> list[httpx.Response]:
        rng = random.Random(number)
        answers: list[httpx.Response] = []
        for turn in range(4):
            chosen = rng.sample([*({"phone": p} for p in phones), *({"email": e} for e in emails)], 20)
            operations = [{"op": "upsert", "data": {**by, "lastName": f"{number} {turn}"}} for by in chosen]
            headers = {"idempotency-key": f"{number}-{turn}"}
            answers.append(world.alice.batch(*operations, headers=headers))
        return answers

    for answers in at_once(*(partial(work, n) for n in range(6))):
        for answer in answers:
            assert answer.status_code == 200, answer.text
            assert {result["status"] for result in answer.json()["results"]} == {200}


@pytest.mark.parametrize("by", ["phone", "email"])
def test_an_upsert_does_not_take_back_what_it_found_the_contact_by(world: World, by: str) -> None:
    old, new = (a_phone(), a_phone()) if by == "phone" else (an_email(), an_email())
    made = world.alice.made({by: old})
    columns = "phone = $2" if by == "phone" else "email = $2, email_key = $2"
    answer = while_changed(
        world.sql, made["id"], columns, lambda: world.alice.upsert({by: old, "firstName": "June"}), new
    )
    assert answer.status_code == 201, answer.text
    assert world.alice.read(made["id"])[by] == new


def test_an_upsert_sees_what_another_contact_takes_meanwhile(world: World) -> None:
    email, phone = an_email(), a_phone()
    found, other = world.alice.made(email=email), world.alice.made()
    answer = while_changed(
        world.sql,
        other["id"],
        "phone = $2",
        lambda: world.alice.upsert({"email": email, "phone": phone}),
        phone,
    )
    assert answer.status_code == 409
    assert {error["contactId"] for error in answer.json()["errors"]} == {found["id"], other["id"]}
