"""What stands behind sessions and connections of SQLAlchemy: the connection of its driver."""

from __future__ import annotations

from typing import Any


def driver_connection(connection: Any) -> object:
    """That of a Session or Connection, in whose transaction it is from now on."""
    if hasattr(connection, "get_bind"):  # a session, scoped or not
        connection = connection.connection()
    _begin(connection)
    return connection.connection.driver_connection


async def async_driver_connection(connection: Any) -> object:
    """That of an AsyncSession or AsyncConnection, in whose transaction it is from now on."""
    if hasattr(connection, "get_bind"):
        connection = await connection.connection()
    await connection.run_sync(_begin)
    return (await connection.get_raw_connection()).driver_connection


def _begin(connection: Any) -> None:
    """SQLAlchemy begins at the first statement; one that it does not see would not be committed."""
    connection.exec_driver_sql("SELECT 1").close()
