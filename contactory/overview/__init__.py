"""The overview of a workspace: how many contacts, since when, who can be reached when, what has happened."""
