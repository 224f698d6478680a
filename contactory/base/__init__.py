"""What everything stands on: settings, logs, ids, caches and metrics."""
