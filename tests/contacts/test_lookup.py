"""GET /v1/contacts/lookup."""

import asyncio
import re
from collections.abc import Callable, Generator
from typing import Any

import httpx
import pytest

from contactory.base.ids import new_id
from contactory.contacts.read import by_key
from contactory.contacts.read.reader import Reader
from contactory.database import db
from tests.statements import Statements, counted
from tests.world import Caller, World, a_phone, an_email, at_once, pointers

TIMES = 20
PATH = "/v1/contacts/lookup"
UNKNOWN = {"status": "unknown", "source": None, "at": None}
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NOTHING = {"call": UNKNOWN, "sms": UNKNOWN, "email": UNKNOWN, "doNotContact": False}


def looked_up(caller: Caller, **by: Any) -> dict[str, Any]:
    answer = caller.get(PATH, **by)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_who_has_a_phone_is_told_with_tags_custom_fields_and_consent(world: World) -> None:
    world.field("Plan")
    consent = {"call": {"status": "granted", "source": "web form", "at": "2026-01-15T10:30:00Z"}}
    values = {"phone": a_phone(), "email": an_email(), "tags": ["vip"], "customFields": {"Plan": "Pro"}}
    contact = world.alice.made(values, consent=consent)
    found = world.bob.get(PATH, phone=contact["phone"])
    assert found.json()["contact"] == contact
    assert found.json()["consent"] == {**NOTHING, **consent}
    assert found.headers["etag"] == '"1"'
    by_email = looked_up(world.bob, email=contact["email"])
    assert by_email["contact"] == contact
    assert by_email["consent"] == found.json()["consent"]


def test_each_channel_is_told_whether_it_may_be_used_now(world: World) -> None:
    always = [{"day": day, "from": "00:00", "to": "24:00"} for day in DAYS]
    window = {"name": "Always", "channels": ["call", "sms"], "days": always, "isDefault": True}
    assert world.alice.post("/v1/send-windows", window).status_code == 201
    contact = world.alice.made(phone=a_phone(), consent={"sms": {"status": "denied"}})
    found = looked_up(world.bob, phone=contact["phone"])["availability"]
    assert found["call"]["allowed"] is True
    assert found["sms"]["reasons"] == ["consent_denied"]
    assert "no_address" in found["email"]["reasons"]
    alone = world.bob.get(f"/v1/contacts/{contact['id']}/availability", channel="sms").json()
    assert {**alone, "localTime": 0} == {**found["sms"], "localTime": 0}


def test_what_changed_a_moment_ago_counts(world: World) -> None:
    contact = world.alice.made(phone=a_phone(), timezone="Asia/Tokyo")
    [window] = world.bob.get("/v1/send-windows").json()
    path = f"/v1/contacts/{contact['id']}"
    for number in range(5):
        day = {"day": DAYS[number], "from": "00:00", "to": "24:00"}
        assert world.alice.request("PATCH", f"/v1/send-windows/{window['id']}", {"days": [day]}).is_success
        status, zone = ("denied", "granted")[number % 2], ("Asia/Tokyo", "America/New_York")[number % 2]
        assert world.alice.put(f"{path}/consent", {"call": {"status": status}}).is_success
        assert world.alice.patch(contact["id"], {"timezone": zone}).is_success
        found = looked_up(world.bob, phone=contact["phone"])["availability"]
        for channel in ("call", "sms", "email"):
            alone = world.bob.get(f"{path}/availability", channel=channel).json()
            moments = {"localTime": 0, "nextAllowed": 0} if alone["allowed"] else {"localTime": 0}
            assert alone | moments == found[channel] | moments
        assert ("consent_denied" in found["call"]["reasons"]) == (status == "denied")
        assert found["sms"]["timezones"] == [zone]


def test_a_channel_that_no_send_window_is_for_has_no_availability(world: World) -> None:
    [window] = world.bob.get("/v1/send-windows").json()
    changed = world.alice.request("PATCH", f"/v1/send-windows/{window['id']}", {"channels": ["call"]})
    assert changed.status_code == 200, changed.text
    contact = world.alice.made(phone=a_phone())
    found = looked_up(world.bob, phone=contact["phone"])["availability"]
    assert found["sms"] is found["email"] is None
    assert found["call"]["timezones"]


