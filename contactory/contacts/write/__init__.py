"""Changing contacts."""
