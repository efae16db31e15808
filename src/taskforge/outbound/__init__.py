"""Speaking with servers of others: what ``ports.outbound`` asks for."""
