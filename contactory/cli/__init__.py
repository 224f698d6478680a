"""The command line. At the start, its modules import only click, so that `--help` is fast."""
