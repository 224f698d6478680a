"""Contacts: the model, the store, the writer, and the operations on them."""
