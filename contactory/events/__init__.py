"""The changes of contacts: one event for each, in a table by months."""
