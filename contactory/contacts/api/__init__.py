"""The operations of the API on contacts."""
