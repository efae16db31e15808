"""What a worker is about to claim is pulled before it asks, and goes back if it does not come for it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID, uuid4

import pytest

from taskforge.domain.errors import Unavailable
from taskforge.domain.ids import ProjectId, QueueId, WorkerId
from taskforge.domain.job import JobStatus
from taskforge.ports.dispatch import Pulled, ReadyQueues
from taskforge.ports.jobs import ClaimRequest
from taskforge.ports.signals import Hint, Topic
from taskforge.services import agreement, pulling
from taskforge.services.pulling import FULL_CLAIMS, Pulling
from taskforge.storage.dispatch import SqlDispatchStore
from tests.beside_redis.test_queue import scene
from tests.conformance.stage import registration
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from taskforge.services.direct_link import DirectLink
    from tests.beside_redis.test_queue import Scene

pytestmark = pytest.mark.anyio

FREE = 3
QUEUES = [QueueId(uuid4())]
REQUEST = ClaimRequest(ProjectId(uuid4()), WorkerId(uuid4()), QUEUES, ("t",), FREE, 1, 30_000_000)


class Queues:
    """So many jobs in order; who asked for how many, and whether to wait."""

    def __init__(self, jobs: int) -> None:
        self.jobs = [uuid4() for _ in range(jobs)]
        self.asked: list[tuple[int, bool]] = []
        self.is_away = False
        self.was_asked_ahead = asyncio.Event()
        self.are_in_step = asyncio.Event()
        self.are_in_step.set()
        self.is_waited_for = asyncio.Event()

    async def in_step(self) -> None:
        self.is_waited_for.set()
        await self.are_in_step.wait()

    async def pull(
        self,
        project_id: ProjectId,
        queue_ids: Sequence[QueueId],
        types: Sequence[str],
        wanted: int,
        *,
        waits: bool = True,
    ) -> Pulled:
        self.asked.append((wanted, waits))
        if not waits:
            self.was_asked_ahead.set()
        await asyncio.sleep(0)  # as who asks another server does: others have their turn
        if self.is_away:
            raise Unavailable("away")
        taken, self.jobs = self.jobs[:wanted], self.jobs[wanted:]
        return Pulled(0, taken, {}, None, [], False)


class Worker:
    """Claims all that it pulls."""

    def __init__(self, queues: Queues) -> None:
        self.returned: list[UUID] = []
        self.pulling = Pulling(
            cast("ReadyQueues", queues),
            lambda queue, jobs: self.returned.extend(jobs),
            queues.in_step,
        )

    async def claim(self, free: int = FREE) -> list[UUID]:
        request = REQUEST._replace(free=free)
        self.pulling.begin()
        pulled, _ = await self.pulling.next(request, QUEUES)
        jobs = [] if pulled is None else list(pulled.jobs)
        self.pulling.end(request, QUEUES, is_full=len(jobs) >= free, goes_ahead=True)
        return jobs

    async def is_not_pulling(self) -> None:
        if self.pulling._coming is not None:
            await asyncio.wait({self.pulling._coming})


@pytest.fixture(autouse=True)
def no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests are slow where others run beside them."""
    monkeypatch.setattr(pulling, "PAUSE_SECONDS", 30.0)
    monkeypatch.setattr(pulling, "KEPT_SECONDS", 30.0)


async def test_full_claims_in_a_row_have_the_next_jobs_pulled_before() -> None:
    queues = Queues(30)
    order, worker = list(queues.jobs), Worker(queues)
    claimed = [job for _ in range(FULL_CLAIMS) for job in await worker.claim()]
    assert queues.asked == [(FREE, True)] * FULL_CLAIMS
    await asyncio.wait_for(queues.was_asked_ahead.wait(), 10)
    assert queues.asked[FULL_CLAIMS:] == [(2 * FREE, False)], (
        "for two claims; who pulls ahead waits for nothing"
    )
    claimed += [job for _ in range(4) for job in await worker.claim()]
    assert claimed == order[: len(claimed)], "none is left out, none comes twice, all in order"
    await worker.pulling.leave()
    assert claimed + worker.returned + queues.jobs == order


