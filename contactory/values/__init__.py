"""The values that a contact can hold: how they are read, and their normal forms."""
