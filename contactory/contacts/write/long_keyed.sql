-- All that a change of a contact can do, in a batch with an Idempotency-Key, as it runs. Made of the parts in statement.py: change them there.
-- Its plan, from PostgreSQL 16 on: explain (generic_plan) with …
with input as (
    select *
      from rows from (json_to_recordset($1) as (
               workspace_id uuid, contact_id uuid, mask int, catalog_version bigint, if_match bigint[],
               first_name text, last_name text, email text, email_key text, phone text, timezone text,
               tag_ids bigint[], fields jsonb, consent jsonb,
               at timestamptz, event_id uuid, actor_type text, actor_id uuid, via text, request_id text
               , timezone_source text, timezones text[], expected jsonb, tag_ids_off bigint[], cause_type text, cause_id uuid, claim_owner uuid, claim_key text, claim_fingerprint text, claim_lock bigint
           ))
           with ordinality as i
), locked as (
    -- Locked before anything is computed, and always in the same order, so that batches do not deadlock
    -- and do not overwrite the latest commit of another one.
    select i.*, coalesce(i.tag_ids, '{}') as given_tags, w.catalog_version as newest_catalog,
           c.first_name as o_first_name, c.last_name as o_last_name, c.email as o_email,
           c.email_key as o_email_key, c.phone as o_phone, c.timezone as o_timezone,
           c.timezone_source as o_timezone_source, c.timezones as o_timezones,
           case when mask & 16384 /* STALE_TAGS */ = 0 or mask & 224 /* TAGS_ADD | TAGS_SET | TAGS_REMOVE */ = 0 then c.tag_ids
                else array(select distinct coalesce(t.merged_into, t.id)
                             from unnest(c.tag_ids) stored (id)
                             join tags t on t.workspace_id = i.workspace_id and t.id = stored.id
                            where t.deleted_at is null order by 1) end as o_tag_ids,
           c.fields as o_fields, c.consent as o_consent, c.version as o_version, c.created_at,
           c.updated_at as o_updated_at, c.deleted_at as o_deleted_at
      from input i
      join workspaces w on w.id = i.workspace_id and w.deleted_at is null
      join contacts c on c.workspace_id = i.workspace_id and c.id = i.contact_id
     where i.claim_lock is null
        or pg_try_advisory_xact_lock(i.claim_lock) and not exists (select from kept_answers k where k.key_id = i.claim_owner and k.key = i.claim_key)
     order by c.workspace_id, c.id
       for update of c
), judged as materialized (
    select v.*, case when claim_key is not null and verdict in ('changed', 'same')
                     then concat('{"id":"', v.contact_id, '","workspaceId":"', v.workspace_id, '"',
 ',"firstName":', coalesce(to_json(v.n_first_name)::text, 'null'),
 ',"lastName":', coalesce(to_json(v.n_last_name)::text, 'null'),
 ',"email":', coalesce(to_json(v.n_email)::text, 'null'),
 ',"phone":', coalesce(to_json(v.n_phone)::text, 'null'),
 ',"timezone":', coalesce(to_json(v.n_timezone)::text, 'null'),
 ',"tags":', coalesce((select '[' || string_agg(to_json(name)::text, ',') || ']'
            from (select distinct coalesce(target.name, t.name) collate "C" as name
                    from tags t
                    left join tags target on target.workspace_id = t.workspace_id
                                         and target.id = t.merged_into
                   where t.workspace_id = v.workspace_id and t.id = any(v.n_tag_ids) and t.deleted_at is null
                   order by 1) named), '[]'),
 ',"customFields":', coalesce((select '{' || string_agg(to_json(f.name)::text || ':' || to_json(v.n_fields ->> f.num::text)::text,
                                   ',' order by f.position, f.num) || '}'
            from jsonb_object_keys(v.n_fields) k
            join custom_fields f on f.workspace_id = v.workspace_id and f.num = k::bigint
           where f.deleted_at is null), '{}'),
 ',"createdAt":', replace(to_char(v.created_at, '\"YYYY-MM-DD"T"HH24:MI:SS.US"Z"\"'), '.000000', ''),
 ',"updatedAt":', replace(to_char(case when verdict = 'changed' then n_updated_at else o_updated_at end, '\"YYYY-MM-DD"T"HH24:MI:SS.US"Z"\"'), '.000000', ''),
 '}') end as answer
      from (
    select m.*,
           case when o_deleted_at is not null and mask & 8192 /* RESTORE */ = 0 then 'missing'
                when catalog_version <> newest_catalog then 'stale'
                when if_match is not null and o_version <> all (if_match) then 'version'
                when mask & 2048 /* MATCH */ > 0 and (o_phone = phone or o_email_key = email_key) is not true
                then 'moved'
                when mask & 65536 /* NO_GAIN */ > 0 and (phone is not null and n_phone is distinct from o_phone
                     or email_key is not null and n_email_key is distinct from o_email_key)
                then 'moved'
                when mask & 131072 /* UNDO */ > 0
                     and exists (select from jsonb_each(expected) e (k, v)
                                  where v is distinct from coalesce((o_fields || jsonb_build_object(
                                            'firstName', o_first_name, 'lastName', o_last_name,
                                            'email', o_email, 'phone', o_phone, 'timezone', o_timezone,
                                            'timezoneSource', o_timezone_source)) -> k, 'null'))
                then 'overtaken'
                when mask & 96 /* TAGS_ADD | TAGS_SET */ > 0 and cardinality(n_tag_ids) > $2
                     and cardinality(n_tag_ids) > cardinality(o_tag_ids) then 'tags'
                -- A jsonb is never shorter than its texts, and reading its size costs nothing.
                when mask & 256 /* FIELDS */ > 0 and pg_column_size(n_fields) > $3
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
               case when mask & 1 /* FIRST_NAME */ = 0 or (mask & 1024 /* FILL */ > 0 and o_first_name is not null)
                    then o_first_name else first_name end as n_first_name,
               case when mask & 2 /* LAST_NAME */ = 0 or (mask & 1024 /* FILL */ > 0 and o_last_name is not null)
                    then o_last_name else last_name end as n_last_name,
               case when mask & 4 /* EMAIL */ = 0 or (mask & 1024 /* FILL */ > 0 and o_email is not null) then o_email else email end as n_email,
               case when mask & 4 /* EMAIL */ = 0 or (mask & 1024 /* FILL */ > 0 and o_email is not null) then o_email_key else email_key
               end as n_email_key,
               case when mask & 8 /* PHONE */ = 0 or (mask & 1024 /* FILL */ > 0 and o_phone is not null) then o_phone else phone end as n_phone,
               case when mask & 16 /* TIMEZONE */ = 0 or (mask & 1024 /* FILL */ > 0 and o_timezone is not null)
                    then o_timezone else timezone end as n_timezone,
               case when mask & 16 /* TIMEZONE */ = 0 or (mask & 1024 /* FILL */ > 0 and o_timezone is not null) then o_timezone_source
                    when mask & 131072 /* UNDO */ > 0 then timezone_source
                    when timezone is not null then 'caller' end as n_timezone_source,
               case when mask & 224 /* TAGS_ADD | TAGS_SET | TAGS_REMOVE */ = 0 then o_tag_ids
                    when mask & 131072 /* UNDO */ > 0
                    then array(select t from unnest(o_tag_ids) t
                                where t <> all (coalesce(tag_ids_off, '{}')))
                         || array(select t from unnest(given_tags) t where t <> all (o_tag_ids))
                    when mask & 128 /* TAGS_REMOVE */ > 0
                    then array(select t from unnest(o_tag_ids) t where t <> all (given_tags))
                    when mask & 64 /* TAGS_SET */ > 0
                    then case when o_tag_ids @> given_tags and given_tags @> o_tag_ids then o_tag_ids
                              else given_tags end
                    when o_tag_ids @> given_tags then o_tag_ids
                    else o_tag_ids || array(select t from unnest(given_tags) t where t <> all (o_tag_ids))
               end as n_tag_ids,
               case when mask & 256 /* FIELDS */ = 0 then o_fields
                    when mask & 1024 /* FILL */ > 0 then jsonb_strip_nulls(fields) || o_fields
                    -- Stored values are never null, so this removes only the values that the change clears.
                    when mask & 512 /* FIELDS_CLEAR */ > 0 then jsonb_strip_nulls(o_fields || fields)
                    else o_fields || fields
               end as n_fields,
               case when mask & 32768 /* CONSENT */ = 0 then o_consent
                    when mask & 1024 /* FILL */ > 0
                    then nullif(jsonb_strip_nulls(
                             (select jsonb_object_agg(k, v -> 1) from jsonb_each(consent) g (k, v))
                             || coalesce(o_consent, '{}')), '{}')
                    else nullif(jsonb_strip_nulls(
                             coalesce(o_consent, '{}')
                             || (select jsonb_object_agg(k, case
                                            -- An import must send a time to override such an objection.
                                            when mask & 2048 /* MATCH */ > 0 and k = 'doNotContact'
                                                 and o_consent ? 'takenOver'
                                            then o_consent -> k
                                            when mask & 2048 /* MATCH */ > 0
                                                 and o_consent -> k @> '{"status": "denied", "source": "carried over from a deleted contact"}'
                                                 and v -> 0 ->> 'status' is distinct from 'denied'
                                                 and ((v -> 0 ->> 'at')::timestamptz
                                                      > (o_consent -> k ->> 'at')::timestamptz) is not true
                                            then o_consent -> k
                                            when o_consent -> k ->> 'status' = v -> 0 ->> 'status'
                                            then (o_consent -> k) || (v -> 0) else v -> 1 end)
                                   from jsonb_each(consent) g (k, v))
                             || case when mask & 2048 /* MATCH */ = 0 and consent -> 'doNotContact' -> 1 = 'null'
                                     then '{"takenOver": null}' else '{}' end::jsonb), '{}') end as n_consent,
               case when mask & 4096 /* DELETE */ > 0 then at when mask & 8192 /* RESTORE */ > 0 then null
                    else o_deleted_at end as n_deleted_at
          from locked l
        offset 0
      ) m
      offset 0) v
), updated as (
    update contacts c
       set first_name = n_first_name, last_name = n_last_name, email = n_email, email_key = n_email_key,
           phone = n_phone, timezone = n_timezone, tag_ids = n_tag_ids, fields = n_fields,
           consent = n_consent, timezone_source = n_timezone_source, timezones = case when not zone_changed then o_timezones
                when mask & 131072 /* UNDO */ > 0 then j.timezones end,
           version = c.version + 1, updated_at = n_updated_at, deleted_at = n_deleted_at
      from judged j
     where c.workspace_id = j.workspace_id and c.id = j.contact_id and j.verdict = 'changed'
    -- The event. A row that was not updated has none.
    returning j.workspace_id, j.contact_id, c.version / (c.version = o_version + 1)::int as version, event_id as id,
           case when mask & 4096 /* DELETE */ > 0 then 'contact.deleted'
                when mask & 8192 /* RESTORE */ > 0 then 'contact.restored' else 'contact.updated' end as type,
           n_updated_at as at, case when o_updated_at < n_updated_at - interval '24 hours' then o_updated_at end as previous_at, actor_type, actor_id, via, request_id,
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
                           jsonb_build_array(n_timezone_source, case when not zone_changed then o_timezones
                when mask & 131072 /* UNDO */ > 0 then j.timezones end)) end,
               'tags', case when n_tag_ids is distinct from o_tag_ids
                            then jsonb_build_array(o_tag_ids, n_tag_ids) end,
               'customFields', case when n_fields is distinct from o_fields then
                   (select jsonb_object_agg(k, jsonb_build_array(o_fields -> k, n_fields -> k))
                      from jsonb_object_keys(j.fields) k
                     where o_fields -> k is distinct from n_fields -> k) end
               ,
               'consent', case when n_consent is distinct from o_consent then
                   (select jsonb_object_agg(k, jsonb_build_array(o_consent -> k, n_consent -> k))
                      from jsonb_object_keys(j.consent) k
                     where o_consent -> k is distinct from n_consent -> k) end)) as changes , cause_type, cause_id
), logged as (
    insert into contact_events (workspace_id, contact_id, version, id, type, at, previous_at, actor_type, actor_id, via, request_id, changes, cause_type, cause_id) select workspace_id, contact_id, version, id, type, at, previous_at, actor_type, actor_id, via, request_id, changes, cause_type, cause_id from updated
)
, answered as (
    select claim_owner as key_id, claim_key as key, decode(claim_fingerprint, 'base64') as fingerprint,
           200 as status, array[contact_id] as contact_ids, answer,
           -- As the handler gives them.
           json_build_array(json_build_array('content-type', 'application/json'), json_build_array(
               'etag', '"' || o_version + (verdict = 'changed')::int || '"'))::jsonb as headers
      from judged
     where answer is not null
), kept as (
    insert into kept_answers (key_id, key, fingerprint, status, headers, body, contact_ids, created_at)
select key_id, key, fingerprint, status, headers, convert_to(answer, 'UTF8'), contact_ids,
       unnest(case when now() < date_bin('1 day', now(), timestamptz '2001-01-01 00:00+00') + interval '10 minutes'
            then array[now(), date_bin('1 day', now(), timestamptz '2001-01-01 00:00+00')
                              - interval '1 microsecond']
            else array[now()] end)
  from answered
)
select ordinality, verdict, n_first_name as first_name, n_last_name as last_name, n_email as email,
       n_phone as phone, n_timezone as timezone, n_tag_ids::text as tag_ids, n_fields as fields,
       n_consent as consent,
       case when verdict = 'changed' then o_version + 1 else o_version end as version, created_at,
       case when verdict = 'changed' then n_updated_at else o_updated_at end as updated_at,
       n_deleted_at as deleted_at
       , answer
  from judged
