"""The tree of filters beside a twin in Python (filter_twin.py): thousands of random trees, 200 contacts."""

import itertools
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contactory.catalog.catalog import Catalog, read_catalog
from contactory.contacts.columns import BUILT_IN
from contactory.contacts.read.available import parse_available
from contactory.contacts.read.counting import count_contacts, count_up_to
from contactory.contacts.read.filter import And, Clauses, Compare, Filter, Not, Or, condition
from contactory.contacts.read.listing import list_contacts
from contactory.contacts.read.search import query_of
from contactory.contacts.read.sorted import list_ordered
from contactory.rules.checks import Errors
from tests.contacts.filter_twin import Twin
from tests.dashboard.test_search import settle
from tests.world import World, a_phone

FIRST = [
    "Jan",
    "JANE",
    "Élodie",
    "élodie",
    "Elodie",
    "Zoë",
    "Ан\u0301на",
    "Łódź",
    "Øđe\u0301",
    "하나",
    "100%",
    None,
    None,
]
LAST = ["O'Neil", "Müller", "MÜLLER", "Doe", "\\", None, None]
TAGS = ["gold", "lead", "vip", "merged", "deleted"]
ASKED_TAGS = [*TAGS, "GOLD", "unused"]
ZONES = ["America/Los_Angeles", "Asia/Tokyo", "Japan", "Europe/Paris", None]
STATUSES = ["granted", "denied", "unknown"]
FIELDS = {
    "Stage": ("text", ["new", "New", "Won ✓", "neu", "", "10"]),
    "MRR": ("number", ["-3", "0", "9", "9.5", "10", "250", "1" + "0" * 40]),
    "Born": ("date", ["0001-01-01", "1999-12-31", "2000-01-01", "2024-02-29"]),
    "Paid": ("boolean", ["true", "false"]),
}
BY_TYPE = {
    "text": ["is", "contains", "exactly"],
    "number": ["is", "least", "most", "exactly"],
    "date": ["is", "from", "before", "exactly"],
    "boolean": ["is", "exactly"],
}
MOMENTS = [datetime.fromisoformat(f"2026-03-02T{hour:02}:00:00+00:00") for hour in (3, 11, 18, 23)]
AT_ONCE = 50
ROUNDS = 20
"""Of so many trees for each seed."""


