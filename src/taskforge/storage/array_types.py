"""What asyncpg has to know of the types of arrays, asked once in the life of a process.

By itself it asks on each connection, for each statement with types it has not met there: 7 ms of the server's time, and three
round trips. These are types of the server itself, whose numbers are the same in all databases and versions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

import asyncpg

if TYPE_CHECKING:
    from collections.abc import Iterable

    Base = asyncpg.Connection[Any]
else:
    Base = asyncpg.Connection

ARRAYS = {
    "boolean[]": 1000,
    "smallint[]": 1005,
    "integer[]": 1007,
    "bigint[]": 1016,
    "timestamptz[]": 1185,
    "uuid[]": 2951,
}
"""Those of our statements (asyncpg knows text[]), by the numbers of the catalogue ``pg_type``."""


class KnowingArrays(Base):
    """A connection that hears of these types from the first one that has asked."""

    _answer: ClassVar[Any] = None
    _types: ClassVar[frozenset[int]] = frozenset(ARRAYS.values())

    async def _introspect_types(self, typeoids: Iterable[int], timeout: float | None) -> Any:
        ask = cast("Any", super())._introspect_types
        if not self._types.issuperset(typeoids):
            return await ask(typeoids, timeout)
        if KnowingArrays._answer is None:
            KnowingArrays._answer = await ask(self._types, timeout)
        return KnowingArrays._answer
