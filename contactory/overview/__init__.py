"""The overview of a workspace: numbers of contacts, availability, and recent activity."""
