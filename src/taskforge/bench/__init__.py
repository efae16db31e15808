"""Measuring TaskForge itself: what `taskforge bench` and the repository's `benchmarks/` share.

Only the public API of TaskForge is driven; the truth is read from the database. Nothing here
judges speed: the functions return figures.
"""
