"""Child processes for handlers: started by spawning, reused between jobs, killed with all that they started."""
