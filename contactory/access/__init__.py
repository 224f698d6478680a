"""Authentication: API keys, users, sessions, links and passwords."""