async def test_a_claim_that_got_less_than_it_asked_for_looks_itself() -> None:
    queues = Queues(FULL_CLAIMS * FREE + 1)
    worker = Worker(queues)
    for _ in range(FULL_CLAIMS):
        await worker.claim()
    last = queues.jobs[0]
    assert await worker.claim() == [last]
    seen = len(queues.asked)
    assert await worker.claim() == [], "and then nothing is pulled ahead"
    assert queues.asked[seen:] == [(FREE, True)]
    await worker.pulling.leave()
    assert not worker.returned


async def test_a_smaller_claim_leaves_the_rest_for_the_next() -> None:
    queues = Queues(30)
    order, worker = list(queues.jobs), Worker(queues)
    claimed = [job for _ in range(FULL_CLAIMS) for job in await worker.claim()]
    claimed += [job for _ in range(5) for job in await worker.claim(1)]
    assert claimed == order[: len(claimed)]
    await worker.pulling.leave()
    assert claimed + worker.returned + queues.jobs == order


async def test_what_nobody_comes_for_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulling, "KEPT_SECONDS", 0.01)
    queues = Queues(30)
    worker = Worker(queues)
    for _ in range(FULL_CLAIMS):
        await worker.claim()
    next_ones = queues.jobs[: 2 * FREE]

    def is_back() -> None:
        assert worker.returned == next_ones

    await eventually(is_back)
    waiting = list(queues.jobs)
    assert await worker.claim() == waiting[:FREE], "the claim that comes later asks itself"
    assert queues.asked[-1] == (FREE, True)


async def test_two_claims_are_served_by_one_pull() -> None:
    queues = Queues(60)
    order, worker = list(queues.jobs), Worker(queues)
    claimed = [job for _ in range(FULL_CLAIMS) for job in await worker.claim()]
    for _ in range(8):
        claimed += await worker.claim()
        await worker.is_not_pulling()
    ahead = queues.asked[FULL_CLAIMS:]
    assert ahead == [(2 * FREE, False)] * 5, (
        "there are always jobs for the next claim, and never for more than three"
    )
    await worker.pulling.leave()
    assert claimed + worker.returned + queues.jobs == order


async def test_a_claim_that_comes_keeps_the_rest_for_the_next() -> None:
    queues = Queues(30)
    worker = Worker(queues)
    for _ in range(FULL_CLAIMS):
        await worker.claim()
    await worker.is_not_pulling()
    timer = worker.pulling._timer
    assert timer is not None
    await worker.claim(1)
    again = worker.pulling._timer
    assert timer.cancelled()
    assert again is not None
    assert again.when() > timer.when()
    await worker.pulling.leave()


async def test_after_a_pause_claims_follow_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulling, "PAUSE_SECONDS", -1.0)
    queues = Queues(30)
    worker = Worker(queues)
    for _ in range(2 * FULL_CLAIMS):
        await worker.claim()
    await worker.pulling.leave()  # after what it has asked for ahead, had it
    assert queues.asked == [(FREE, True)] * 2 * FULL_CLAIMS


async def test_queues_that_are_away_are_asked_by_the_next_claim_itself() -> None:
    queues = Queues(30)
    worker = Worker(queues)
    for _ in range(FULL_CLAIMS):
        await worker.claim()
    queues.is_away = True
    assert await worker.claim() == []
    queues.is_away = False
    order = list(queues.jobs)
    assert await worker.claim() == order[:FREE]
    await worker.pulling.leave()


async def test_nothing_is_pulled_before_queues_know_what_the_record_has_handed_out() -> None:
    queues = Queues(30)
    worker = Worker(queues)
    queues.are_in_step.clear()
    claim = asyncio.create_task(worker.claim())
    await queues.is_waited_for.wait()
    assert queues.asked == []
    queues.are_in_step.set()
    assert len(await claim) == FREE


