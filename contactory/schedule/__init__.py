"""The recurring jobs of a process: what is done how often, and which process does it."""
