"""What goes over the network between a server and those that speak with it, as both sides read it."""
