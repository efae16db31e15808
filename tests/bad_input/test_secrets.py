"""A secret that tasks say wherever they can stands nowhere in the database."""

from __future__ import annotations

import logging
import sqlite3
from typing import TYPE_CHECKING

import pytest

from taskforge import Context, TaskForge
from taskforge.domain.errors import JobFailed
from taskforge.sdk.secrets import SECRETS
from taskforge.storage.address import parse_address

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.anyio

CANARY = "canary-4711-of-the-gateway"


@pytest.fixture
def _forgotten() -> Iterator[None]:
    yield
    SECRETS.forget()


@pytest.mark.usefixtures("_forgotten")
async def test_a_registered_secret_is_stored_nowhere(sqlite_url: str) -> None:
    app = TaskForge(sqlite_url, poll_seconds=0.05, poll_without_hints_seconds=0.05)
    app.redact(CANARY)

    def say(ctx: Context) -> None:
        ctx.log.info(CANARY, key=CANARY)
        logging.getLogger("shop").error("with %s", CANARY, extra={"key": CANARY})
        print(f"printed {CANARY}")
        ctx.progress(1, 2, CANARY)
        raise ValueError(f"refused: {CANARY}")

    @app.task(max_attempts=1)
    async def at_once(ctx: Context) -> None:
        say(ctx)

    @app.task(max_attempts=1)
    def in_a_thread(ctx: Context) -> None:
        say(ctx)

    async with app, app.worker():
        for task in (at_once, in_a_thread):
            job = await task.aenqueue()
            with pytest.raises(JobFailed, match=r"refused: \[redacted\]"):
                await job.aresult(timeout=30)
        [thread, _] = await (await app.platform()).errors.list()
        assert thread.sample.message == "refused: [redacted]"
    with sqlite3.connect(parse_address(sqlite_url).target) as database:
        stored = "\n".join(database.iterdump())
    assert stored.count("[redacted]") >= 10
    assert CANARY not in stored