@asynccontextmanager
async def linked(database_url: str, redis_url: str, jobs: int) -> AsyncIterator[tuple[Scene, DirectLink]]:
    """A worker's link, and so many jobs in a queue that Redis has all of. It has asked for none."""
    async with scene(database_url, redis_url, poll_seconds=60.0, poll_without_hints_seconds=60.0) as here:
        platform = await here.app.platform()
        assert platform.agreement is not None
        await here.add(jobs)
        await platform.agreement.round(0.001)
        link = platform.link()
        await link.register(registration("w", here.note.name))
        await here.count_statements()
        yield here, link


async def claims(link: DirectLink, times: int) -> list[UUID]:
    """What so many claims of five get, one after the other."""
    return [attempt.job.id for _ in range(times) for attempt in (await link.claim(5, 1)).attempts]


async def test_what_the_record_hands_out_is_not_pulled_as_well(database_url: str, redis_url: str) -> None:
    async with linked(database_url, redis_url, 20) as (here, link):
        link._dispatch.heard(Hint(Topic.READY, (await here.app.platform()).project_id))
        claimed = await claims(link, 2)
        assert sorted(claimed) == sorted(here.accepted)[:10]
        assert here.statements["claim_jobs"] == here.statements["claim_these_jobs"] == 1
        assert here.statements["waiting_jobs"] == 0, "nothing was refused"


