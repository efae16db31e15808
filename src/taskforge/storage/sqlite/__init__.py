"""SQLite: one writer with group commit, separate readers, every other process respected."""
