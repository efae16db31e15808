"""The HTTP API: the real application over each database."""
