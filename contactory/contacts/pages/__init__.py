"""The pages that show and change contacts."""
