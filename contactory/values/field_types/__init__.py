"""The types of custom fields, one file each.

To add a type, write a file here with a `FieldType` (boolean.py is a short example), and add it to the table
in registry.py. The API, its description, the pages, filters, orders, exports and the command line use the
table. The database needs no migration: it stores every value as text, and the name of the type with the
field.
"""
