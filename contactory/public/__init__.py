"""Paths without a key: health, metrics, the description of the API, and the pages that explain it."""
