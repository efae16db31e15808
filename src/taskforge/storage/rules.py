"""Claiming where queues have rules: their gates first, then queue by queue with the room that is left.

The one that comes first is claimed from without holding its gate, by the version of the gate that was seen.
"""

from __future__ import annotations

import logging
from functools import partial
from itertools import groupby, takewhile
from typing import TYPE_CHECKING, TypeAlias

from taskforge.domain.errors import TaskforgeError
from taskforge.domain.sharing import Room
from taskforge.domain.turns import MOST_TURNS
from taskforge.storage.balance import Balance
from taskforge.storage.engine import One, adrive
from taskforge.storage.weighing import claim_weighed, look

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from taskforge.domain.ids import QueueId
    from taskforge.domain.job import ClaimedJob
    from taskforge.ports.jobs import ClaimBatch, ClaimRequest
    from taskforge.storage.engine import Engine, Rows, Script

    ReadBatch: TypeAlias = Callable[[Rows], ClaimBatch]
    ReadJobs: TypeAlias = Callable[[Rows], Sequence[ClaimedJob]]

logger = logging.getLogger("taskforge.claims")

CLAIMS_BY_GATE = 16
"""At most so many claims of a queue hold its gate after one that did not was in vain: others are at it, or share its jobs."""
TRIES = 2
"""So often a claim looks at a queue whose gate it does not hold, where none was in vain lately."""


class ClaimsByRules:
    """Takes jobs for workers some of whose queues have rules."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._by_gate: dict[QueueId, int] = {}
        self._in_vain: dict[QueueId, int] = {}

    async def claim(self, request: ClaimRequest, read: ReadBatch, read_weighed: ReadJobs) -> ClaimBatch:
        """Take jobs of the queues in their order.

        Those before the first with rules are served by a plain claim, and that one without holding its gate; then what is
        left goes on with those behind. When nothing is left, no other queue is touched, unless turns may be kept for the
        worker there, which it gives up by saying that it is full.
        """
        head = list(takewhile(lambda queue_id: queue_id not in request.ruled, request.queue_ids))
        batch: ClaimBatch | None = None
        if self._engine.dialect == "sqlite" and request.is_expected and len(request.ruled) > 1:
            pass  # all in one transaction
        elif head:
            one = One("claim_jobs", {**request._asdict(), "queue_ids": head})
            batch = read(await self._engine.call(one))._replace(is_expected=False)
        else:
            head = list(request.queue_ids[:1])
            batch = await self._unheld(request, read_weighed)
        if batch is None:
            return await self._at_gates(request, read, read_weighed)
        if len(head) == len(request.queue_ids):
            return batch
        rest = _rest(request, request.queue_ids[len(head) :], batch)
        gives_up = request.is_expected and len(rest.ruled) > 0
        if batch.wanted:
            return batch._replace(is_expected=batch.is_expected or gives_up)
        if rest.free <= 0 and not gives_up:
            return batch
        try:
            more = await self.claim(rest, read, read_weighed)
            has_heard, batch = batch.is_expected, _together(batch, more)
            left = _rest(request, head, batch)
            if has_heard and left.free <= 0:  # the gate has heard of room that is gone
                told = await self.claim(left, read, read_weighed)
                batch = _together(batch._replace(is_expected=more.is_expected), told)
        except TaskforgeError as error:
            if not batch.jobs:
                raise
            logger.warning("going on with %d claimed jobs, though: %s", len(batch.jobs), error)
            return batch._replace(is_expected=batch.is_expected or gives_up)
        return batch

    async def _unheld(self, request: ClaimRequest, read: ReadJobs) -> ClaimBatch | None:
        """Of the first queue without holding its gate; None: that was in vain, now or lately.

        Where statements are not sent anywhere, holding the gate is cheaper, but for the time that a fair queue takes.
        """
        queue_id = request.queue_ids[0]
        if self._engine.dialect == "sqlite" and queue_id not in request.fair:
            return None
        waits = self._by_gate.get(queue_id, 0)
        if waits == 0:
            lately = self._in_vain.get(queue_id, 0)
            claim = partial(
                _claim_unheld, request, queue_id, read, self._engine, tries=1 if lately else TRIES
            )
            batch = await adrive(claim, self._engine.call)
            if batch is not None:
                self._in_vain[queue_id] = lately // 2
                return batch
            waits = self._in_vain[queue_id] = min(CLAIMS_BY_GATE, max(2, 2 * lately))
        self._by_gate[queue_id] = waits - 1
        return None

    async def _at_gates(self, request: ClaimRequest, read: ReadBatch, read_weighed: ReadJobs) -> ClaimBatch:
        return await self._engine.run(lambda: _claim_by_rules(request, read, read_weighed, self._engine))


def _rest(request: ClaimRequest, queue_ids: Sequence[QueueId], batch: ClaimBatch) -> ClaimRequest:
    """What is still wanted of these queues beside the jobs of a batch; if nothing, those with rules may have to hear it."""
    free = request.free - sum(job.slots for job in batch.jobs)
    return request._replace(
        queue_ids=[queue_id for queue_id in queue_ids if free > 0 or queue_id in request.ruled],
        ruled=[queue_id for queue_id in request.ruled if queue_id in queue_ids],
        free=free,
        suspects=max(0, request.suspects - sum(1 for job in batch.jobs if job.losses)),
    )


def _together(batch: ClaimBatch, more: ClaimBatch) -> ClaimBatch:
    """Two claims as one; the second one's time and version are newer."""
    return more._replace(
        jobs=[*batch.jobs, *more.jobs],
        next_due_at=_first((batch.next_due_at, more.next_due_at)),
        next_start_at=_first((batch.next_start_at, more.next_start_at)),
        news=[*batch.news, *more.news],
        is_expected=batch.is_expected or more.is_expected,
    )


