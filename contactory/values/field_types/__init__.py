"""The types of custom fields, one file each.

To add a type, write a file here that makes a `FieldType` (boolean.py is a short one to begin with), and put
it into the table in registry.py. The API, its description, the pages, filters, orders, exports and the
command line take it from there. The database needs no migration: it keeps every value as text, and the name
of the type with the field.
"""
