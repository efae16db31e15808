"""A queue's deletion beside transactions that are open: no job is left in a queue that is gone, nobody is kept waiting."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import psycopg
import pytest

from taskforge.domain.errors import Conflict, NotFound, QueueClosed, Unavailable
from taskforge.domain.queue import QueueState
from tests.conformance.stage import run_sql
from tests.support.eventually import eventually
from tests.transactions.conftest import Shop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from taskforge.services.queues import Queues

pytestmark = pytest.mark.anyio


async def until_closed(queues: Queues, name: str) -> None:
    async def is_closed() -> None:
        assert (await queues.get(name)).state is QueueState.CLOSED

    await eventually(is_closed)


@pytest.fixture
async def shop(postgres_url: str, anyio_backend: str) -> AsyncIterator[Shop]:
    async with Shop(postgres_url) as shop:
        await run_sql(postgres_url, "CREATE TABLE orders (number integer)")
        yield shop
    await asyncio.to_thread(shop.close)


async def test_a_caller_s_open_transaction_keeps_its_own_queue_only(shop: Shop) -> None:
    queues = (await shop.platform()).queues
    await queues.create("other")
    await queues.create("empty")
    with psycopg.connect(shop.url) as connection:
        await asyncio.to_thread(shop.ship.enqueue_in, connection, 1)
        await asyncio.wait_for(queues.delete("empty"), 1)  # the transaction is nothing to it
        deleting = asyncio.create_task(queues.delete("default"))
        await until_closed(queues, "default")
        await asyncio.wait_for(shop.ship.options(queue="other").aenqueue(2), 1)  # nobody else waits
        with pytest.raises(Unavailable, match="hold what this change needs"):
            await deleting
        assert (await queues.get("default")).state is QueueState.ACTIVE
        connection.commit()
    with pytest.raises(Conflict, match="still has jobs: 1 pending"):
        await queues.delete("default")


async def test_the_deletion_goes_on_when_the_transaction_is_rolled_back(shop: Shop) -> None:
    queues = (await shop.platform()).queues
    with psycopg.connect(shop.url) as connection:
        await asyncio.to_thread(shop.ship.enqueue_in, connection, 1)
        deleting = asyncio.create_task(queues.delete("default"))
        await until_closed(queues, "default")
        connection.rollback()
        await deleting
    with pytest.raises(NotFound):
        await queues.get("default")
    assert await shop.jobs() == 0


async def test_a_statement_that_saw_the_queue_open_is_waited_for(shop: Shop) -> None:
    """As if an accepting statement took very long."""
    queues = (await shop.platform()).queues
    queue = await queues.create("busy")
    project = queue.project_id
    with psycopg.connect(shop.url) as connection:
        connection.execute(
            "INSERT INTO jobs (id, project_id, queue_id, job_type, payload, status, rank, priority, created_at, "
            f"updated_at) VALUES (gen_random_uuid(), '{project}', '{queue.id}', 't', '1', 'pending', 0, 0, now(), now())"
        )
        deleting = asyncio.create_task(queues.delete("busy"))
        await until_closed(queues, "busy")
        with pytest.raises(QueueClosed):
            await shop.ship.options(queue="busy").aenqueue(1)
        connection.commit()
        with pytest.raises(Conflict, match="1 pending"):
            await deleting
    assert (await queues.get("busy")).state is QueueState.ACTIVE
    await shop.ship.options(queue="busy").aenqueue(1)


async def test_deletions_and_transactions_at_once_leave_no_orphan(shop: Shop) -> None:
    queues = (await shop.platform()).queues
    names = [f"q{number}" for number in range(8)]
    for name in names:
        await queues.create(name)

    def enqueue(name: str) -> None:
        with psycopg.connect(shop.url) as connection:
            shop.ship.options(queue=name).enqueue_in(connection, 1)

    async def refused(work: object) -> bool:
        try:
            await work  # type: ignore[misc]
        except (Conflict, NotFound, Unavailable):
            return True
        return False

    works = [work for name in names for work in (asyncio.to_thread(enqueue, name), queues.delete(name))]
    await asyncio.gather(*map(refused, works))
    orphans = await run_sql(
        shop.url, "SELECT count(*) FROM jobs WHERE queue_id NOT IN (SELECT id FROM queues)"
    )
    assert orphans[0][0] == 0
    assert {queue.state for queue in await queues.list()} <= {QueueState.ACTIVE}
