"""What can be done: one file for each family of use cases, over the ports alone."""
