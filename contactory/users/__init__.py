"""People who use the dashboard."""
