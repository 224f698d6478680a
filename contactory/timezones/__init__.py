"""Time zones, and the phones they are found from."""
