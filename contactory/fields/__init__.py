"""Custom fields of a workspace."""
