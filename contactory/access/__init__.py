"""Who is asking: API keys, users, sessions, links and passwords."""
