"""POST /v1/contacts/batch: operations that could meet on one contact take effect in the order given.

A twin workspace is sent the same operations one after the other, each in a request of its own.
"""

import random
import secrets
from typing import Any

import httpx
import pytest

from tests.world import Caller, World

BATCHES = 150
WRITINGS = {
    "+442079461234": ["+442079461234", "020 7946 1234", "0044 20 7946 1234", "+44 (20) 7946-1234"],
    "+442079465678": ["+442079465678", "(020) 7946 5678", "tel:+44-20-7946-5678"],
    "+14155551234": ["+1 415 555 1234", "+1 (415) 555-1234", "001 415 555 1234"],
}
ADDRESSES = {
    "pair@example.com": ["pair@example.com", "PAIR@EXAMPLE.COM", " Pair@example.com"],
    "other@example.com": ["other@example.com", "Other@Example.com"],
    "bücher@example.com": ["bücher@example.com", "BÜCHER@example.com"],
}
PHONE, EMAIL = "+442079461234", "pair@example.com"


@pytest.fixture
def british(world: World) -> Caller:
    """Somebody of a workspace where phones are read without a country code."""
    return world.caller(world.workspace("British", country="GB"))


def upsert(**data: Any) -> dict[str, Any]:
    return {"op": "upsert", "data": data}


def create(**data: Any) -> dict[str, Any]:
    return {"op": "create", "data": data}


def update(contact: dict[str, Any], **data: Any) -> dict[str, Any]:
    return {"op": "update", "id": contact["id"], "data": data}


def delete(contact: dict[str, Any]) -> dict[str, Any]:
    return {"op": "delete", "id": contact["id"]}


def statuses(answer: httpx.Response) -> list[int]:
    assert answer.status_code == 200, answer.text
    return [result["status"] for result in answer.json()["results"]]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"phone": "020 7946 1234"}, {"phone": PHONE}),
        ({"phone": PHONE}, {"phone": "0044 20 7946 1234"}),
        ({"phone": PHONE}, {"email": EMAIL}),
        ({"email": EMAIL.upper()}, {"phone": "020 7946 1234"}),
        ({"email": EMAIL}, {"email": " PAIR@example.com"}),
    ],
)
def test_two_upserts_of_one_contact_are_in_order_however_it_is_named(
    british: Caller, first: dict[str, str], second: dict[str, str]
) -> None:
    made = british.made(phone=PHONE, email=EMAIL)
    for number in range(10):
        answer = british.batch(
            upsert(**first, firstName=f"A{number}"), upsert(**second, firstName=f"B{number}")
        )
        assert statuses(answer) == [200, 200]
        assert british.read(made["id"])["firstName"] == f"B{number}"


def test_a_consent_that_is_granted_and_then_denied_is_denied(british: Caller) -> None:
    made = british.made(phone=PHONE, email=EMAIL)
    for _ in range(10):
        answer = british.batch(
            upsert(phone="020 7946 1234", consent={"call": {"status": "granted"}}),
            upsert(email=EMAIL, consent={"call": {"status": "denied"}}),
        )
        assert statuses(answer) == [200, 200]
        consent = british.get(f"/v1/contacts/{made['id']}/consent").json()
        assert consent["call"]["status"] == "denied"


def test_a_contact_is_deleted_once(british: Caller) -> None:
    for _ in range(10):
        made = british.made()
        assert statuses(british.batch(delete(made), delete(made), update(made, firstName="x"))) == [
            204,
            404,
            404,
        ]


def test_an_update_by_id_and_an_upsert_of_the_same_contact_are_in_order(british: Caller) -> None:
    made, other = british.made(phone=PHONE), british.made(email="other@example.com")
    answer = british.batch(
        update(made, firstName="A"),
        update(other, firstName="X"),
        upsert(phone="020 7946 1234", firstName="B"),
        upsert(email="OTHER@example.com", firstName="Y"),
        update(made, firstName="C"),
        update(other, firstName="Z"),
    )
    assert statuses(answer) == [200] * 6
    assert [r["contact"]["firstName"] for r in answer.json()["results"]] == ["A", "X", "B", "Y", "C", "Z"]
    assert (british.read(made["id"])["firstName"], british.read(other["id"])["firstName"]) == ("C", "Z")


def test_an_update_that_gives_a_contact_an_email_comes_before_an_upsert_of_that(british: Caller) -> None:
    made = british.made(firstName="A")
    answer = british.batch(
        update(made, email=EMAIL), upsert(email=EMAIL.upper(), firstName="B"), update(made, lastName="C")
    )
    assert statuses(answer) == [200, 200, 200]
    names = british.read(made["id"])
    assert (names["email"], names["firstName"], names["lastName"]) == (
        EMAIL.upper().replace("EXAMPLE.COM", "example.com"),
        "B",
        "C",
    )


def test_what_is_freed_is_free_for_those_that_come_later_and_for_no_others(british: Caller) -> None:
    made = british.made(phone=PHONE, email=EMAIL)
    answer = british.batch(
        create(phone="020 7946 1234"),
        create(email=EMAIL),
        update(made, email=None),
        create(email=EMAIL.upper(), firstName="Heir"),
        delete(made),
        upsert(phone="020 7946 1234", firstName="New"),
        create(phone=PHONE),
    )
    assert statuses(answer) == [409, 409, 200, 201, 204, 201, 409]
    new = answer.json()["results"][5]["contact"]
    assert (new["firstName"], new["id"] != made["id"]) == ("New", True)


