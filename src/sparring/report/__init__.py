"""A run as one page: a file that opens anywhere, asks no network for anything, and holds all that it shows."""