def test_a_phone_may_be_written_in_any_way(world: World) -> None:
    contact = world.alice.made(phone="+14155551234")
    for written in ("+14155551234", "+1 (415) 555-1234", "tel:+1-415-555-1234", "+1.415.555.1234"):
        assert looked_up(world.alice, phone=written)["contact"]["id"] == contact["id"]
    # Whoever forgets to encode the plus sign sends a space.
    unencoded = world.alice.get(f"{PATH}?phone=+14155551234")
    assert unencoded.json()["contact"]["id"] == contact["id"]


def test_a_phone_without_a_country_code_is_read_in_the_workspace_s_country(world: World) -> None:
    workspace_id = world.workspace("German", country="DE")
    caller = world.caller(workspace_id)
    contact = caller.made(phone="+4930901820")
    assert looked_up(caller, phone="030 901820")["contact"]["id"] == contact["id"]
    assert pointers(world.alice.get(PATH, phone="030 901820")) == {"phone": "no_country_code"}


def test_an_email_is_found_without_regard_to_case(world: World) -> None:
    contact = world.alice.made(email="Jane.Doe@example.com")
    assert looked_up(world.alice, email="jane.DOE@EXAMPLE.com")["contact"]["id"] == contact["id"]


def test_nobody_is_a_problem(world: World) -> None:
    for by in ({"phone": a_phone()}, {"email": an_email()}):
        answer = world.alice.get(PATH, **by)
        assert (answer.status_code, answer.json()["type"]) == (404, "/errors/not-found")


def test_only_the_active_contact_is_found(world: World) -> None:
    phone, mail = a_phone(), an_email()
    gone = world.alice.made(phone=phone, email=mail)
    world.alice.remove(gone["id"])
    assert world.alice.get(PATH, phone=phone).status_code == 404
    assert world.alice.get(PATH, email=mail).status_code == 404
    here = world.alice.made(phone=phone)
    assert looked_up(world.alice, phone=phone)["contact"]["id"] == here["id"]


def test_what_was_written_is_found_at_once(world: World, second_http: httpx.Client) -> None:
    there = world.alice.at(second_http)
    contact = world.alice.made()
    for number in range(TIMES):
        phone = a_phone()
        changed = world.alice.patch(contact["id"], {"phone": phone, "tags": [f"tag {number}"]}).json()
        assert looked_up(there, phone=phone)["contact"] == changed


def test_many_at_once_each_get_whom_they_asked_for(world: World) -> None:
    contacts = [world.alice.made(phone=a_phone(), email=an_email()) for _ in range(20)]
    wanted = [(by, each) for each in [*contacts, *contacts[:5]] for by in ("phone", "email", "id")]

    def asking(by: str, each: dict[str, Any]) -> Callable[[], dict[str, Any]]:
        if by == "id":
            return lambda: world.bob.read(each["id"])
        return lambda: looked_up(world.bob, **{by: each[by]})["contact"]

    assert at_once(*(asking(by, each) for by, each in wanted)) == [each for _, each in wanted]


def test_more_than_one_statement_carries_are_all_answered(world: World) -> None:
    phones = [a_phone() for _ in range(300)]
    made = world.alice.batch(*({"op": "create", "data": {"phone": phone}} for phone in phones))
    ids = [result["contact"]["id"] for result in made.json()["results"]]

    async def found() -> list[str]:
        lane = db.Lane(world.sql.url, 10)
        reader = Reader([lane])
        waiting = [reader.by_phone(world.acme, phone) for phone in phones]
        missing = [reader.by_email(world.acme, an_email()), reader.get(world.acme, new_id())]
        *rows, nobody, nothing = await asyncio.wait_for(asyncio.gather(*waiting, *missing), 20)
        await lane.close()
        assert nobody is nothing is None
        return [row["id"] if row else "" for row in rows]

    assert world.sql.run(found()) == ids


