"""The command line. Its modules import only click when they are loaded, so that `--help` is there at once."""
