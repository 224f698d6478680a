"""Availability: when contacts may be contacted, by opening hours in local time and by consent."""
