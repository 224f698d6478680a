"""The pages for signing in, for one's account, and for the people of an account."""
