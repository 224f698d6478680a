"""GET /v1/contacts without filters: pages that wait together share a statement, and are exact."""

import asyncio
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from contactory.contacts.read.plain import PAGES, PlainPage
from contactory.contacts.read.reader import Reader, _in_turn
from contactory.database import db
from tests.contacts.test_list import ids, made
from tests.durability.client import HttpConnection
from tests.statements import counted
from tests.world import World
from tests.writer.traffic import swarm

ODD = [
    'a "quoted" name',
    "back\\slash",
    "tab\tand\nline",
    "\u0001\u001f\u007f\u0080\u2028\u2029",
    "Élodie 李 😀",
    "{1,2}",
    "null",
    "</script>&amp;",
    "x" * 255,
    None,
]
CONTACT = """
insert into contacts (workspace_id, id, first_name, last_name, email, email_key, phone, timezone, tag_ids,
                      fields, version, created_at, updated_at)
values ($1, gen_random_uuid(), $2, $3, $4, $4, $5, $6, $7, $8, 1, $9, $10)
"""
LISTS = 120


def odd_contacts(world: World, rng: random.Random, count: int) -> list[datetime]:
    """Contacts with odd values, several of each moment; gives their moments."""
    fields = [world.field(name) for name in ("Plan", 'a "b"', "Z \\ 李")]
    numbers = [world.sql.value("select num::text from custom_fields where id = $1", each) for each in fields]
    tags = ["vip", 'x "y"', "é 李", "last"]
    world.alice.made(tags=tags)
    tag_ids = [
        world.sql.value("select id from tags where workspace_id = $1 and name = $2", world.acme, t)
        for t in tags
    ]
    begun = datetime.fromisoformat("2024-01-01T00:00:00Z")
    moments = [
        begun + timedelta(seconds=n // 3, microseconds=rng.choice([0, 1, 120_000])) for n in range(count)
    ]
    for n, at in enumerate(moments):
        stored = {
            number: rng.choice(ODD[:-1]) for number in rng.sample([*numbers, "999999"], rng.randint(0, 4))
        }
        values = [rng.choice(ODD), rng.choice(ODD), rng.choice([None, f"a{n}@example.com"])]
        values += [rng.choice([None, f"+1415555{n:04}"]), rng.choice([None, "Asia/Tokyo"])]
        worn = rng.sample([*tag_ids, 999_999_999], rng.randint(0, 4))
        later = at + timedelta(microseconds=rng.choice([0, 5]))
        world.sql.execute(CONTACT, world.acme, *values, worn, json_of(stored), at, later)
    return moments


def json_of(stored: dict[str, str]) -> str:
    return httpx.Request("POST", "http://x", json=stored).content.decode()


@pytest.mark.parametrize("sort", ["createdAt", "-createdAt"])
def test_a_page_is_byte_for_byte_that_of_the_list_with_an_offset(world: World, sort: str) -> None:
    rng = random.Random(sort)
    moments = odd_contacts(world, rng, 60)
    for _ in range(60):
        asked: dict[str, Any] = {"sort": sort, "limit": rng.choice([1, 3, 20, 100])}
        for name in ("createdAfter", "createdBefore"):
            if rng.random() < 0.4:
                asked[name] = rng.choice(moments).isoformat()
        while asked:
            page, other = world.bob.list(**asked), world.bob.list(**asked, offset=0)
            assert page.status_code == other.status_code == 200
            assert (page.content, page.headers.get("link")) == (other.content, other.headers.get("link")), (
                asked
            )
            following = httpx.URL(page.links["next"]["url"]).params if "next" in page.links else {}
            asked = dict(following) if rng.random() < 0.8 else {}


def test_a_page_shows_at_once_what_was_written(world: World, second_http: httpx.Client) -> None:
    here, there = world.alice, world.alice.at(second_http)
    contact = here.made(firstName="0", tags=["vip"])
    for number in range(1, 15):
        writer, reader = (here, there) if number % 2 else (there, here)
        reader.list()
        changed = writer.patch(contact["id"], {"firstName": f"{number}"}).json()
        assert reader.list().json() == writer.list().json() == [changed]
    here.request("PATCH", "/v1/tags/vip", {"name": "gold"})
    assert here.list().json()[0]["tags"] == ["gold"]
    here.remove(contact["id"])
    assert here.list().json() == there.list().json() == []


def test_different_lists_that_wait_together_share_statements(
    world: World, database_url: str, private_server: Callable[..., httpx.Client]
) -> None:
    contacts = made(world.alice, 12)
    with counted(database_url) as statements:
        server = private_server(database_url=statements.url)
        world.bob.at(server).list()
        before = statements.since()

        async def read(number: int, http: HttpConnection) -> Any:
            return (await http.request("GET", f"/v1/contacts?limit={number % 40 + 1}")).json

        answers = swarm(server.base_url.port or 0, world.bob.key, LISTS, read)
        during = statements.since(before)
    assert [[each["id"] for each in page] for page in answers] == [
        [each["id"] for each in contacts[: number % 40 + 1]] for number in range(LISTS)
    ]
    lists = sum(count for text, count in during.items() if "from contacts" in text)
    assert lists <= LISTS / 4, during


@pytest.fixture
def page_of() -> Callable[[str, int], PlainPage]:
    first, last = (datetime.fromisoformat(f"{year}-01-01T00:00:00Z") for year in ("1970", "2100"))
    return lambda workspace_id, limit: PlainPage(workspace_id, first, "f" * 32, last, limit, "createdAt")


def test_more_pages_than_a_statement_reads_are_all_read(
    world: World, page_of: Callable[[str, int], PlainPage]
) -> None:
    contacts = [each["id"] for each in made(world.alice, 3)]

    async def found() -> list[str]:
        lanes = [db.Lane(world.sql.url, 10) for _ in range(2)]
        reader = Reader(lanes)
        pages = [page_of(world.acme, limit) for limit in range(1, 4 * PAGES)]
        texts = await asyncio.wait_for(asyncio.gather(*map(reader.page, pages)), 20)
        for lane in lanes:
            await lane.close()
        return texts

    for limit, text in enumerate(world.sql.run(found()), 1):
        assert [each for each in contacts if each in text] == contacts[: limit + 1]


def test_the_pages_of_one_workspace_do_not_fill_a_statement_while_others_wait(
    page_of: Callable[[str, int], PlainPage],
) -> None:
    many = [page_of("A", limit) for limit in range(1, 60)]
    others = [page_of("B", 1), page_of("C", 1)]
    taken = _in_turn([*many, *others], PAGES)
    assert len(taken) == len(set(taken)) == PAGES
    assert set(others) <= set(taken)
    assert _in_turn(many, PAGES) == many[:PAGES]


def test_deleted_contacts_and_those_of_others_are_on_no_page(world: World) -> None:
    [gone, stays] = made(world.alice, 2)
    made(world.carol, 1)
    world.alice.remove(gone["id"])
    for sort in ("createdAt", "-createdAt"):
        assert ids(world.bob.list(sort=sort)) == [stays["id"]]
    assert ids(world.ada.list(workspaceId=world.acme)) == [stays["id"]]
    assert world.bob.list(workspaceId=world.globex).status_code == 404
