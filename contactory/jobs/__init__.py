"""A workspace's long work: stored in the database, and done in pieces by any server process."""
