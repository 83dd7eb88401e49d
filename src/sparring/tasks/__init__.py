"""What trained games are good for: one task a file."""
