"""What keeps running: the worker, and the loops that every process has."""
