"""What happens when the database, the way to it, or a process fails."""
