"""TaskForge beside its peers, the same work on the same machine in the same run.

Run from the repository: `python -m benchmarks --help`; `benchmarks/README.md` says what is measured.
"""
