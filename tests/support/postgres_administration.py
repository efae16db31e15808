"""One lasting connection to a server for what only an administrator may do: every test makes and drops a database."""

import atexit
import os
import threading
from functools import cache

import psycopg


class Administrator:
    """Runs statements outside a transaction, also inside an event loop. It connects again after a restart."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection | None = None
        self._one_at_a_time = threading.Lock()

    def execute(self, statement: str) -> None:
        """Run a statement. Raises what psycopg raises."""
        self._run(statement)

    def value(self, query: str) -> str:
        """The one value of a query's one row."""
        row = self._run(query).fetchone()
        assert row is not None
        return str(row[0])

    def close(self) -> None:
        """Leave the server; the next statement connects again."""
        with self._one_at_a_time:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _run(self, statement: str) -> psycopg.Cursor:
        with self._one_at_a_time:
            for attempt in (1, 2):
                if self._connection is None or self._connection.closed:
                    self._connection = psycopg.connect(self._url, autocommit=True)
                try:
                    return self._connection.execute(statement.encode())
                except psycopg.OperationalError:
                    if attempt == 2 or not self._connection.closed:
                        raise
        raise AssertionError("unreachable")


@cache
def _of_process(url: str, pid: int) -> Administrator:
    administrator = Administrator(url)
    atexit.register(administrator.close)
    return administrator


def administrator(url: str) -> Administrator:
    """The administrator of the server at an address; a process has one for each."""
    return _of_process(url, os.getpid())
