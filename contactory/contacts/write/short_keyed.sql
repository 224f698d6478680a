-- What PATCH usually does, in a batch with an Idempotency-Key, as it runs. Made of the parts in statement.py: change them there.
-- Its plan, from PostgreSQL 16 on: explain (generic_plan) with …
with input as (
    select *
      from rows from (json_to_recordset($1) as (
               workspace_id uuid, contact_id uuid, mask int, catalog_version bigint, if_match bigint[],
               first_name text, last_name text, email text, email_key text, phone text, timezone text,
               tag_ids bigint[], fields jsonb, consent jsonb,
               at timestamptz, event_id uuid, actor_type text, actor_id uuid, via text, request_id text
               , claim_owner uuid, claim_key text, claim_fingerprint text, claim_lock bigint
           ))
           with ordinality as i
), locked as (
    -- Locked before anything is computed, and always in the same order, so that batches do not deadlock
    -- and do not overwrite the latest commit of another one.
    select i.*, coalesce(i.tag_ids, '{}') as given_tags, w.catalog_version as newest_catalog,
           c.first_name as o_first_name, c.last_name as o_last_name, c.email as o_email,
           c.email_key as o_email_key, c.phone as o_phone, c.timezone as o_timezone,
           c.timezone_source as o_timezone_source, c.timezones as o_timezones,
           c.tag_ids as o_tag_ids,
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
 ',"tags":', coalesce((select '[' || string_agg(to_json(t.name)::text, ',' order by t.name collate "C") || ']'
            from tags t
           where t.workspace_id = v.workspace_id and t.id = any(v.n_tag_ids)), '[]'),
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
           case when o_deleted_at is not null then 'missing'
                when catalog_version <> newest_catalog then 'stale'
                when if_match is not null and o_version <> all (if_match) then 'version'
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
               case when mask & 1 /* FIRST_NAME */ = 0
                    then o_first_name else first_name end as n_first_name,
               case when mask & 2 /* LAST_NAME */ = 0
                    then o_last_name else last_name end as n_last_name,
               case when mask & 4 /* EMAIL */ = 0 then o_email else email end as n_email,
               case when mask & 4 /* EMAIL */ = 0 then o_email_key else email_key
               end as n_email_key,
               case when mask & 8 /* PHONE */ = 0 then o_phone else phone end as n_phone,
               case when mask & 16 /* TIMEZONE */ = 0
                    then o_timezone else timezone end as n_timezone,
               case when mask & 16 /* TIMEZONE */ = 0 then o_timezone_source
                    when timezone is not null then 'caller' end as n_timezone_source,
               case when mask & 224 /* TAGS_ADD | TAGS_SET | TAGS_REMOVE */ = 0 then o_tag_ids
                    when o_tag_ids @> given_tags then o_tag_ids
                    else o_tag_ids || array(select t from unnest(given_tags) t where t <> all (o_tag_ids))
               end as n_tag_ids,
               case when mask & 256 /* FIELDS */ = 0 then o_fields
                    -- Stored values are never null, so this removes only the values that the change clears.
                    when mask & 512 /* FIELDS_CLEAR */ > 0 then jsonb_strip_nulls(o_fields || fields)
                    else o_fields || fields
               end as n_fields,
               o_consent as n_consent,
               o_deleted_at as n_deleted_at
          from locked l
        offset 0
      ) m
      offset 0) v
), updated as (
    update contacts c
       set first_name = n_first_name, last_name = n_last_name, email = n_email, email_key = n_email_key,
           phone = n_phone, timezone = n_timezone, tag_ids = n_tag_ids, fields = n_fields,
           consent = n_consent, timezone_source = n_timezone_source, timezones = case when not zone_changed then o_timezones end,
           version = c.version + 1, updated_at = n_updated_at, deleted_at = n_deleted_at
      from judged j
     where c.workspace_id = j.workspace_id and c.id = j.contact_id and j.verdict = 'changed'
    -- The event. A row that was not updated has none.
    returning j.workspace_id, j.contact_id, c.version / (c.version = o_version + 1)::int as version, event_id as id, 'contact.updated' as type,
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
                           jsonb_build_array(n_timezone_source, case when not zone_changed then o_timezones end)) end,
               'tags', case when n_tag_ids is distinct from o_tag_ids
                            then jsonb_build_array(o_tag_ids, n_tag_ids) end,
               'customFields', case when n_fields is distinct from o_fields then
                   (select jsonb_object_agg(k, jsonb_build_array(o_fields -> k, n_fields -> k))
                      from jsonb_object_keys(j.fields) k
                     where o_fields -> k is distinct from n_fields -> k) end
               )) as changes
), logged as (
    insert into contact_events (workspace_id, contact_id, version, id, type, at, previous_at, actor_type, actor_id, via, request_id, changes) select workspace_id, contact_id, version, id, type, at, previous_at, actor_type, actor_id, via, request_id, changes from updated
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
