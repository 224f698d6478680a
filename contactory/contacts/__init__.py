"""Contacts: the model, reading, writing, the API and the pages."""
