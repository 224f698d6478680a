"""Counts of the contacts that match a filter."""

from typing import NamedTuple

import msgspec

from contactory.catalog.catalog import Catalog
from contactory.contacts.read.available import DENIED, DO_NOT_CONTACT, NO_ADDRESS
from contactory.contacts.read.filter import Clauses, Filter
from contactory.contacts.read.query import Query
from contactory.database.db import Connection
from contactory.local_time.plan import Group


class Count(NamedTuple):
    """A number of contacts."""

    value: int
    exact: bool
    """Whether they were counted; else it is an estimate by PostgreSQL's statistics."""


EXACTLY = 100_000
"""Up to this number, contacts are counted where an estimate will do; that takes up to 30 ms."""


async def count_contacts(conn: Connection, catalog: Catalog, wanted: Filter) -> int:
    """The number of contacts in a whole list."""
    query = Query(catalog, Clauses(wanted))
    return await conn.fetchval(f"select count(*) from contacts c where {query.condition}", *query.args)


async def count_up_to(conn: Connection, catalog: Catalog, wanted: Filter, most: int) -> int:
    """Like count_contacts, but stops at one more than `most`."""
    query = Query(catalog, Clauses(wanted))
    return await conn.fetchval(
        f"""select count(*) from (select from contacts c where {query.condition}
                                   limit {int(most) + 1}) counted""",
        *query.args,
    )


async def count_or_estimate(conn: Connection, catalog: Catalog, wanted: Filter, most: int = EXACTLY) -> Count:
    """As count_contacts up to `most`, and an estimate above."""
    counted = await count_up_to(conn, catalog, wanted, most)
    if counted <= most:
        return Count(counted, exact=True)
    query = Query(catalog, Clauses(wanted))
    plan = await conn.fetchval(
        f"explain (format json) select from contacts c where {query.condition}", *query.args
    )
    estimate: int = msgspec.json.decode(plan)[0]["Plan"]["Plan Rows"]
    return Count(_rounded(max(estimate, counted)), exact=False)


def _rounded(count: int) -> int:
    """To two digits: an estimate does not know more."""
    unit = 10 ** (len(str(count)) - 2)
    return (count + unit // 2) // unit * unit


async def count_by_zones(conn: Connection, catalog: Catalog, channel: str, wanted: Filter) -> list[Group]:
    """The numbers of contacts by the zones that they could be in, and by why they can never be contacted."""
    query = Query(catalog, Clauses(wanted))
    rows = await conn.fetch(
        f"""select c.timezone, c.timezones, count(*) as contacts,
                   case when {DO_NOT_CONTACT} then 'do_not_contact'
                        when {DENIED[channel]} then 'consent_denied'
                        when {NO_ADDRESS[channel]} then 'no_address' end as reason
              from contacts c
             where {query.condition}
             group by 1, 2, 4""",
        *query.args,
    )
    return [
        Group(tuple(row["timezones"] or filter(None, [row["timezone"]])), row["contacts"], row["reason"])
        for row in rows
    ]
