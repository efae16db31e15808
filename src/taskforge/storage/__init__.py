"""The ports over SQL: SQLite and PostgreSQL behind one set of named statements."""
