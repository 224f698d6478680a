"""The operation that lists time zones."""
