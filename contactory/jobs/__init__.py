"""A workspace's long work: kept in the database, and done in pieces by any server process."""
