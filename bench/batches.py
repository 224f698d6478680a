"""Batches as loads: of 100 updates beside their limit, and of 1,000 in the three ways to send them."""

from bench.scenario import Scenario

_BATCH = Scenario(
    name="batch",
    title="POST 100 updates",
    items=100,
    writes=True,
    request="""
local one = '{"op":"update","id":"%s","data":{"firstName":"N%d","tags":["tag %d"],' ..
            '"customFields":{"Lead Source":"S%d"}}}'
function request()
  local start, step, operations = random(contacts), math.floor(contacts / $items), {}
  for i = 1, $items do
    local value = random(1000000000)
    operations[i] = one:format(id_of((start + i * step) % contacts + 1), value, random(0, $tags - 1), value)
  end
  local body = '{"operations":[' .. table.concat(operations, ",") .. "]}"
  return wrk.format("POST", "/v1/contacts/batch", json, body)
end
""",
    statement="""
\\set n random(1, $contacts)
\\set v random(1, 1000000000)
with i as materialized (
    select ('00000000-0000-7000-8000-'
            || lpad(to_hex(((:n + g * ($contacts / $items)) % $contacts + 1)::int), 12, '0'))::uuid as id,
           :v::bigint + g as v, $tag + (:v::bigint + g * 37) % $tags as t
      from generate_series(1, $items) g
), lk as materialized (
    select c.id, i.v, i.t
      from i join contacts c on c.workspace_id = '$workspace' and c.id = i.id and c.deleted_at is null
     order by c.id
       for update of c
), u as (
    update contacts c
       set first_name = 'N' || lk.v,
           tag_ids = case when c.tag_ids @> array[lk.t] then c.tag_ids else c.tag_ids || lk.t end,
           fields = c.fields || jsonb_build_object('$field', 'S' || lk.v),
           version = c.version + 1, updated_at = greatest(now(), c.updated_at + interval '1 microsecond')
      from lk
     where c.workspace_id = '$workspace' and c.id = lk.id
    returning $c_row, old.first_name as old_first_name, old.tag_ids as old_tag_ids, old.fields as old_fields
), e as (
    insert into contact_events ($event)
    select '$workspace', id, version, uuidv7(), 'contact.updated', updated_at, 'api_key', 'api',
           jsonb_strip_nulls(jsonb_build_object(
               'firstName', jsonb_build_array(old_first_name, first_name),
               'tags', case when tag_ids <> old_tag_ids then jsonb_build_array(old_tag_ids, tag_ids) end,
               'customFields', jsonb_build_object(
                   '$field', jsonb_build_array(old_fields -> '$field', fields -> '$field'))))
      from u
)
select $row from u;
""",
)

_THOUSAND = Scenario(
    name="thousand", title="POST 1,000 updates", items=1000, writes=True, request=_BATCH.request
)
_ONCE = """
local once = function()
  json["Idempotency-Key"] = random(2147483647) .. "-" .. random(2147483647)
  return json
end
"""
_THOUSAND_KEYED = Scenario(
    name="thousand-keyed",
    title="POST 1,000 updates with an Idempotency-Key",
    items=1000,
    writes=True,
    request=_ONCE + _BATCH.request.replace(", json,", ", once(),"),
)
_THOUSAND_TRIED = Scenario(
    name="thousand-tried",
    title="POST 1,000 updates as a dry run",
    items=1000,
    request=_BATCH.request.replace("/batch", "/batch?dryRun=true"),
)
BATCHES = (_BATCH, _THOUSAND, _THOUSAND_KEYED, _THOUSAND_TRIED)
