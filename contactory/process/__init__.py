"""The supervisor and its server processes."""
