"""The SQL that changes contacts: one UPDATE and its history, for one contact or many at once.

It takes the changes as one JSON document, which costs the driver half as much as twenty arrays, and the two
limits. There are two versions: a short one for the usual PATCH, and a long one for everything that a change
can do. PostgreSQL prepares every sub-select at each execution, needed or not, so the short one starts in half
the time. For the same reason each has a second version for batches in which a change has an Idempotency-Key:
it also keeps the answer.
"""

from contactory.contacts.consent import CARRIED_OVER, DO_NOT_CONTACT, TAKEN_OVER
from contactory.contacts.read.json_sql import contact_json
from contactory.database import answers
from contactory.events.record import previous_at, record, version_after

# The actions of a change, as bits of its mask.
FIRST_NAME, LAST_NAME, EMAIL, PHONE, TIMEZONE = 1, 2, 4, 8, 16
TAGS_ADD, TAGS_SET, TAGS_REMOVE = 32, 64, 128
FIELDS, FIELDS_CLEAR = 256, 512
FILL = 1024  # Only empty fields take the given values.
MATCH = 2048  # The contact must still have the given phone or e-mail (an upsert found it by them).
DELETE, RESTORE = 4096, 8192
STALE_TAGS = 16384  # The contact may have ids of merged or deleted tags.
CONSENT = 32768
NO_GAIN = 65536  # The contact must have the given phone and e-mail (an upsert found it by each).
UNDO = 131072  # Only with the values `expected`. Restores the whole zone, and also removes tags.

FINDABLE = FIRST_NAME | LAST_NAME | EMAIL | PHONE | DELETE | RESTORE
"""The fields that the search uses."""
USUAL = FIRST_NAME | LAST_NAME | EMAIL | PHONE | TIMEZONE | TAGS_ADD | FIELDS | FIELDS_CLEAR
"""The actions of the short statement."""

_TAGS = TAGS_ADD | TAGS_SET | TAGS_REMOVE
_NAMES = ("FIRST_NAME", "LAST_NAME", "EMAIL", "PHONE", "TIMEZONE", "FIELDS", "FIELDS_CLEAR")
_BITS = {name: globals()[name] for name in _NAMES} | {"TAGS": _TAGS, "MORE_TAGS": TAGS_ADD | TAGS_SET}
_EVENT = {
    "version": version_after("c.version", "o_version"),
    "previous_at": previous_at("o_updated_at", "n_updated_at"),
}
_CARRIED = f'{{"status": "denied", "source": "{CARRIED_OVER}"}}'

