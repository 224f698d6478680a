"""What is sent: each operation as an HTTP request (Lua, for wrk) beside its limit (SQL, for pgbench).

The limit is the best that one can write by hand for the same job: one statement, one commit, by a client in C
on a connection of its own, with no HTTP, no checking and no access rights. RETURNING old (PostgreSQL 18)
spares it a look at the row before it is changed. The names after `$` come from the stage.
"""

from string import Template

import msgspec

from bench.batches import BATCHES
from bench.scenario import Scenario
from bench.stage import TAGS, Stage


class Load(msgspec.Struct, frozen=True):
    """A scenario's two files, filled in for a stage."""

    lua: str
    sql: str | None


_PRELUDE = """\
local id_of = function(n) return string.format("00000000-0000-7000-8000-%012x", n) end
local json = {["Content-Type"] = "application/json", ["Authorization"] = "Bearer $key"}
local plain = {["Authorization"] = "Bearer $key"}
local random, contacts, number, checked = math.random, $contacts, 0, 0
local threads, run, retry = {}, 0, 0

-- The headers of a request with an Idempotency-Key that no other request has.
local keyed = function()
  retry = retry + 1
  json["Idempotency-Key"] = string.format("%08x-%04x-4000-8000-%012x", run, place, retry)
  return json
end

function setup(thread)
  threads[#threads + 1] = thread
  thread:set("place", #threads - 1)
end

-- Arguments: a number that no other run has, the first number for new contacts, and whether to check answers.
function init(args)
  run = args[1]
  math.randomseed(run * 100 + place)
  number = args[2] + place * $stride
  wrong = 0
  if args[3] == "check" or $items > 1 then response = check end
end

function check(status, headers, body)
  local done = 1
  if $items > 1 then done = select(2, body:gsub('{"status":200', "")) end
  if status ~= $status or done ~= $items then
    wrong = wrong + 1
    if not answer then answer = status .. " " .. body:sub(1, 500) end
  end
end

function done(summary, latency, requests)
  local count, said = 0, ""
  for _, thread in ipairs(threads) do
    count = count + (thread:get("wrong") or 0)
    said = thread:get("answer") or said
  end
  local e = summary.errors
  io.stderr:write(string.format(
    '{"requests": %d, "seconds": %f, "p50": %f, "p95": %f, "p99": %f, "failed": %d, "lost": %d}\\n%s',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(95) / 1e3,
    latency:percentile(99) / 1e3, math.max(e.status, count), e.connect + e.read + e.write + e.timeout, said))
end

"""

_LIVE = Scenario(
    name="live",
    title="GET a constant",
    request="""
function request() return wrk.format("GET", "/health/live", plain) end
""",
)

