"""Zones, clocks, openings and verdicts: pure functions, without a database and without HTTP."""