_STATEMENT = """
with input as (
    select *
      from rows from (json_to_recordset($1) as (
               workspace_id uuid, contact_id uuid, mask int, catalog_version bigint, if_match bigint[],
               first_name text, last_name text, email text, email_key text, phone text, timezone text,
               tag_ids bigint[], fields jsonb, consent jsonb,
               at timestamptz, event_id uuid, actor_type text, actor_id uuid, via text, request_id text
               {more_input}
           ))
           with ordinality as i
), locked as (
    -- Locked before anything is computed, and always in the same order, so that batches do not deadlock
    -- and do not overwrite the latest commit of another one.
    select i.*, coalesce(i.tag_ids, '{{}}') as given_tags, w.catalog_version as newest_catalog,
           c.first_name as o_first_name, c.last_name as o_last_name, c.email as o_email,
           c.email_key as o_email_key, c.phone as o_phone, c.timezone as o_timezone,
           c.timezone_source as o_timezone_source, c.timezones as o_timezones,
           {shown_tags} as o_tag_ids,
           c.fields as o_fields, c.consent as o_consent, c.version as o_version, c.created_at,
           c.updated_at as o_updated_at, c.deleted_at as o_deleted_at
      from input i
      join workspaces w on w.id = i.workspace_id and w.deleted_at is null
      join contacts c on c.workspace_id = i.workspace_id and c.id = i.contact_id
     {claimed}
     order by c.workspace_id, c.id
       for update of c
), judged as materialized (
    {before_answer}
    select m.*,
           case when {missing} then 'missing'
                when catalog_version <> newest_catalog then 'stale'
                when if_match is not null and o_version <> all (if_match) then 'version'
                {moved}
                when mask & {MORE_TAGS} > 0 and cardinality(n_tag_ids) > $2
                     and cardinality(n_tag_ids) > cardinality(o_tag_ids) then 'tags'
                -- A jsonb is never shorter than its texts, and reading its size costs nothing.
                when mask & {FIELDS} > 0 and pg_column_size(n_fields) > $3
                     and (select sum(length(v.value)) from jsonb_each_text(n_fields) v)
                         -- A contact above a lowered limit may still be reduced.
                         > greatest($3, (select sum(length(v.value)) from jsonb_each_text(o_fields) v))
                then 'characters'
                when (n_first_name, n_last_name, n_email, n_phone, n_timezone, n_timezone_source, n_tag_ids,
                      n_fields, n_consent, n_deleted_at)
                     is not distinct from
                     (o_first_name, o_last_name, o_email, o_phone, o_timezone, o_timezone_source, o_tag_ids,
                      o_fields, o_consent, o_deleted_at)
                then 'same' else 'changed'
           end as verdict,
           (n_timezone, n_timezone_source) is distinct from (o_timezone, o_timezone_source) as zone_changed,
           greatest(at, o_updated_at + interval '1 microsecond') as n_updated_at
      -- `offset 0` keeps the two apart: every new value is computed once, and none is stored on the way.
      from (
        select l.*,
               case when mask & {FIRST_NAME} = 0{or_filled_first_name}
                    then o_first_name else first_name end as n_first_name,
               case when mask & {LAST_NAME} = 0{or_filled_last_name}
                    then o_last_name else last_name end as n_last_name,
               case when mask & {EMAIL} = 0{or_filled_email} then o_email else email end as n_email,
               case when mask & {EMAIL} = 0{or_filled_email} then o_email_key else email_key
               end as n_email_key,
               case when mask & {PHONE} = 0{or_filled_phone} then o_phone else phone end as n_phone,
               case when mask & {TIMEZONE} = 0{or_filled_timezone}
                    then o_timezone else timezone end as n_timezone,
               case when mask & {TIMEZONE} = 0{or_filled_timezone} then o_timezone_source
                    {or_zone_back}
                    when timezone is not null then 'caller' end as n_timezone_source,
               case when mask & {TAGS} = 0 then o_tag_ids
                    {or_set_tags}
                    when o_tag_ids @> given_tags then o_tag_ids
                    else o_tag_ids || array(select t from unnest(given_tags) t where t <> all (o_tag_ids))
               end as n_tag_ids,
               case when mask & {FIELDS} = 0 then o_fields
                    {or_filled_fields}
                    -- Stored values are never null, so this removes only the values that the change clears.
                    when mask & {FIELDS_CLEAR} > 0 then jsonb_strip_nulls(o_fields || fields)
                    else o_fields || fields
               end as n_fields,
               {consent} as n_consent,
               {deleted_at} as n_deleted_at
          from locked l
        offset 0
      ) m
    {after_answer}
), updated as (
    update contacts c
       set first_name = n_first_name, last_name = n_last_name, email = n_email, email_key = n_email_key,
           phone = n_phone, timezone = n_timezone, tag_ids = n_tag_ids, fields = n_fields,
           consent = n_consent, timezone_source = n_timezone_source, timezones = {n_timezones},
           version = c.version + 1, updated_at = n_updated_at, deleted_at = n_deleted_at
      from judged j
     where c.workspace_id = j.workspace_id and c.id = j.contact_id and j.verdict = 'changed'
    -- The event. A row that was not updated has none.
    returning j.workspace_id, j.contact_id, {version} as version, event_id as id, {event} as type,
           n_updated_at as at, {previous_at} as previous_at, actor_type, actor_id, via, request_id,
           -- Only changed values, each before and after; arrays keep their nulls.
           jsonb_strip_nulls(jsonb_build_object(
               'firstName', case when n_first_name is distinct from o_first_name
                                 then jsonb_build_array(o_first_name, n_first_name) end,
               'lastName', case when n_last_name is distinct from o_last_name
                                then jsonb_build_array(o_last_name, n_last_name) end,
               'email', case when n_email is distinct from o_email
                             then jsonb_build_array(o_email, n_email) end,
               'phone', case when n_phone is distinct from o_phone
                             then jsonb_build_array(o_phone, n_phone) end,
               -- Sending the current zone changes its source to the caller.
               'timezone', case when zone_changed then jsonb_build_array(o_timezone, n_timezone) end,
               'zone', case when zone_changed then jsonb_build_array(
                           jsonb_build_array(o_timezone_source, o_timezones),
                           jsonb_build_array(n_timezone_source, {n_timezones})) end,
               'tags', case when n_tag_ids is distinct from o_tag_ids
                            then jsonb_build_array(o_tag_ids, n_tag_ids) end,
               'customFields', case when n_fields is distinct from o_fields then
                   (select jsonb_object_agg(k, jsonb_build_array(o_fields -> k, n_fields -> k))
                      from jsonb_object_keys(j.fields) k
                     where o_fields -> k is distinct from n_fields -> k) end
               {and_consent})) as changes {cause}
), logged as (
    {record}
)
{kept}
select ordinality, verdict, n_first_name as first_name, n_last_name as last_name, n_email as email,
       n_phone as phone, n_timezone as timezone, n_tag_ids::text as tag_ids, n_fields as fields,
       n_consent as consent,
       case when verdict = 'changed' then o_version + 1 else o_version end as version, created_at,
       case when verdict = 'changed' then n_updated_at else o_updated_at end as updated_at,
       n_deleted_at as deleted_at
       {and_answer}
  from judged
"""

