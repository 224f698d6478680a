"""PostgreSQL: connections, and the schema with its migrations."""
