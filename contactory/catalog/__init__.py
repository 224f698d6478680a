"""The names and defaults of a workspace, in memory."""
