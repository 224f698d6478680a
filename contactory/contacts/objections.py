"""Objections of deleted contacts: they apply to the phone and the e-mail that these contacts had.

A contact that is created with one of these, gets one by a change, or is restored, gets the objections in the
same transaction. A separate statement looks for them, after the statement that writes: if that one has waited
for the commit of a deletion, only a later statement sees the deleted contact. A creation does not need it if
the phone and the e-mail belong to no contact and did not belong to a deleted one.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from contactory.contacts.consent import CARRIED_OVER, DO_NOT_CONTACT, TAKEN_OVER
from contactory.database.db import Connection
from contactory.events.record import Addition, add_consent


class Taker(NamedTuple):
    """A contact that may have got a phone or an e-mail, because it was created, changed or restored."""

    workspace_id: str
    contact_id: str
    undated: list[str]
    """Channels for which the same request grants a consent without its time."""


_OBJECTING = """d.deleted_at is not null and d.consent @? '$.* ? (@ == true || @.status == "denied")'"""

# In the order of the index to use: without statistics of the table, PostgreSQL considers every index that
# begins with the workspace as equally good, and would scan all of it for each contact.
_HAS = "(select d.{0} from contacts d where d.workspace_id = i.workspace_id and d.{0} >= i.{0} and {1}"
_ONE = f"coalesce({_HAS} order by d.{{0}} limit 1) = i.{{0}}, false)"
HAD_BEFORE = " or ".join(
    _ONE.format(address, holder)
    for address in ("phone", "email_key")
    for holder in ("d.deleted_at is null", "d.deleted_at is not null")
)
"""SQL that is true of an input `i` if a contact has its phone or e-mail, or a deleted contact had it."""

_TAKE_OVER = f"""
with taker as materialized (
    select c.workspace_id, c.id, c.version, c.consent, i.undated::text[] as undated,
           case when e.type <> 'contact.updated' or e.changes ? 'phone' then c.phone end as phone,
           case when e.type <> 'contact.updated'
                -- The same address in another form is not another address.
                or lower(e.changes -> 'email' ->> 0) is distinct from lower(e.changes -> 'email' ->> 1)
                then c.email_key end as email_key
      from unnest($1::uuid[], $2::uuid[], $3::text[]) as i (workspace_id, id, undated)
      join contacts c on c.workspace_id = i.workspace_id and c.id = i.id
     cross join lateral (
           select type, changes from contact_events
            where workspace_id = c.workspace_id and contact_id = c.id and version >= c.version
              and at >= c.updated_at
            order by version limit 1) e
), found as (
    select t.workspace_id, t.id, d.consent
      from taker t join contacts d on d.workspace_id = t.workspace_id and d.phone = t.phone
     where {_OBJECTING}
     union all
    select t.workspace_id, t.id, d.consent
      from taker t join contacts d on d.workspace_id = t.workspace_id and d.email_key = t.email_key
     where {_OBJECTING}
), objection as (
    -- The latest one for each channel, because a consent must be later than all of them.
    select distinct on (1, 2, 3) f.workspace_id, f.id, o.name, o.value -> 'at' as at
      from found f, jsonb_each(f.consent) as o (name, value)
     where o.value = 'true' or o.value ->> 'status' = 'denied'
     order by 1, 2, 3, (o.value ->> 'at')::timestamptz desc
), taken as (
    select t.workspace_id, t.id, t.version, t.consent,
           jsonb_object_agg(o.name, case when o.name = '{DO_NOT_CONTACT}' then 'true'
               else jsonb_build_object('status', 'denied', 'source', '{CARRIED_OVER}', 'at', o.at)
           end) as objections
      from taker t
      join objection o on o.workspace_id = t.workspace_id and o.id = t.id
     where t.consent -> o.name is distinct from 'true'
       and t.consent -> o.name ->> 'status' is distinct from 'denied'
       and (o.name = any (t.undated) or
            ((t.consent -> o.name ->> 'at')::timestamptz > (o.at #>> '{{}}')::timestamptz) is not true)
     group by t.workspace_id, t.id, t.version, t.consent
)
update contacts c
   set consent = coalesce(c.consent, '{{}}') || t.objections || case
           when t.objections ? '{DO_NOT_CONTACT}' then '{{"{TAKEN_OVER}": "{DO_NOT_CONTACT}"}}'
           else '{{}}' end::jsonb
  from taken t
 where c.workspace_id = t.workspace_id and c.id = t.id
returning c.workspace_id, c.id, t.version, c.updated_at, t.consent, t.objections
"""


async def take_over(conn: Connection, takers: Sequence[Taker]) -> None:
    """Writes the objections of deleted contacts to `takers` and to their latest events.

    Call it in the transaction that has written these contacts.
    """
    if not takers:
        return
    workspaces, ids, undated = zip(*takers, strict=True)
    rows = await conn.fetch(_TAKE_OVER, workspaces, ids, ["{" + ",".join(names) + "}" for names in undated])
    # In a separate statement, because an update of events opens every month, and is seldom needed.
    await add_consent(conn, [Addition(*row) for row in rows])


_OF_ADDRESS = f"""
select o.name
  from contacts d, jsonb_each(d.consent) as o (name, value)
 where d.workspace_id = $1 and (d.phone = $2 or d.email_key = $3) and {_OBJECTING}
   and (o.value = 'true' or o.value ->> 'status' = 'denied')
 group by o.name
"""


async def objections_to(
    conn: Connection, workspace_id: str, phone: str | None, email_key: str | None = None
) -> str | None:
    """The objections of deleted contacts with this phone or e-mail, as stored in a row; None if none."""
    rows = await conn.fetch(_OF_ADDRESS, workspace_id, phone, email_key)
    found = {row[0]: True if row[0] == DO_NOT_CONTACT else {"status": "denied"} for row in rows}
    return msgspec.json.encode(found).decode() if found else None
