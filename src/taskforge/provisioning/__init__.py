"""Hands that start and stop workers, where they are not processes of this host."""
