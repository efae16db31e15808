"""asyncpg asks each PostgreSQL once for the types of arrays that our statements take and give."""

from typing import Any, cast

import asyncpg
import pytest

from taskforge.storage.array_types import ARRAYS, KnowingArrays
from taskforge.storage.statements import catalog


@pytest.mark.anyio
async def test_a_second_connection_asks_for_no_type(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[set[int]] = []
    ask = cast("Any", asyncpg.Connection)._introspect_types

    async def noted(connection: Any, typeoids: set[int], timeout: float | None) -> Any:
        asked.append(set(typeoids))
        return await ask(connection, typeoids, timeout)

    monkeypatch.setattr(asyncpg.Connection, "_introspect_types", noted)
    monkeypatch.setattr(KnowingArrays, "_answer", None)
    for _ in range(2):
        connection = await asyncpg.connect(postgres_url, connection_class=KnowingArrays)
        for statement in (statement for block in catalog("postgres").values() for statement in block):
            await connection.prepare(statement.numbered("$"))
        assert await connection.fetchval("SELECT $1::uuid[]", []) == []
        await connection.close()
    assert asked == [set(ARRAYS.values())]


@pytest.mark.anyio
async def test_the_numbers_are_those_of_the_server(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    found = {name: await connection.fetchval(f"SELECT '{name}'::regtype::oid::bigint") for name in ARRAYS}
    await connection.close()
    assert found == ARRAYS


@pytest.mark.anyio
async def test_other_types_are_asked_for_as_ever(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url, connection_class=KnowingArrays)
    assert await connection.fetchval("SELECT $1::float8[]", [1.5]) == [1.5]
    await connection.close()


@pytest.mark.anyio
async def test_it_is_so_without_statements_that_are_kept(postgres_url: str) -> None:
    for _ in range(2):
        connection = await asyncpg.connect(
            postgres_url, connection_class=KnowingArrays, statement_cache_size=0
        )
        for given in ([1], [2, 3]):
            assert await connection.fetchval("SELECT $1::bigint[]", given) == given
        await connection.close()
