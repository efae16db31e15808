"""A worker: claims jobs through its link, runs them, keeps their leases, reports how they ended."""
