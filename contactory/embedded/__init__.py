"""A PostgreSQL server in a folder."""
