"""What may be sent, and the errors if it is not valid."""
