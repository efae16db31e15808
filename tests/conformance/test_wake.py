"""A worker at a limit or a rate sleeps, and is awake as soon as there is room, whatever process made it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from taskforge import TaskForge
from taskforge.coordination.local import Hub, LocalSignals
from taskforge.services import direct_link
from taskforge.services.direct_link import DirectLink, LinkOptions
from tests.conformance.stage import MovableClock, registration
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from taskforge.ports.jobs import ClaimBatch, ClaimRequest

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

NEVER = {"poll_seconds": 3000, "poll_without_hints_seconds": 3000}


@pytest.fixture
async def make(database_url: str, anyio_backend: str) -> AsyncIterator[Callable[..., TaskForge]]:
    """Applications that are strangers to each other, as those of two processes are."""
    async with AsyncExitStack() as stack:

        def application(**settings: Any) -> TaskForge:
            app = TaskForge(database_url, **settings)
            stack.push_async_callback(app.aclose)
            return app

        yield application


def counted(claim: Callable[[ClaimRequest], Awaitable[ClaimBatch]], calls: list[int]) -> Any:
    """The claim of a store that notes how many jobs each call got."""

    async def wrapped(request: ClaimRequest) -> ClaimBatch:
        batch = await claim(request)
        calls.append(len(batch.jobs))
        return batch

    return wrapped


async def test_a_slot_that_another_process_frees_is_taken_at_once(make: Callable[..., TaskForge]) -> None:
    first, second = make(**NEVER), make(**NEVER)

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds)

    for app in (first, second):
        for name in ("first", "second"):
            app.task(name=name)(sleep)
    await (await first.platform()).queues.create("default", settings={"max_concurrent_jobs": 1})
    for app in (first, second):
        await _until_it_hears(app)
    async with first.worker(name="a", only=["first"]), second.worker(name="b", only=["second"]):
        tasks = [first.registry.find(name) for name in ("first", "second")]
        jobs = [await tasks[number % 2].aenqueue(seconds=0.02) for number in range(8)]
        async with asyncio.timeout(40):
            for job in jobs:
                await job.aresult()


async def test_a_place_that_recovery_frees_is_taken_at_once(make: Callable[..., TaskForge]) -> None:
    """A job that waits too long elsewhere had the place of its key."""
    app = make(recovery_interval_seconds=0.2, **NEVER)

    async def work() -> str:
        return "done"

    for name, queue in (("served", "default"), ("unserved", "elsewhere")):
        app.task(name=name, queue=queue, concurrency_key="one", concurrency_limit=1)(work)
    await _until_it_hears(app)
    async with app.worker(name="a", queues=["default"]):
        first = await app.registry.find("unserved").options(expires=1.0).aenqueue()
        second = await app.registry.find("served").aenqueue()
        assert await second.aresult(timeout=30) == "done"
        assert (await first.ajob()).status == "failed"


async def test_while_a_rate_is_used_up_nobody_asks(make: Callable[..., TaskForge]) -> None:
    app = make(poll_seconds=3000, poll_without_hints_seconds=3000)

    @app.task
    async def quick() -> None:
        pass

    platform = await app.platform()
    await platform.queues.create("default", settings={"rate_limit": 3})
    calls: list[int] = []
    platform.stores.jobs.claim = counted(platform.stores.jobs.claim, calls)  # type: ignore[method-assign]
    await app.aenqueue_many([quick.job() for _ in range(10)])
    async with app.worker():
        await eventually(lambda: _assert(sum(calls) == 3))
        await asyncio.sleep(0.3)
        before = len(calls)
        await asyncio.sleep(1.5)
        assert len(calls) - before <= 1
        assert sum(calls) == 3
        await platform.queues.update("default", settings={"rate_limit": 5})
        await eventually(lambda: _assert(sum(calls) == 5))
        await platform.queues.update("default", settings={"rate_limit": None})
        await eventually(lambda: _assert(sum(calls) == 10))


async def test_a_worker_is_told_when_the_window_frees(make: Callable[..., TaskForge]) -> None:
    clock = MovableClock()
    app = make(clock=clock)

    @app.task
    async def quick() -> None:
        pass

    platform = await app.platform()
    await platform.queues.create("default", settings={"rate_limit": 3})
    await app.aenqueue_many([quick.job() for _ in range(10)])
    link = platform.link()
    await link.register(registration("w", quick.name))
    clock.advance(0.5)
    first = await link.claim(10, 1)
    assert (len(first.attempts), first.next_due_in) == (3, 60.5)
    clock.advance(60.25)
    assert (await link.claim(10, 1)).next_due_in == 0.25
    clock.advance(0.25)
    assert len((await link.claim(10, 1)).attempts) == 3


async def test_a_rule_that_was_set_elsewhere_is_followed_with_the_next_claim(
    make: Callable[..., TaskForge],
) -> None:
    app, other = make(), make()

    @app.task
    async def quick() -> None:
        pass

    platform = await app.platform()
    await platform.queues.create("default")
    await app.aenqueue_many([quick.job() for _ in range(10)])
    link = platform.link()
    await link.register(registration("w", quick.name))
    await (await other.platform()).queues.update("default", settings={"max_concurrent_jobs": 2})
    assert len((await link.claim(10, 1)).attempts) == 2
    assert (await link.claim(10, 1)).attempts == []
    await (await other.platform()).queues.update("default", settings={"max_concurrent_jobs": None})
    assert len((await link.claim(5, 1)).attempts) == 5


@pytest.mark.parametrize("hears", [False, True])
async def test_a_worker_that_begins_is_not_made_to_beat_by_each_way_that_hints_come(
    make: Callable[..., TaskForge], monkeypatch: pytest.MonkeyPatch, hears: bool
) -> None:
    """Later it is: a cancel may have been missed."""
    monkeypatch.setattr(direct_link, "BEGINNING_SECONDS", 3600.0)
    app = make()
    platform = await app.platform()
    hub = Hub()
    signals = LocalSignals(hub)
    monkeypatch.setattr(LocalSignals, "hears_others", hears)
    told: list[str] = []
    link = DirectLink(
        jobs=platform.stores.jobs,
        workers=platform.stores.workers,
        directory=platform.directory,
        signals=signals,
        mint=uuid4,
        options=LinkOptions(),
    )
    leave = link.on_hint(lambda: told.append("wake"), lambda: told.append("beat"))
    for _ in range(2):
        hub.tell(None)
    await eventually(lambda: _assert(told.count("wake") == 2))
    begun, told[:] = list(told), []
    monkeypatch.setattr(direct_link, "BEGINNING_SECONDS", 0.0)  # it is over
    hub.tell(None)
    await eventually(lambda: _assert("wake" in told))
    leave()
    assert begun == (["wake", "beat"] * 2 if hears else ["wake"] * 2)
    assert told == ["wake", "beat"]


def _assert(condition: bool) -> None:
    assert condition


async def _until_it_hears(app: TaskForge) -> None:
    signals = (await app.platform()).signals
    unsubscribe = signals.subscribe(lambda _: None)
    await eventually(lambda: _assert(signals.hears_others))
    unsubscribe()
