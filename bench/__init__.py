"""Measures Contactory beside the limits of what it stands on: `make bench`, `make bench-growth`."""
