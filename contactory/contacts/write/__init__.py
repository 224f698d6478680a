"""Writing contacts."""
