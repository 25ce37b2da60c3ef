"""One program for each peer; each does what its library's documentation shows."""
