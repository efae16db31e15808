"""Which single jobs share a statement."""

import asyncio
from uuid import UUID, uuid4

import pytest

from taskforge.domain.errors import QueueClosed, TaskforgeError, Unavailable
from taskforge.domain.job import NewJob
from taskforge.services import gathering
from taskforge.services.gathering import WORTH_HALVING, Gathering

pytestmark = pytest.mark.anyio

PATIENCE_SECONDS = 20.0


def new_job() -> NewJob:
    return NewJob(uuid4(), uuid4(), "add", "{}")


class Store:
    """Statements that end when they are told to."""

    def __init__(self, *, one_writer: bool = False) -> None:
        self.sizes: list[int] = []
        self.under_way: list[asyncio.Event] = []
        self.tasks: list[asyncio.Task[object] | None] = []
        self.second = asyncio.Event()
        self.is_quick = True
        self.refused: dict[UUID, TaskforgeError] = {}
        self.fails: TaskforgeError | None = None
        self.gathering = Gathering(self.store, one_writer=one_writer)

    async def store(self, jobs: list[NewJob]) -> dict[UUID, TaskforgeError]:
        self.sizes.append(len(jobs))
        self.tasks.append(asyncio.current_task())
        if not self.is_quick:
            end = asyncio.Event()
            self.under_way.append(end)
            if len(self.under_way) == 2:
                self.second.set()
            await end.wait()
        if self.fails is not None:
            raise self.fails
        return {job.id: self.refused[job.id] for job in jobs if job.id in self.refused}

    async def call(self) -> None:
        await self.gathering.store(new_job())

    async def add(self, count: int) -> list[asyncio.Task[None]]:
        """So many callers at one moment, and the turns of the loop in which a group of them sets out."""
        callers = [asyncio.create_task(self.call()) for _ in range(count)]
        for _ in range(4):
            await asyncio.sleep(0)
        return callers


async def answered(callers: list[asyncio.Task[None]]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.gather(*callers)


async def test_one_after_the_other_each_goes_its_way_in_its_caller_s_task() -> None:
    store = Store()
    for _ in range(3):
        await store.gathering.store(new_job())
    assert store.sizes == [1, 1, 1]
    assert store.tasks[1:] == [asyncio.current_task()] * 2  # of the first nobody knew that it would be alone


async def test_those_of_one_moment_share_a_statement() -> None:
    store = Store()
    await answered(await store.add(5))
    assert store.sizes == [5]


async def test_who_comes_while_one_is_under_way_does_not_wait_for_it() -> None:
    store = Store()
    await store.gathering.store(new_job())
    store.is_quick = False
    [first] = await store.add(1)
    others = await store.add(3)
    assert store.sizes == [1, 1, 3]
    store.under_way[1].set()
    await answered(others)
    assert not first.done()
    store.under_way[0].set()
    await answered([first])


async def test_many_go_in_halves() -> None:
    store = Store()
    store.is_quick = False
    callers = await store.add(WORTH_HALVING + 1)
    assert store.sizes == [WORTH_HALVING // 2 + 1, WORTH_HALVING // 2]
    for end in store.under_way:
        end.set()
    await answered(callers)


async def test_where_one_writes_at_a_time_many_go_together() -> None:
    store = Store(one_writer=True)
    await answered(await store.add(WORTH_HALVING + 1))
    assert store.sizes == [WORTH_HALVING + 1]


async def test_where_one_writes_at_a_time_who_goes_on_and_on_does_not_keep_the_others_waiting() -> None:
    store = Store(one_writer=True)
    await store.call()

    async def goes_on() -> None:
        for _ in range(3):
            await store.call()

    await answered([asyncio.create_task(goes_on()) for _ in range(10)])
    assert store.sizes == [1, 1, 10, 10, 9]


async def test_a_few_wait_for_many_and_go_with_who_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "LONGEST_WAIT_SECONDS", PATIENCE_SECONDS)
    store = Store()
    store.is_quick = False
    many = await store.add(WORTH_HALVING - 1)
    few = await store.add(2)
    assert store.sizes == [WORTH_HALVING - 1]
    store.is_quick = True
    store.under_way[0].set()
    await answered(many + few)
    assert store.sizes == [WORTH_HALVING - 1, 2]


async def test_a_few_do_not_wait_long() -> None:
    store = Store()
    store.is_quick = False
    many = await store.add(WORTH_HALVING - 1)
    few = await store.add(2)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await store.second.wait()
    for end in store.under_way:
        end.set()
    await answered(many + few)


async def test_one_is_refused_and_the_others_are_stored() -> None:
    store = Store()
    bad = new_job()
    store.refused[bad.id] = QueueClosed("closed")
    good = await store.add(2)
    answers = await asyncio.gather(
        *[store.gathering.store(job) for job in (new_job(), bad)], return_exceptions=True
    )
    assert answers[0] is None
    assert answers[1] is store.refused[bad.id]
    await answered(good)


async def test_what_keeps_all_from_being_stored_is_told_to_all() -> None:
    store = Store()
    store.fails = Unavailable("away")
    callers = await store.add(3)
    answers = await asyncio.gather(*callers, return_exceptions=True)
    assert answers == [store.fails] * 3
    store.fails = None
    await answered(await store.add(2))
    assert store.sizes == [3, 2]


async def test_a_caller_who_is_cancelled_alone_lets_others_go_on() -> None:
    store = Store()
    await store.gathering.store(new_job())
    store.is_quick = False
    [alone] = await store.add(1)
    alone.cancel()
    await asyncio.wait({alone})
    store.is_quick = True
    await store.gathering.store(new_job())
    assert store.sizes == [1, 1, 1]
