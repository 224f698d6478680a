"""The recurring jobs of a process: their intervals, and which process runs them."""
