"""The values of a contact: how they are parsed, and their normal forms."""
