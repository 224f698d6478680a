"""The supervisor, and the server processes that it keeps."""
