"""Activities that run when the look of `recover` says that there is something to do; its first one comes at once."""

RARELY = 3600.0
"""Seconds after which they look for themselves, whatever they were told."""
