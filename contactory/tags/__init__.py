"""Tags of a workspace."""
