"""What the inside needs of the outside: Protocols only, one file for each thing that is kept or told."""
