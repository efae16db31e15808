"""What uses a server over HTTP: programs, the command line, and workers without a database."""
