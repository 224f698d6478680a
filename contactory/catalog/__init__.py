"""The names and defaults of a workspace, kept in memory."""
