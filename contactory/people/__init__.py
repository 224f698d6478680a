"""The pages for sign-in, for the user's own account, and for the users of an account."""
