"""A backup is put back while workers of the time after it still run: they are refused, number by number though equal."""

from __future__ import annotations

import sqlite3
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from taskforge.domain.job import JobStatus
from taskforge.domain.outcome import Succeeded
from tests.conformance.stage import Stage, beat_of, line

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def backup_of(url: str, folder: Path) -> AsyncIterator[str]:
    """The address of a copy, as a backup would be restored to."""
    if url.startswith("sqlite"):
        copy = folder / "restored.db"
        with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
            connection.execute("VACUUM INTO ?", (str(copy),))
        connection.close()
        yield f"sqlite:///{copy}"
        return
    name = urlsplit(url).path.lstrip("/")
    administrator = await asyncpg.connect(url, database="postgres")
    try:
        await administrator.execute(f'CREATE DATABASE "{name}_restored" TEMPLATE "{name}"')
        try:
            yield urlunsplit(urlsplit(url)._replace(path=f"/{name}_restored"))
        finally:
            await administrator.execute(f'DROP DATABASE "{name}_restored" WITH (FORCE)')
    finally:
        await administrator.close()


async def test_workers_of_the_lost_future_change_nothing(database_url: str, tmp_path: Path) -> None:
    before = Stage(database_url)
    queue = await before.queue()
    await before.know("t")
    [waiting] = await before.add(queue, 1)
    await before.close()
    async with backup_of(database_url, tmp_path) as restored_url:
        future, restored = Stage(database_url), Stage(restored_url)
        [lost] = await future.claim(queue)
        [held] = await restored.claim(queue)
        assert lost.id == held.id == waiting
        assert lost.claim_seq == held.claim_seq == 1
        assert lost.execution_id != held.execution_id

        assert not await restored.finish(lost, Succeeded('"of the lost future"'))
        assert (await restored.beat(beat_of(lost, signed=True))).alive == frozenset()
        written = [(lost.id, lost.claim_seq, lost.execution_id, line(1, "of the lost future"))]
        assert await restored.jobs.append_lines(written) == frozenset()
        assert await restored.status(held.id) is JobStatus.PROCESSING

        assert await restored.finish(held, Succeeded('"of now"'))
        assert [execution.id for execution in await restored.executions(held.id)] == [held.execution_id]
        await future.close()
        await restored.close()