_PATCH = Scenario(
    name="patch",
    title="PATCH name, tag, value",
    writes=True,
    request="""
local body = '{"firstName":"N%d","tags":["tag %d"],"customFields":{"Lead Source":"S%d"}}'
function request()
  local value = random(1000000000)
  return wrk.format("PATCH", "/v1/contacts/" .. id_of(random(contacts)), json,
                    body:format(value, random(0, $tags - 1), value))
end
""",
    statement="""
\\set n random(1, $contacts)
\\set v random(1, 1000000000)
\\set t random($tag, $tag + $tags - 1)
with u as (
    update contacts c
       set first_name = 'N' || :v::text,
           tag_ids = case when c.tag_ids @> array[:t::bigint] then c.tag_ids else c.tag_ids || :t::bigint end,
           fields = c.fields || jsonb_build_object('$field', 'S' || :v::text),
           version = c.version + 1, updated_at = greatest(now(), c.updated_at + interval '1 microsecond')
     where c.workspace_id = '$workspace' and c.deleted_at is null
       and c.id = ('00000000-0000-7000-8000-' || lpad(to_hex(:n::int), 12, '0'))::uuid
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

_KEYED = Scenario(
    name="keyed",
    title="PATCH with an Idempotency-Key",
    writes=True,
    request=_PATCH.request.replace(", json,", ", keyed(),"),
)

_GET = Scenario(
    name="get",
    title="GET a contact",
    request="""
function request() return wrk.format("GET", "/v1/contacts/" .. id_of(random(contacts)), plain) end
""",
    statement="""
\\set n random(1, $contacts)
select $row
  from contacts
 where workspace_id = '$workspace' and deleted_at is null
   and id = ('00000000-0000-7000-8000-' || lpad(to_hex(:n::int), 12, '0'))::uuid;
""",
)

_LOOKUP = Scenario(
    name="lookup",
    title="Look a phone up",
    request="""
local path = "/v1/contacts/lookup?phone=%%2B1%.0f"
function request() return wrk.format("GET", path:format(4150000000 + random(contacts)), plain) end
""",
    statement="""
\\set n random(1, $contacts)
select $row, consent
  from contacts
 where workspace_id = '$workspace' and deleted_at is null and phone = '+1' || (4150000000 + :n::bigint);
""",
)

_LIST = Scenario(
    name="list",
    title="GET a list of 20",
    request="""
function request() return wrk.format("GET", "/v1/contacts?limit=20", plain) end
""",
    statement="""
select $row
  from contacts
 where workspace_id = '$workspace' and deleted_at is null
 order by created_at, id
 limit 21;
""",
)

# Lists that are asked for word for word at the same moment share a read; these do not.
_PAGES = Scenario(
    name="pages",
    title="GET a list of 20, all different",
    request="""
function request()
  local after = os.date("!%Y-%m-%dT%H:%M:%SZ", 1704067200 + random(contacts - 20))
  return wrk.format("GET", "/v1/contacts?limit=20&createdAfter=" .. after, plain)
end
""",
    statement="""
\\set n random(1, $contacts - 20)
select $row
  from contacts
 where workspace_id = '$workspace' and deleted_at is null
   and created_at > timestamptz '2024-01-01' + :n::bigint * interval '1 second'
 order by created_at, id
 limit 21;
""",
)

_CREATE = Scenario(
    name="create",
    title="POST a contact",
    status=201,
    writes=True,
    request="""
local body = '{"firstName":"New","lastName":"Contact","email":"new%d@example.com","phone":"+49151%08d",' ..
             '"tags":["tag %d"],"customFields":{"Lead Source":"Website"}}'
function request()
  number = number + 1
  return wrk.format("POST", "/v1/contacts", json, body:format(number, number, number % $tags))
end
""",
    # A variable of pgbench keeps its value from one transaction of a client to the next.
    statement="""
\\set i :i + 1
\\set n :first + :client_id * $stride + :i
with c as (
    insert into contacts (workspace_id, id, first_name, last_name, email, email_key, phone, timezone, tag_ids,
                          fields, version, created_at, updated_at)
    select '$workspace', uuidv7(), 'New', 'Contact', 'new' || :n::bigint || '@example.com',
           'new' || :n::bigint || '@example.com', '+49151' || lpad(:n::text, 8, '0'), 'Europe/Berlin',
           array[$tag + :n::bigint % $tags], jsonb_build_object('$field', 'Website'), 1, now(), now()
    returning *
), e as (
    insert into contact_events ($event)
    select workspace_id, id, version, uuidv7(), 'contact.created', created_at, 'api_key', 'api',
           jsonb_build_object(
               'firstName', jsonb_build_array(null, first_name),
               'lastName', jsonb_build_array(null, last_name),
               'email', jsonb_build_array(null, email), 'phone', jsonb_build_array(null, phone),
               'timezone', jsonb_build_array(null, timezone),
               'tags', jsonb_build_array('[]'::jsonb, tag_ids),
               'customFields', jsonb_build_object('$field', jsonb_build_array(null, fields -> '$field')))
      from c
)
select $row from c;
""",
)

_KEYED_CREATE = Scenario(
    name="keyed-create",
    title="POST a contact with an Idempotency-Key",
    status=201,
    writes=True,
    request=_CREATE.request.replace(", json,", ", keyed(),"),
)

_UPSERT = Scenario(
    name="upsert",
    title="POST an upsert",
    writes=True,
    request="""
local body = '{"phone":"+1%.0f","firstName":"N%d","customFields":{"Lead Source":"S%d"}}'
function request()
  local value = random(1000000000)
  local phone = 4150000000 + random(contacts)
  return wrk.format("POST", "/v1/contacts/upsert", json, body:format(phone, value, value))
end
""",
    statement="""
\\set n random(1, $contacts)
\\set v random(1, 1000000000)
with u as (
    update contacts c
       set first_name = 'N' || :v::text, fields = c.fields || jsonb_build_object('$field', 'S' || :v::text),
           version = c.version + 1, updated_at = greatest(now(), c.updated_at + interval '1 microsecond')
     where c.workspace_id = '$workspace' and c.deleted_at is null
       and c.phone = '+1' || (4150000000 + :n::bigint)
    returning $c_row, old.first_name as old_first_name, old.fields as old_fields
), e as (
    insert into contact_events ($event)
    select '$workspace', id, version, uuidv7(), 'contact.updated', updated_at, 'api_key', 'api',
           jsonb_build_object(
               'firstName', jsonb_build_array(old_first_name, first_name),
               'customFields', jsonb_build_object(
                   '$field', jsonb_build_array(old_fields -> '$field', fields -> '$field')))
      from u
)
select $row from u;
""",
)

SCENARIOS = {
    s.name: s
    for s in (
        _LIVE,
        _PATCH,
        _KEYED,
        _GET,
        _LOOKUP,
        _LIST,
        _PAGES,
        _CREATE,
        _KEYED_CREATE,
        _UPSERT,
        *BATCHES,
    )
}
STRIDE = 100_000
"""New contacts that one client of a run may make."""


_ROW = "id, first_name, last_name, email, phone, timezone, tag_ids, fields, version, created_at, updated_at"
_EVENT = "workspace_id, contact_id, version, id, type, at, actor_type, via, changes"


def filled(scenario: Scenario, built: Stage) -> Load:
    """The scenario's files for this stage."""
    values = {
        "key": built.key,
        "workspace": built.workspace,
        "contacts": built.contacts,
        "tag": built.first_tag,
        "tags": TAGS,
        "field": built.field,
        "status": scenario.status,
        "items": scenario.items,
        "stride": STRIDE,
        "row": _ROW,
        "c_row": "c." + _ROW.replace(", ", ", c."),
        "event": _EVENT,
    }
    lua = Template(_PRELUDE + scenario.request).substitute(values)
    return Load(lua, Template(scenario.statement).substitute(values) if scenario.statement else None)