def _claim_unheld(
    request: ClaimRequest, queue_id: QueueId, read: ReadJobs, engine: Engine, *, tries: int
) -> Script[ClaimBatch | None]:
    """Look at a queue and take what was chosen, each in a transaction of its own; None: it has to be done at the gate.

    The claim takes nothing when somebody was at the gate since the look, and then no other claim can have begun.
    """
    is_fair = queue_id in request.fair
    for _ in range(tries):
        [seen] = yield look(request, queue_id, request.free if is_fair else None, silence_us=silence(request))
        if seen["turn_key"] is None:
            return None
        balance = Balance(request, [seen], engine)
        if queue_id not in balance.served:
            return None
        batch, version, is_lost = yield from claim_weighed(
            request,
            queue_id,
            Room(request.free, jobs=balance.part(queue_id, request.free)),
            suspects=request.suspects,
            is_fair=is_fair,
            read=read,
            shares=partial(balance.after, queue_id),
            engine=engine,
            seen=seen,
        )
        balance.took(queue_id, len(batch.jobs))
        left = request.free - sum([job.slots for job in batch.jobs])
        news = balance.close(left)
        for _, shares in balance.unkept:
            gate = {"project_id": request.project_id, "queue_id": queue_id, "version": version}
            kept = yield One("keep_shares", {**gate, "shares": shares})
            is_lost = is_lost or not kept
        if batch.jobs or not is_lost:
            return batch._replace(
                news=news,
                next_start_at=_first((batch.next_start_at, balance.ask_again_at)),
                is_expected=left > 0 and balance.has_turns,
            )
    return None


def _claim_by_rules(
    request: ClaimRequest, read: ReadBatch, read_weighed: ReadJobs, engine: Engine
) -> Script[ClaimBatch]:
    """Serve the queues in their order; one whose gate another claimer holds is left out this time.

    Neighbours without a rule are served by one plain claim. When the next job of a queue needs more slots than are
    free, the queues behind it are left alone: these slots are kept for it.
    """
    gates = yield One(
        "lock_gates",
        {
            "project_id": request.project_id,
            "queue_ids": request.ruled,
            "worker_id": request.worker_id,
            "silence_us": silence(request),
            "job_types": request.job_types,
            "needs": request.needs,
            "second_best": request.second_best,
            "most": MOST_TURNS,
            "free": request.free,
        },
    )
    balance = Balance(request, gates, engine)
    weighed = {engine.identity(row["queue_id"]): bool(row["is_fair"]) for row in gates if row["is_weighed"]}
    jobs: list[ClaimedJob] = []
    batches: list[ClaimBatch] = []
    starts: list[datetime | None] = []
    wanted = 0
    for call in _calls(request, balance.served):
        free = request.free - sum(job.slots for job in jobs)
        suspects = max(0, request.suspects - sum(1 for job in jobs if job.losses))
        if (jobs and free <= 0) or wanted:
            break
        queue_id = call.parameters.get("queue_id")
        part = free if queue_id is None else balance.part(queue_id, free)
        if queue_id is not None and queue_id in weighed:
            taken = yield from claim_weighed(
                request,
                queue_id,
                Room(free, jobs=part),
                suspects=suspects,
                is_fair=weighed[queue_id],
                read=read_weighed,
                shares=partial(balance.after, queue_id),
                engine=engine,
            )
            batches.append(taken.batch)
            starts.append(batches[-1].next_start_at)
            wanted = batches[-1].wanted
        else:
            rows = yield One(call.name, {**call.parameters, "free": part, "suspects": suspects})
            batches.append(read(rows))
            if queue_id is not None:
                starts.append(engine.moment(rows[-1]["next_start_at"]))
        jobs += batches[-1].jobs
        if queue_id is not None:
            balance.took(queue_id, len(batches[-1].jobs))
    if len(gates) < len(request.ruled):
        starts.append(batches[-1].now)
    left = request.free - sum(job.slots for job in jobs)
    news = balance.close(left)
    yield from balance.keep()
    starts.append(balance.ask_again_at)
    return batches[-1]._replace(
        jobs=jobs,
        news=news,
        next_due_at=_first(batch.next_due_at for batch in batches),
        next_start_at=_first(starts),
        wanted=wanted,
        is_expected=(left > 0 and balance.has_turns)
        or (request.is_expected and len(gates) < len(request.ruled)),
    )


def silence(request: ClaimRequest) -> int:
    """So many microseconds after its last heartbeat a worker gets no turns any more."""
    return request.lease_us * 2 // 3


def _calls(request: ClaimRequest, held: frozenset[QueueId]) -> Iterator[One]:
    values = request._asdict()
    ruled = frozenset(request.ruled)
    for has_rule, queue_ids in groupby(request.queue_ids, ruled.__contains__):
        if not has_rule:
            yield One("claim_jobs", {**values, "queue_ids": list(queue_ids)})
            continue
        for queue_id in queue_ids:
            if queue_id in held:
                yield One("claim_ruled_jobs", {**values, "queue_id": queue_id})
    if not held and ruled.issuperset(request.queue_ids):
        yield One("claim_jobs", {**values, "queue_ids": []})  # the time, and the version of the configuration


def _first(moments: Iterable[datetime | None]) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)