_SHOWN = {
    "id": "v.contact_id",
    "workspace_id": "v.workspace_id",
    "created_at": "v.created_at",
    "updated_at": "case when verdict = 'changed' then n_updated_at else o_updated_at end",
}
_UNKEYED = dict.fromkeys(("claimed", "before_answer", "after_answer", "kept", "and_answer"), "")
_KEPT = f"""
, answered as (
    select claim_owner as key_id, claim_key as key, decode(claim_fingerprint, 'base64') as fingerprint,
           200 as status, array[contact_id] as contact_ids, answer,
           -- As the handler gives them.
           json_build_array(json_build_array('content-type', 'application/json'), json_build_array(
               'etag', '"' || o_version + (verdict = 'changed')::int || '"'))::jsonb as headers
      from judged
     where answer is not null
), kept as (
    {answers.keep("answered", "convert_to(answer, 'UTF8')")}
)
"""


def _keyed(parts: dict[str, str], *, stale_tags: bool) -> dict[str, str]:
    """The parts with those for changes with an Idempotency-Key; other changes of the batch have no claim."""
    answer = contact_json(lambda column: _SHOWN.get(column, f"v.n_{column}"), stale_tags=stale_tags)
    keyed = {
        "more_input": parts["more_input"]
        + ", claim_owner uuid, claim_key text, claim_fingerprint text, claim_lock bigint",
        # At the scan of the input, so that no row of a contact is waited for.
        "claimed": f"""
     where i.claim_lock is null
        or {answers.reserved("i.claim_lock", "i.claim_owner", "i.claim_key")}""",
        "before_answer": f"""select v.*, case when claim_key is not null and verdict in ('changed', 'same')
                     then {answer} end as answer
      from (""",
        "after_answer": "  offset 0) v",
        "kept": _KEPT,
        "and_answer": ", answer",
    }
    return parts | keyed


