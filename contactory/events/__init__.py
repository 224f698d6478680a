"""What has happened to contacts: one event for each change, kept by months."""
