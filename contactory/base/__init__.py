"""The foundation of all other rooms: settings, logs, ids, caches and metrics."""
