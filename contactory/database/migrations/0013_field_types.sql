-- A new type of custom field needs no migration. Which types there are is checked where a request, a form and a
-- command come in; and a server that meets a type it does not know, as in the middle of an upgrade, shows its values
-- and refuses new ones.
alter table custom_fields
    drop constraint custom_fields_type_check,
    drop constraint custom_fields_next_type_check;
