"""The frame of all pages: sessions, forms, templates and static files."""
