"""Hints between processes: within one, by LISTEN/NOTIFY, by watching a SQLite file."""
