"""The second reference: pgbench on tables that have nothing but what the statement itself needs.

The contacts have their primary key and room for HOT updates; the events are one table without an index and
without months. What the server loses against it is what its own indexes and partitions cost, besides HTTP.
"""

from bench.stage import Stage

SCHEMA = "bare"
_MAKE = """
create schema bare;
create table bare.contacts (like contacts) with (fillfactor = 75, autovacuum_analyze_scale_factor = 0.2);
insert into bare.contacts select * from contacts order by workspace_id, id;
alter table bare.contacts add primary key (workspace_id, id);
create table bare.contact_events (like contact_events including defaults)
    with (autovacuum_analyze_scale_factor = 0.5);
insert into bare.contact_events select * from contact_events;
alter table bare.contact_events alter column changes set statistics 0;
analyze bare.contacts, bare.contact_events
"""


def make(built: Stage) -> None:
    """Copies the contacts and events of a stage. What is written there is not in the history."""
    built.sql(_MAKE, "vacuum bare.contacts", "select 1")
    built.checkpoint()
