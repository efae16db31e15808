"""Orders, and shipping them."""
