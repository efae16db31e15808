"""A plan past one database, played: `python -m benchmarks.planning`. Then see docs/planning.md."""