_FILLABLE = ("first_name", "last_name", "email", "phone", "timezone")
_SHORT = {
    "shown_tags": "c.tag_ids",
    "missing": "o_deleted_at is not null",
    "moved": "",
    **{f"or_filled_{name}": "" for name in _FILLABLE},
    "more_input": "",
    # A sent zone is certain, and a cleared one has no possible zones.
    "n_timezones": "case when not zone_changed then o_timezones end",
    "or_zone_back": "",
    "or_set_tags": "",
    "or_filled_fields": "",
    "consent": "o_consent",
    "deleted_at": "o_deleted_at",
    "event": "'contact.updated'",
    "and_consent": "",
    "cause": "",
    "record": record("updated"),
}
_LONG = {
    # The shown tags, so that merged and deleted tags do not look like a change.
    "shown_tags": f"""
           case when mask & {STALE_TAGS} = 0 or mask & {_TAGS} = 0 then c.tag_ids
                else array(select distinct coalesce(t.merged_into, t.id)
                             from unnest(c.tag_ids) stored (id)
                             join tags t on t.workspace_id = i.workspace_id and t.id = stored.id
                            where t.deleted_at is null order by 1) end""",
    # Restoring an active contact changes nothing, because the request may have been sent twice.
    "missing": f"o_deleted_at is not null and mask & {RESTORE} = 0",
    "moved": f"""
                when mask & {MATCH} > 0 and (o_phone = phone or o_email_key = email_key) is not true
                then 'moved'
                when mask & {NO_GAIN} > 0 and (phone is not null and n_phone is distinct from o_phone
                     or email_key is not null and n_email_key is distinct from o_email_key)
                then 'moved'
                when mask & {UNDO} > 0
                     and exists (select from jsonb_each(expected) e (k, v)
                                  where v is distinct from coalesce((o_fields || jsonb_build_object(
                                            'firstName', o_first_name, 'lastName', o_last_name,
                                            'email', o_email, 'phone', o_phone, 'timezone', o_timezone,
                                            'timezoneSource', o_timezone_source)) -> k, 'null'))
                then 'overtaken'""",
    **{f"or_filled_{name}": f" or (mask & {FILL} > 0 and o_{name} is not null)" for name in _FILLABLE},
    "more_input": ", timezone_source text, timezones text[], expected jsonb, tag_ids_off bigint[]"
    ", cause_type text, cause_id uuid",
    "n_timezones": f"""case when not zone_changed then o_timezones
                when mask & {UNDO} > 0 then j.timezones end""",
    "or_zone_back": f"when mask & {UNDO} > 0 then timezone_source",
    "or_set_tags": f"""
                    when mask & {UNDO} > 0
                    then array(select t from unnest(o_tag_ids) t
                                where t <> all (coalesce(tag_ids_off, '{{}}')))
                         || array(select t from unnest(given_tags) t where t <> all (o_tag_ids))
                    when mask & {TAGS_REMOVE} > 0
                    then array(select t from unnest(o_tag_ids) t where t <> all (given_tags))
                    when mask & {TAGS_SET} > 0
                    then case when o_tag_ids @> given_tags and given_tags @> o_tag_ids then o_tag_ids
                              else given_tags end""",
    "or_filled_fields": f"when mask & {FILL} > 0 then jsonb_strip_nulls(fields) || o_fields",
    # Unknown and false values are null here and removed; an empty result becomes null.
    "consent": f"""
               case when mask & {CONSENT} = 0 then o_consent
                    when mask & {FILL} > 0
                    then nullif(jsonb_strip_nulls(
                             (select jsonb_object_agg(k, v -> 1) from jsonb_each(consent) g (k, v))
                             || coalesce(o_consent, '{{}}')), '{{}}')
                    else nullif(jsonb_strip_nulls(
                             coalesce(o_consent, '{{}}')
                             || (select jsonb_object_agg(k, case
                                            -- An import must send a time to override such an objection.
                                            when mask & {MATCH} > 0 and k = '{DO_NOT_CONTACT}'
                                                 and o_consent ? '{TAKEN_OVER}'
                                            then o_consent -> k
                                            when mask & {MATCH} > 0
                                                 and o_consent -> k @> '{_CARRIED}'
                                                 and v -> 0 ->> 'status' is distinct from 'denied'
                                                 and ((v -> 0 ->> 'at')::timestamptz
                                                      > (o_consent -> k ->> 'at')::timestamptz) is not true
                                            then o_consent -> k
                                            when o_consent -> k ->> 'status' = v -> 0 ->> 'status'
                                            then (o_consent -> k) || (v -> 0) else v -> 1 end)
                                   from jsonb_each(consent) g (k, v))
                             || case when mask & {MATCH} = 0 and consent -> '{DO_NOT_CONTACT}' -> 1 = 'null'
                                     then '{{"{TAKEN_OVER}": null}}' else '{{}}' end::jsonb), '{{}}') end""",
    "deleted_at": f"""
               case when mask & {DELETE} > 0 then at when mask & {RESTORE} > 0 then null
                    else o_deleted_at end""",
    "event": f"""
           case when mask & {DELETE} > 0 then 'contact.deleted'
                when mask & {RESTORE} > 0 then 'contact.restored' else 'contact.updated' end""",
    "and_consent": """,
               'consent', case when n_consent is distinct from o_consent then
                   (select jsonb_object_agg(k, jsonb_build_array(o_consent -> k, n_consent -> k))
                      from jsonb_object_keys(j.consent) k
                     where o_consent -> k is distinct from n_consent -> k) end""",
    "cause": ", cause_type, cause_id",
    "record": record("updated", caused=True),
}


def _filled(parts: dict[str, str]) -> str:
    """The statement with these parts, without the lines that they leave empty."""
    filled = _STATEMENT.format(**_BITS, **_EVENT, **parts)
    return "\n".join(line.rstrip() for line in filled.splitlines() if line.strip())


SHORT = _filled(_SHORT | _UNKEYED)
LONG = _filled(_LONG | _UNKEYED)
SHORT_KEYED = _filled(_keyed(_SHORT, stale_tags=False))
LONG_KEYED = _filled(_keyed(_LONG, stale_tags=True))
