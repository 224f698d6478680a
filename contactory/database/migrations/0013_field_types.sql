-- A new type of custom field needs no migration. The server checks which types there are where a request, a form or
-- a command comes in. A server that meets a type that it does not know, as in the middle of an upgrade, shows its
-- values and refuses new ones. So no server needs the guarantee that these two constraints gave.
alter table custom_fields
    -- squawk-ignore ban-drop-constraint
    drop constraint custom_fields_type_check,
    -- squawk-ignore ban-drop-constraint
    drop constraint custom_fields_next_type_check;
