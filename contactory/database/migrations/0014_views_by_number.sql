-- What a view names: {"tags": {"vip": 12}, "window": "0192…"}, the numbers of its tags by the names in its query,
-- and the id of its send window. So it finds them under new names. Servers of older releases neither read nor write
-- it: their views have none, and find tags by name.
alter table saved_views add column refers jsonb;

-- The views that are there already: the encoded names are parts of their queries.
with given as (
    select v.workspace_id, v.id, found.m[1] like 'where%' as is_tag, found.m[2] as encoded
      from saved_views v
     cross join regexp_split_to_table(v.query, '&') as part
     cross join regexp_matches(part, '^(where=tags%3A(?:has|lacks)%3A|window=)(.+)$') as found (m)
), named as (
    select g.workspace_id, g.id, g.is_tag,
           convert_from(decode(string_agg(case when piece.m[1] ~ '^%' then substr(piece.m[1], 2)
                                               else encode(convert_to(piece.m[1], 'UTF8'), 'hex') end,
                                          '' order by piece.place), 'hex'), 'UTF8') as name
      from given g
     cross join regexp_matches(replace(g.encoded, '+', ' '), '%[0-9A-F]{2}|[^%]', 'g')
                with ordinality as piece (m, place)
     group by g.workspace_id, g.id, g.is_tag, g.encoded
), referred as (
    select n.workspace_id, n.id, jsonb_object_agg(n.name, t.id) filter (where t.id is not null) as tags,
           max(w.id::text) as window_id
      from named n
      left join tags t
             on n.is_tag and t.workspace_id = n.workspace_id and t.name = n.name
            and t.deleted_at is null and t.merged_into is null
      left join send_windows w on not n.is_tag and w.workspace_id = n.workspace_id and w.name = n.name
     group by n.workspace_id, n.id
)
update saved_views v
   set refers = jsonb_build_object('tags', coalesce(r.tags, '{}'), 'window', r.window_id)
  from referred r
 where v.workspace_id = r.workspace_id and v.id = r.id;
