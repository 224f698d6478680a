"""Contacts to try things with: people who do not exist, from around the world, and what happened to them."""
