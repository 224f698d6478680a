"""Contactory: a self-hosted, multi-tenant contact store with an HTTP API, on PostgreSQL."""

__version__ = "0.1.0"
