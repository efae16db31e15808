"""Names of other systems over ours, for programs that move."""
