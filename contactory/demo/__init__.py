"""Invented contacts from around the world, with their history, to try things out."""