def test_a_phone_is_looked_up_among_one_s_own_contacts_only(world: World) -> None:
    phone, mail = a_phone(), an_email()
    callers = [world.alice, world.carol, world.tom]
    own = [caller.made(phone=phone, email=mail)["id"] for caller in callers]
    asked = [lambda c=caller: looked_up(c, phone=phone)["contact"]["id"] for caller in callers * 5]
    assert at_once(*asked) == own * 5
    assert looked_up(world.ada, email=mail, workspaceId=world.acme)["contact"]["id"] == own[0]
    assert world.ada.get(PATH, email=mail, workspaceId=world.acme_two).status_code == 404


@pytest.fixture
def statements(database_url: str) -> Generator[Statements]:
    with counted(database_url) as statements:
        yield statements


def test_one_statement_answers_it(
    world: World, statements: Statements, private_server: Callable[..., httpx.Client]
) -> None:
    world.field("Plan")
    phone, mail = a_phone(), an_email()
    alice = world.alice.at(private_server(database_url=statements.url))
    alice.made(phone=phone, email=mail, tags=["vip"], customFields={"Plan": "Pro"})
    looked_up(alice, phone=phone)
    looked_up(alice, email=mail)
    before = statements.since()
    for _ in range(TIMES):
        looked_up(alice, phone=phone)
        looked_up(alice, email=mail)
    often = {text: count for text, count in statements.since(before).items() if count >= TIMES}
    assert sorted(often.values()) == [TIMES, TIMES], "one statement for each"
    assert all("from unnest" in text for text in often)


FILL = """
insert into contacts (workspace_id, id, email, email_key, phone, tag_ids, fields, version,
                      created_at, updated_at)
select $1, gen_random_uuid(), n || '@x.org', n || '@x.org', '+1' || n, '{}', '{}', 1, now(), now()
  from generate_series(4150000000, 4150002000) n"""
WAYS = ("seqscan", "hashjoin", "mergejoin")  # Those that the reader's connections do without.


def test_the_statements_use_the_indexes(world: World) -> None:
    async def plans() -> list[str]:
        conn = world.sql.conn
        undone = conn.transaction()
        await undone.start()
        await conn.execute(FILL, world.acme)
        await conn.execute("analyze contacts")
        for way in WAYS:
            await conn.execute(f"set local enable_{way} = off")
        statements = [
            re.sub(r"\$\d", "'{}'", statement)
            for statement in (by_key.BY_ID, by_key.BY_PHONE, by_key.BY_EMAIL)
        ]
        found = [await conn.fetch(f"explain {statement}") for statement in statements]
        await undone.rollback()
        return ["\n".join(line[0] for line in lines) for lines in found]

    by_id, by_phone, by_email = world.sql.run(plans())
    assert "Index Scan using contacts_pkey" in by_id
    assert "Index Scan using contacts_phone" in by_phone
    assert "Index Scan using contacts_email" in by_email


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ({}, {"phone": "required"}),
        ({"phone": "+14155551234", "email": "jane@example.com"}, {"email": "not_here"}),
        ({"phone": "hello"}, {"phone": "invalid_phone"}),
        ({"phone": ""}, {"phone": "required"}),
        ({"email": "jane"}, {"email": "invalid_email"}),
        ({"phone": "030 901820", "email": "jane"}, {"phone": "no_country_code", "email": "not_here"}),
        ({"phon": "+14155551234"}, {"phon": "unknown_parameter"}),
        ({"phone": ["+14155551234", "+14155551235"]}, {"phone": "repeated_parameter"}),
        ({"phone": "+14155551234", "workspaceId": "x"}, {"workspaceId": "invalid_id"}),
    ],
)
def test_a_lookup_that_cannot_be_made_says_why(
    world: World, query: dict[str, Any], wrong: dict[str, str]
) -> None:
    answer = world.alice.get(PATH, **query)
    assert answer.status_code == 400
    assert wrong.items() <= pointers(answer).items()


def test_an_account_key_says_which_workspace(world: World) -> None:
    assert pointers(world.ada.get(PATH, phone=a_phone())) == {"workspaceId": "required"}


def test_it_is_only_there_to_be_read(world: World) -> None:
    answer = world.alice.request("PATCH", PATH, {"firstName": "Jane"})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert world.stranger().get(PATH, phone=a_phone()).status_code == 401