async def test_what_was_pulled_before_is_claimed_before_the_record_is_asked(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the record would hand out the same jobs, and the claim of those that were pulled would get none."""
    monkeypatch.setattr(pulling, "FULL_CLAIMS", 1)
    async with linked(database_url, redis_url, 20) as (here, link):
        platform = await here.app.platform()
        claimed = await claims(link, 1)
        link._dispatch.heard(Hint(Topic.READY, platform.project_id))
        claimed += await claims(link, 3)
        assert sorted(claimed) == sorted(here.accepted)
        assert (here.statements["claim_these_jobs"], here.statements["claim_jobs"]) == (3, 1)
        assert here.statements["waiting_jobs"] == 0, "nothing was refused"


async def test_at_first_and_after_missed_hints_the_record_is_asked_for_what_queues_lack(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not before: it would hand out what they have."""
    async with linked(database_url, redis_url, 23) as (here, link):
        platform = await here.app.platform()
        assert platform.offering is not None
        claimed = await claims(link, 1)
        link._dispatch.heard(None)
        claimed += await claims(link, 3)
        assert (here.statements["claim_these_jobs"], here.statements["claim_jobs"]) == (4, 0)
        monkeypatch.setattr(platform.offering, "offer", lambda jobs: None)
        await here.add(1)
        claimed += await claims(link, 1)
        assert sorted(claimed) == sorted(here.accepted)
        assert here.statements["claim_jobs"] == 1
        assert await claims(link, 2) == []
        assert here.statements["claim_jobs"] == 1


async def test_a_new_queue_is_served_from_the_beginning(database_url: str, redis_url: str) -> None:
    """Nothing is counted or compared for it."""
    async with scene(database_url, redis_url) as here:
        await here.app.platform()
        await here.count_statements()
        await here.add(1)
        await eventually(here.is_whole)
        assert not here.statements.keys() & {"count_ready", "queue_heads", "ready_page"}


async def test_jobs_that_workers_take_while_they_are_counted_are_not_missing(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of a queue is read page by page only where its producers have not told of it."""
    monkeypatch.setattr(agreement, "PAGE", 5)
    async with scene(database_url, redis_url) as here:
        platform = await here.app.platform()
        assert platform.agreement is not None
        assert platform.offering is not None
        await here.add(20)
        ready, queue = await here.ready(), await platform.queues.get("default")

        async def all_are_told() -> None:
            assert await ready.size(platform.project_id, queue.id) == 20

        await eventually(all_are_told)
        await ready._server.ask(lambda client: client.zrem(ready._keys(platform.project_id, queue.id)[0], ""))
        store = platform.agreement._store
        count_ready, ready_page, pages = store.count_ready, store.ready_page, 0

        async def count_and_take(*asked: Any) -> int:
            counted = await count_ready(*asked)
            await ready.place(platform.project_id, queue.id, [], here.accepted[:2])
            return counted

        async def counted_page(*asked: Any) -> Any:
            nonlocal pages
            pages += 1
            return await ready_page(*asked)

        monkeypatch.setattr(store, "count_ready", count_and_take)
        monkeypatch.setattr(store, "ready_page", counted_page)
        await platform.agreement.round(0.001)
        assert await ready.incomplete(platform.project_id, [queue.id]) == []
        assert pages == 1


async def test_jobs_that_a_worker_has_just_pulled_are_not_missing(database_url: str, redis_url: str) -> None:
    """Those that it does not claim are."""
    async with linked(database_url, redis_url, 20) as (here, link):
        platform = await here.app.platform()
        assert platform.agreement is not None
        ready, queue = await here.ready(), await platform.queues.get("default")
        assert platform.offering is not None
        await link.claim(2, 1)
        await platform.offering.taken_are_told()
        pulled = await ready.pull(platform.project_id, [queue.id], [here.note.name], 8)
        request = link._request(5, 1, link._queues())
        comparing = asyncio.create_task(platform.agreement.round(0.001))

        async def heads_were_read() -> None:
            assert here.statements["queue_heads"]

        await eventually(heads_were_read)
        await SqlDispatchStore(platform.foundation.engine, platform.stores.jobs).claim_these(
            request, pulled.jobs[:5]
        )
        assert await comparing == 3
        assert await ready.size(platform.project_id, queue.id) == 20 - 2 - 5


async def test_jobs_of_several_queues_that_go_back_are_told_to_the_workers_of_all(
    database_url: str, redis_url: str
) -> None:
    """Who gives back knows the queues that it asked, not of which each job is."""
    heard: list[Hint] = []
    async with scene(database_url, redis_url) as here:
        platform = await here.app.platform()
        assert platform.offering is not None
        assert platform.agreement is not None
        first, other = [await platform.queues.create(name) for name in ("first", "other")]
        await here.add(1, queue="other")
        await platform.agreement.round(0.001)
        ready = await here.ready()
        pulled = await ready.pull(platform.project_id, [first.id, other.id], [here.note.name], 5)
        assert list(pulled.jobs) == here.accepted
        assert await ready.size(platform.project_id, other.id) == 0
        leave = platform.signals.subscribe(lambda hint: heard.append(hint) if hint is not None else None)
        assert platform.offering.returned(first.id, pulled.jobs)

        def is_told() -> None:
            told = [hint for hint in heard if hint.topic is Topic.OFFERED]
            assert any(hint.queue_id in (None, other.id) for hint in told), heard

        await eventually(is_told)
        leave()
        assert await ready.size(platform.project_id, other.id) == 1


async def test_a_worker_that_leaves_puts_back_what_it_has_not_claimed(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else would: both sides are compared once a minute here."""
    monkeypatch.setattr(pulling, "FULL_CLAIMS", 1)
    async with scene(database_url, redis_url, poll_seconds=60.0, poll_without_hints_seconds=60.0) as here:
        platform = await here.app.platform()
        assert platform.agreement is not None
        await here.add(400)
        await platform.agreement.round(0.001)
        ready, queue = await here.ready(), await platform.queues.get("default")

        def some_ran() -> None:
            assert platform.foundation.handed_out.by_queues >= 20

        async def all_are_there() -> None:
            counts = await platform.insights.counts()
            assert counts.get(JobStatus.PROCESSING, 0) == 0
            assert await ready.size(platform.project_id, queue.id) == counts.get(JobStatus.PENDING, 0)

        async with here.app.worker(concurrency=5):
            await eventually(some_ran)
        await eventually(all_are_there)
        async with here.app.worker(concurrency=5):
            await here.all_ran()
