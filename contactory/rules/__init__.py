"""What may be sent, and what is answered where it is wrong."""
