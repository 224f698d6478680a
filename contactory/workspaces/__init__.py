"""Workspaces and the accounts that own them."""
