"""What uses a server over HTTP: programs, the command line, and workers without a database."""

from taskforge.client.client import Client

__all__ = ["Client"]