def test_a_create_comes_before_the_upsert_of_its_phone(british: Caller) -> None:
    for number in range(10):
        phone = f"+4420794600{number:02}"
        answer = british.batch(
            create(phone=phone, firstName="A"), upsert(phone=f"0{phone[3:]}", firstName="B")
        )
        assert statuses(answer) == [201, 200]
        assert answer.json()["results"][1]["contact"]["firstName"] == "B"


def test_a_refused_operation_does_not_disturb_the_order(world: World, british: Caller) -> None:
    """One names a field that the process does not know of yet, and waits for a fresh catalogue."""
    made = british.made(phone=PHONE)
    for number in range(5):
        world.field(f"Size {number}", workspace_id=british.workspace_id)
        answer = british.batch(
            update(made, firstName="A", customFields={f"Size {number}": "L"}),
            update(made, firstName="B"),
            upsert(phone=PHONE, firstName="C", nonsense=1),
        )
        assert statuses(answer) == [200, 200, 400]
        assert british.read(made["id"])["firstName"] == "B"


def test_many_different_contacts_share_few_commits(world: World, british: Caller) -> None:
    """Updates, creates and upserts in turn need not wait for each other."""
    contacts = [british.made(phone=f"+4420794610{n:02}") for n in range(60)]
    operations = [
        operation
        for n, contact in enumerate(contacts)
        for operation in (
            update(contact, firstName="June"),
            create(phone=f"+4420794620{n:02}"),
            upsert(phone=f"+4420794630{n:02}", firstName="New"),
        )
    ]
    assert statuses(british.batch(*operations)) == [200, 201, 201] * 60
    commits = "select count(distinct xmin::text) from contacts where workspace_id = $1"
    assert world.sql.value(commits, british.workspace_id) < 60


class Twins:
    """Two workspaces that are alike, and what each operation is about in either."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self.rng = rng
        self.together, self.alone = (world.caller(world.workspace(n, country="GB")) for n in ("One", "Two"))
        self.pairs: list[tuple[str, str]] = []

    def make(self) -> None:
        """A contact in both."""
        one, other = (
            caller.create({"firstName": "Jane"}).json()["id"] for caller in (self.together, self.alone)
        )
        self.pairs.append((one, other))

    def keys(self) -> dict[str, Any]:
        """Phone and e-mail in some writing, or one of the two, or none that count."""
        data: dict[str, Any] = {}
        if self.rng.random() < 0.6:
            data["phone"] = self.rng.choice([*self.rng.choice([*WRITINGS.values()]), None])
        if self.rng.random() < 0.6:
            data["email"] = self.rng.choice([*self.rng.choice([*ADDRESSES.values()]), None, ""])
        return data

    def operation(self, number: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """One operation, as it is sent to either."""
        kind = self.rng.choice(["create", "upsert", "upsert", "update", "update", "delete"])
        data: dict[str, Any] = self.keys() if kind != "update" or self.rng.random() < 0.4 else {}
        data["firstName"] = f"N{number}"
        if self.rng.random() < 0.3:
            data["tags"] = [self.rng.choice("abc")]
        if self.rng.random() < 0.2:
            data["consent"] = {"call": {"status": self.rng.choice(["granted", "denied", "unknown"])}}
        if kind in ("create", "upsert"):
            return {"op": kind, "data": data}, {"op": kind, "data": data}
        pair = self.rng.choice(self.pairs)
        rest = {} if kind == "delete" else {"data": data}
        one, other = ({"op": kind, "id": contact_id, **rest} for contact_id in pair)
        return one, other

    def compare(self, size: int) -> None:
        """Sends some operations at once and one by one: the same becomes of each, and of all contacts."""
        both = [self.operation(number) for number in range(size)]
        # With a key, all of it is one transaction.
        headers = {"idempotency-key": secrets.token_hex()} if self.rng.random() < 0.2 else {}
        results = self.together.batch(*(one for one, _ in both), headers=headers).json()["results"]
        expected = [self.alone.batch(other).json()["results"][0] for _, other in both]
        sent = [one for one, _ in both]
        assert [r["status"] for r in results] == [r["status"] for r in expected], sent
        for result, other in zip(results, expected, strict=True):
            if result["status"] == 201:
                self.pairs.append((result["contact"]["id"], other["contact"]["id"]))
            assert shown(result.get("contact")) == shown(other.get("contact")), sent
        assert self.whole(self.together, 0) == self.whole(self.alone, 1), sent

    def whole(self, caller: Caller, side: int) -> list[Any]:
        """All contacts that there are, in the order of the pairs."""
        found = {c["id"]: c for c in caller.list(limit=1000, include="consent").json()}
        return [shown(found.get(pair[side])) for pair in self.pairs] + [len(found)]


def shown(contact: dict[str, Any] | None) -> Any:
    """What twins have in common."""
    if contact is None:
        return None
    consent = {
        name: c if isinstance(c, bool) else c["status"] for name, c in contact.get("consent", {}).items()
    }
    apart = ("id", "workspaceId", "createdAt", "updatedAt", "consent")
    return {**{name: value for name, value in contact.items() if name not in apart}, "consent": consent}


@pytest.mark.timeout(180)
def test_a_batch_does_what_its_operations_do_one_after_the_other(world: World) -> None:
    rng = random.Random(19)
    for _ in range(10):
        twins = Twins(world, rng)
        for _ in range(3):
            twins.make()
        for _ in range(BATCHES // 10):
            twins.compare(rng.randrange(2, 9))
