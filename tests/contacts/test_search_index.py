"""The index of the search: which changes reach it, and what it knows of a phone."""

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from contactory.contacts.read.search import catch_up, words_of
from contactory.database.db import Database
from tests.waiting import until
from tests.world import World


def test_the_number_without_its_country_code_is_a_word_of_every_country() -> None:
    found = 0
    for region in phonenumbers.SUPPORTED_REGIONS:
        for kind in PhoneNumberType.values():
            number = phonenumbers.example_number_for_type(region, kind)
            if number is None:
                continue
            e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
            national = str(phonenumbers.parse(e164).national_number)
            assert words_of(None, None, None, e164) == {e164[1:], national, e164[-4:]}
            found += 1
    assert found > 1000


def test_only_changes_that_the_search_can_show_are_caught_up_with(world: World) -> None:
    contact = world.alice.made(firstName="Jane", phone="+14155550123")
    have = "select count(*) from contact_search where workspace_id = $1"
    until(lambda: world.sql.value(have, world.acme) == 1)

    def catches_up(**change: object) -> int:
        """How many contacts can be found after a change that no process has noted."""
        assert world.alice.patch(contact["id"], change).status_code == 200
        world.sql.execute("delete from contact_search where workspace_id = $1", world.acme)
        world.sql.execute("delete from search_progress where workspace_id = $1", world.acme)
        version = len(world.alice.history(contact["id"]).json())
        earlier = "update contact_events set at = now() - interval '5 minutes'"
        world.sql.execute(f"{earlier} where contact_id = $1 and version = $2", contact["id"], version)
        since = "insert into search_progress values ($1, now() - interval '6 minutes')"
        world.sql.execute(since, world.acme)
        world.sql.run(all_caught_up(world.sql.url))
        return world.sql.value(have, world.acme)

    world.sql.execute("update contact_events set at = now() - interval '1 hour'")
    assert catches_up(tags=["vip"]) == 0
    assert catches_up(firstName="Joan") == 1


async def all_caught_up(url: str) -> None:
    db = Database(url, 1, 10)
    while (await catch_up(db)).more:
        pass
    await db.close()
