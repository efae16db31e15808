"""`taskforge demo`: a finite run on real input, the running Python's own standard library."""