class Cast:
    """A workspace with contacts of every sort, some of them deleted."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self.rng = rng
        for name, (kind, _) in FIELDS.items():
            world.field(name, kind)
        made = self._made(world)
        allowed = {moment: self._allowed(world, made, moment) for moment in MOMENTS}
        called, gone = rng.sample(made, 30), set(rng.sample(made, 20))
        world.alice.batch(*({"op": "update", "id": each, "data": {"tags": ["called"]}} for each in called))
        world.alice.batch(*({"op": "delete", "id": each} for each in gone))
        world.alice.request("PATCH", "/v1/tags/merged", {"name": "gold", "merge": True})
        world.alice.delete("/v1/tags/deleted")
        settle(world, len(made) - len(gone))
        active = world.bob.list(include="consent", limit=1000).json()
        self.contacts = [{**contact, "deletedAt": None} for contact in active]
        self.contacts += [self._deleted(world, contact_id) for contact_id in sorted(gone)]
        catalog = world.sql.run(read_catalog(world.sql.conn, world.acme))
        assert catalog is not None
        self.catalog: Catalog = catalog
        self.numbers = {field.name: field.num for field in catalog.fields.values()}
        kinds = {field.num: (field.name, field.type) for field in catalog.fields.values()}
        self.twin = Twin(kinds, allowed)

    def _made(self, world: World) -> list[str]:
        operations = [{"op": "create", "data": self._values()} for _ in range(200)]
        results = world.alice.batch(*operations).json()["results"]
        assert all(result["status"] == 201 for result in results), results
        return [result["contact"]["id"] for result in results]

    def _values(self) -> dict[str, Any]:
        rng = self.rng
        tags = rng.sample(TAGS, rng.randint(0, 3))
        return {
            "firstName": rng.choice(FIRST),
            "lastName": rng.choice(LAST),
            "email": f"Q{rng.randrange(10**9)}@Example.com" if rng.random() < 0.7 else None,
            "phone": a_phone() if rng.random() < 0.7 else None,
            "timezone": rng.choice(ZONES),
            "tags": tags,
            "customFields": {
                n: rng.choice(values) for n, (_, values) in FIELDS.items() if rng.random() < 0.6
            },
            "consent": {
                "call": {"status": rng.choice(STATUSES)},
                "email": {"status": rng.choice(STATUSES)},
                "doNotContact": rng.random() < 0.2,
            },
        }

    def _allowed(self, world: World, ids: list[str], moment: datetime) -> set[str]:
        asked = {"ids": ids, "channel": "call", "at": moment.isoformat()}
        results = world.bob.post("/v1/availability", asked).json()["results"]
        return {each["id"] for each in results if each["availability"]["allowed"]}

    def _deleted(self, world: World, contact_id: str) -> dict[str, Any]:
        shown = world.alice.fetch(contact_id, include=["deleted", "consent"]).json()
        gone = world.sql.value("select deleted_at from contacts where id = $1", contact_id)
        return {**shown, "deletedAt": gone}

    # Random trees.

    def tree(self, depth: int = 4) -> Filter:
        chance = self.rng.random()
        if depth == 0 or chance < 0.4:
            return self.leaf()
        if chance < 0.55:
            return Not(self.tree(depth - 1))
        items = tuple(self.tree(depth - 1) for _ in range(self.rng.choice([0, 1, 2, 2, 3, 4])))
        return And(items) if chance < 0.78 else Or(items)

    def leaf(self) -> Compare:
        kinds = [self._text, self._custom, self._custom, self._tags, self._moment, self._other]
        return self.rng.choice(kinds)()

    def _text(self) -> Compare:
        rng = self.rng
        field = rng.choice(["firstName", "lastName", "email", "phone", "timezone"])
        some = rng.choice(self.contacts)[field]
        operator = rng.choice(["filled", "empty", "is", "contains"])
        if operator in ("filled", "empty") or some is None:
            return Compare(field, rng.choice(["filled", "empty"]))
        if operator == "contains" and field != "timezone":
            start = rng.randrange(len(some))
            return Compare(field, "contains", some[start : start + rng.randint(1, 3)])
        if field == "email":
            return Compare(field, "is", some.lower())
        return Compare(
            field, "is", some if field in ("phone", "timezone") else rng.choice([some, some.upper()])
        )

    def _custom(self) -> Compare:
        rng = self.rng
        name, (kind, values) = rng.choice([*FIELDS.items()])
        field = f"field-{self.numbers[name]}"
        if rng.random() < 0.25:
            return Compare(field, rng.choice(["filled", "empty"]))
        return Compare(field, rng.choice(BY_TYPE[kind]), rng.choice(values))

    def _tags(self) -> Compare:
        if self.rng.random() < 0.2:
            return Compare("tags", self.rng.choice(["filled", "empty"]))
        names = self.rng.sample(ASKED_TAGS, self.rng.randint(1, 3))
        return Compare("tags", self.rng.choice(["has", "lacks"]), tuple(names))

    def _moment(self) -> Compare:
        field = self.rng.choice(["createdAt", "updatedAt", "deletedAt"])
        if field == "deletedAt" and self.rng.random() < 0.5:
            return Compare(field, self.rng.choice(["filled", "empty"]))
        moment = datetime.fromisoformat(self.rng.choice(self.contacts)["updatedAt"])
        moment += timedelta(microseconds=self.rng.choice([-1, 0, 0, 1]))
        return Compare(field, self.rng.choice(["from", "after", "before", "until"]), moment)

    def _other(self) -> Compare:
        rng = self.rng
        field = rng.choice(
            ["id", "consent.call", "consent.email", "consent.doNotContact", "search", "available"]
        )
        if field == "id":
            return Compare("id", "in", tuple(c["id"] for c in rng.sample(self.contacts, rng.randint(0, 60))))
        if field == "search":
            return Compare("search", rng.choice(["finds", "meets"]), rng.choice(["jan", "elo", "mul", "x"]))
        if field == "available":
            return self.available(rng.choice(MOMENTS))
        value = rng.random() < 0.5 if field.endswith("Contact") else rng.choice(STATUSES)
        return Compare(field, "is", value)

    def available(self, at: datetime) -> Compare:
        reach = parse_available({"availableAt": at, "channel": "call"}, self.catalog, Errors())
        return Compare("available", "at", reach)


def bound(wanted: Filter, catalog: Catalog) -> Filter:
    """The tree as it is put to the database: words to search for as a query."""
    match wanted:
        case Compare("search", operator, typed):
            return Compare("search", operator, query_of(catalog.workspace_id, typed))
        case Not(item):
            return Not(bound(item, catalog))
        case And(items):
            return And(tuple(bound(item, catalog) for item in items))
        case Or(items):
            return Or(tuple(bound(item, catalog) for item in items))
        case _:
            return wanted


def let_through(world: World, catalog: Catalog, trees: list[Filter]) -> list[set[str]]:
    """The ids of the contacts, deleted ones too, for which each tree is true."""
    args: list[Any] = [world.acme]

    def arg(value: Any) -> str:
        args.append(value)
        return f"${len(args)}"

    shown = ", ".join(f"({condition(bound(tree, catalog), catalog, arg)}) is true" for tree in trees)
    rows = world.sql.fetch(
        f"select c.id::text, array[{shown}] from contacts c where c.workspace_id = $1", *args
    )
    return [{row[0] for row in rows if row[1][n]} for n in range(len(trees))]


@pytest.mark.parametrize("seed", range(3))
def test_every_tree_lets_through_what_its_twin_does(world: World, seed: int) -> None:
    rng = random.Random(seed)
    cast = Cast(world, rng)
    sizes: set[int] = set()
    for _ in range(ROUNDS):
        trees = [cast.tree() for _ in range(AT_ONCE)]
        for tree, found in zip(trees, let_through(world, cast.catalog, trees), strict=True):
            expected = {c["id"] for c in cast.contacts if cast.twin.holds(tree, c)}
            assert found == expected, tree
            sizes.add(len(found))
    assert len(sizes) > 100, "the trees hardly differ"


ORDERS = ["createdAt", "-createdAt", "updatedAt", "-updatedAt"]


def test_lists_and_counts_by_a_tree_are_those_of_its_twin(world: World) -> None:
    rng = random.Random(4)
    cast, conn, run = Cast(world, rng), world.sql.conn, world.sql.run
    for n in range(100):
        tree: Filter = And((cast.tree(3), *(cast.leaf() for _ in range(rng.randint(0, 2)))))
        if n % 3 == 0:
            tree = And((tree, cast.available(rng.choice(MOMENTS))))
        expected = {c["id"] for c in cast.contacts if cast.twin.holds(tree, c) and is_meant(tree, c)}
        wanted, sort = bound(tree, cast.catalog), rng.choice(ORDERS)
        page = run(list_contacts(conn, cast.catalog, wanted, sort, 1000, 0, None))
        assert {row["id"] for row in page.rows} == expected, (tree, sort)
        in_order = run(list_ordered(conn, cast.catalog, wanted, BUILT_IN[2], "asc", 1000, None))
        assert {row["id"] for row in in_order.rows} == expected, tree
        walked = list(walk(world, cast.catalog, wanted, sort))
        assert sorted(walked) == sorted(expected), (tree, sort)
        assert run(count_contacts(conn, cast.catalog, wanted)) == len(expected), tree
        assert run(count_up_to(conn, cast.catalog, wanted, 3)) == min(len(expected), 4), tree


def test_a_list_is_bounded_by_all_that_its_filter_says_of_the_last_change() -> None:
    first, noon, last = (datetime(2026, 3, 2, hour, tzinfo=UTC) for hour in (9, 12, 15))
    after = [Compare("updatedAt", "after", first), Compare("updatedAt", "from", noon)]
    before = [Compare("updatedAt", "before", last), Compare("updatedAt", "before", noon)]
    for parts in itertools.permutations([*after, *before]):
        clauses = Clauses(And((And(parts[:2]), *parts[2:])))
        assert clauses.updated_after == noon - timedelta(microseconds=1)
        assert clauses.updated_before == noon
    either = Clauses(Or((*after, *before)))
    assert (either.updated_after, either.updated_before) == (None, None)


def test_a_tag_that_another_process_has_just_created_fills_the_tags(world: World) -> None:
    catalog = world.sql.run(read_catalog(world.sql.conn, world.acme))
    assert catalog is not None
    tagged, bare = world.alice.made(tags=["brand new"])["id"], world.alice.made()["id"]
    filled, empty = Compare("tags", "filled"), Compare("tags", "empty")
    assert catalog.tag_ids == {}
    assert let_through(world, catalog, [filled, empty]) == [{tagged}, {bare}]


def is_meant(tree: Filter, contact: dict[str, Any]) -> bool:
    """A list is about active contacts, unless what must hold speaks of deletion."""
    return contact["deletedAt"] is None or any(
        isinstance(part, Compare) and part.field == "deletedAt" for part in must_hold(tree)
    )


def must_hold(tree: Filter) -> list[Filter]:
    if not isinstance(tree, And):
        return [tree]
    return list(itertools.chain.from_iterable(map(must_hold, tree.items)))


def walk(world: World, catalog: Catalog, wanted: Filter, sort: str) -> Any:
    """The ids of a list, page by page."""
    cursor = None
    while True:
        page = world.sql.run(list_contacts(world.sql.conn, catalog, wanted, sort, 40, 0, cursor))
        yield from (row["id"] for row in page.rows)
        cursor = page.next
        if cursor is None:
            return


def test_trees_of_one_shape_share_a_statement(world: World) -> None:
    rng = random.Random(7)
    cast = Cast(world, rng)
    for _ in range(200):
        tree = cast.tree()
        texts = {condition(other, cast.catalog, Places()) for other in (tree, revalued(cast, tree))}
        assert len(texts) == 1, texts


class Places:
    """Gives the places of values in a statement."""

    def __init__(self) -> None:
        self.count = 1

    def __call__(self, value: Any) -> str:
        self.count += 1
        return f"${self.count}"


def revalued(cast: Cast, tree: Filter) -> Filter:
    """The same questions with other values."""
    match tree:
        case Not(item):
            return Not(revalued(cast, item))
        case And(items):
            return And(tuple(revalued(cast, item) for item in items))
        case Or(items):
            return Or(tuple(revalued(cast, item) for item in items))
        case Compare(field, operator):
            others = (cast.leaf() for _ in range(2000))
            alike = (leaf for leaf in others if (leaf.field, leaf.operator) == (field, operator))
            return next(alike, tree)
