"""Jobs in the transactions of callers, on the real drivers."""
