-- A custom field whose type is being changed: until that has succeeded or failed, what is written to it must
-- fit both types. next_type_at names the attempt. Where next_type is the type already, only values that are
-- written differently in the new type are still to be rewritten.
alter table custom_fields
    add column next_type text check (next_type in ('text', 'number', 'date', 'boolean')),
    add column next_type_at timestamptz;
create index custom_fields_in_transition on custom_fields (workspace_id, id) where next_type is not null;
