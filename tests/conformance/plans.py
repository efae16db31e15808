"""The plans that PostgreSQL makes for statements of ours on a long-lived connection."""

from __future__ import annotations

import json
import secrets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg

from taskforge.storage.statements import catalog

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence


class Prepared:
    """Named statements over one connection, prepared under their names as a long-lived worker has them."""

    def __init__(self, connection: asyncpg.Connection[Any]) -> None:
        self.connection = connection
        self._texts = {name: block[0] for name, block in catalog("postgres").items()}
        self._made: set[str] = set()

    async def run(self, name: str, values: Mapping[str, Any]) -> list[Any]:
        """Execute it."""
        rows: list[Any] = await self.connection.fetch(await self._call(name, values))
        return rows

    async def plan(self, name: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The nodes of its plan as it is executed now; what it changes is undone."""
        transaction = self.connection.transaction()
        await transaction.start()
        try:
            text = await self.connection.fetchval(
                f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {await self._call(name, values)}"
            )
        finally:
            await transaction.rollback()
        return list(_nodes(json.loads(text)[0]["Plan"]))

    async def _call(self, name: str, values: Mapping[str, Any]) -> str:
        statement = self._texts[name]
        if name not in self._made:
            self._made.add(name)
            await self.connection.execute(f"PREPARE {name} AS {statement.numbered('$').rstrip(';')}")
        given = {"seed": secrets.randbits(63), **values}  # as the engine does
        return f"EXECUTE {name} ({', '.join(_literal(given.get(one)) for one in statement.parameters)})"


def _literal(value: Any) -> str:
    match value:
        case None:
            return "NULL"
        case bool() | int():
            return str(value)
        case list() | tuple():
            return "'{" + ",".join("NULL" if item is None else str(item) for item in value) + "}'"
        case _:
            return f"'{value}'"


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


@asynccontextmanager
async def generic_plans(url: str) -> AsyncIterator[Prepared]:
    """Statements over a connection that plans for any values at once, which a long-lived one comes to."""
    connection = await asyncpg.connect(url)
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    await connection.execute("SET jit = off")
    try:
        yield Prepared(connection)
    finally:
        await connection.close()


def indexes(nodes: Sequence[dict[str, Any]]) -> set[str]:
    """The indexes that a plan uses."""
    return {node["Index Name"] for node in nodes if "Index Name" in node}
