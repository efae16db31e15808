"""What bodies look like: one module a resource."""
