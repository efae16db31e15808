"""Each PostgreSQL that is here understands every statement, with the types that it finds for the parameters."""

import asyncpg
import pytest

from taskforge.storage.statements import catalog


@pytest.mark.anyio
async def test_every_statement_can_be_prepared(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    refused = {}
    for name, block in catalog("postgres").items():
        for statement in block:
            try:
                await connection.prepare(statement.numbered("$"))
            except asyncpg.PostgresError as error:
                refused[name] = str(error)
    await connection.close()
    assert refused == {}
