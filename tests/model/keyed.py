"""The machine with jobs that have a unique key, and with queues that are full: what stands for a request, who is refused,
who makes room."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from hypothesis import strategies as st
from hypothesis.stateful import rule

from taskforge.domain.errors import QueueClosed, QueueFull
from taskforge.domain.keys import JobKeys
from taskforge.domain.queue import QueueBound
from tests.model.machine import ORIGIN, QUEUES, SECONDS, TYPES
from tests.model.model import SECOND, Model, ModelJob
from tests.model.steered import SteeredMachine

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from taskforge.domain.job import NewJob

WANTED = st.tuples(st.sampled_from([None, "x", "y"]), st.sampled_from([0, 5, 40]))
_Wanted: TypeAlias = tuple[str | None, int]
"""A unique key, and for how many seconds one that has succeeded keeps it."""


class Bound(NamedTuple):
    """How many may wait, how long the next one may have waited; whether the oldest make room."""

    length: int | None
    age: int | None
    drops: bool


SHORT = st.builds(Bound, st.integers(1, 3), st.none(), st.booleans())
YOUNG = st.builds(Bound, st.none() | st.integers(2, 5), st.sampled_from([3, 9]), st.booleans())
SOME_QUEUE, SOME_TYPE, SOME_PRIORITY = (
    st.integers(0, QUEUES - 1),
    st.sampled_from(TYPES),
    st.sampled_from([0, 0, 9]),
)


class KeyedMachine(SteeredMachine):
    """Rules of accepting, beside those of work, recovery and control."""

    @rule(
        queue=SOME_QUEUE,
        kind=SOME_TYPE,
        priority=SOME_PRIORITY,
        wanted=st.lists(WANTED, min_size=1, max_size=3),
        delay=st.none() | SECONDS,
    )
    def ask_for(self, queue: int, kind: str, priority: int, wanted: list[_Wanted], delay: int | None) -> None:
        self._request(queue, kind, priority, wanted, delay, None)

    @rule(
        queue=SOME_QUEUE, priority=SOME_PRIORITY, key=st.sampled_from("xy"), period=st.sampled_from([0, 40])
    )
    def ask_for_the_same_again(self, queue: int, priority: int, key: str, period: int) -> None:
        self._request(queue, "t", priority, [(key, period)] * 2, None, None)

    @rule(
        queue=SOME_QUEUE,
        kind=SOME_TYPE,
        priority=SOME_PRIORITY,
        wanted=st.lists(WANTED, min_size=1, max_size=3),
        bound=SHORT,
    )
    def ask_for_room(self, queue: int, kind: str, priority: int, wanted: list[_Wanted], bound: Bound) -> None:
        self._request(queue, kind, priority, wanted, None, bound)

    @rule(
        queue=SOME_QUEUE,
        wanted=st.lists(WANTED, min_size=1, max_size=2),
        delay=st.none() | SECONDS,
        bound=YOUNG,
    )
    def ask_for_more(self, queue: int, wanted: list[_Wanted], delay: int | None, bound: Bound) -> None:
        self._request(queue, "t", 0, wanted, delay, bound)

    def _request(
        self,
        queue: int,
        kind: str,
        priority: int,
        wanted: list[_Wanted],
        delay: int | None,
        bound: Bound | None,
    ) -> None:
        target = self.queues[queue]
        delay_us = None if delay is None else delay * SECOND
        jobs = [
            self.stage.new(target, kind, priority=priority, max_attempts=2, delay_us=delay_us) for _ in wanted
        ]
        keys = {
            job.id: JobKeys(key=key, key_period_us=period * SECOND)
            for job, (key, period) in zip(jobs, wanted, strict=True)
            if key is not None
        }
        bounds = [] if bound is None else [_bound_of(bound, target.id, target.name)]
        accepting = Accepting(self.model, bound, target.id, kind)
        refused = accepting.refusal(jobs, keys)
        try:
            accepted = self.do(
                self.stage.jobs.accept_ruled(self.stage.project, jobs, keys=keys, bounds=bounds)
            )
        except QueueFull:
            assert refused is QueueFull
            return
        except QueueClosed:
            assert refused is QueueClosed
            return
        assert refused is None
        assert accepted.dropped == len(accepting.make_room(jobs, keys))
        first: dict[str, UUID] = {}
        for job in jobs:
            asked = keys.get(job.id, JobKeys())
            stands = accepting.standing(asked)
            if asked.key is not None and asked.key in first:
                stands = {first[asked.key]}
            if not stands:
                assert self.model.accept(
                    job.id, target.id, kind,
                    priority=priority, max_attempts=2, delay=delay, expires=None, deadline=None, origin=ORIGIN, key=asked.key,
                )  # fmt: skip
                self.ids.append(job.id)
                stands = {job.id}
            assert accepted.standing[job.id] in stands
            if asked.key is not None:
                first.setdefault(asked.key, accepted.standing[job.id])


def _bound_of(bound: Bound, queue_id: UUID, name: str) -> QueueBound:
    age_us = None if bound.age is None else bound.age * SECOND
    return QueueBound(queue_id, name, bound.length, age_us, bound.drops)


class Accepting:
    """What should become of a request to one queue."""

    def __init__(self, model: Model, bound: Bound | None, queue: UUID, job_type: str) -> None:
        self._model = model
        self._bound = bound
        self._queue = queue
        self._type = job_type

    def standing(self, asked: JobKeys) -> set[UUID]:
        """The jobs of which one stands for the request, if there are any."""
        holder = self._model.holder(self._type, asked.key)
        if holder is not None:
            return {holder.id}
        since = self._model.now - asked.key_period_us // SECOND
        return {
            job.id
            for job in self._model.jobs.values()
            if asked.key is not None
            and (job.type, job.key, job.status) == (self._type, asked.key, "succeeded")
            and job.created > since
        }

    def refusal(self, jobs: Sequence[NewJob], keys: dict[UUID, JobKeys]) -> type[Exception] | None:
        """Which error is raised: a queue that is full says so first."""
        incoming = self._incoming(jobs, keys)
        waiting = len(self._waiting())
        if self._bound is not None and incoming:
            length, _, drops = self._bound
            if length is not None and waiting + incoming > length and (not drops or incoming > length):
                return QueueFull
            if self._is_old() and not drops:
                return QueueFull
        if self._model.queues[self._queue].state != "closed":
            return None
        gone = {job.id for job in self._dropped(incoming)}
        stand = [self.standing(keys.get(job.id, JobKeys())) - gone for job in jobs]
        return None if all(stand) else QueueClosed

    def make_room(self, jobs: Sequence[NewJob], keys: dict[UUID, JobKeys]) -> list[ModelJob]:
        """End those that give way."""
        dropped = self._dropped(self._incoming(jobs, keys))
        for job in dropped:
            job.finish("failed", self._model.now)
            job.failure = "queue_full"
        self._model.give(job.line for job in dropped)
        return dropped

    def _incoming(self, jobs: Sequence[NewJob], keys: dict[UUID, JobKeys]) -> int:
        """How many will wait that do not yet: of those with the same key, one."""
        if any(job.delay_us for job in jobs):
            return 0
        coming = [job.id for job in jobs if not self.standing(keys.get(job.id, JobKeys()))]
        return len({keys[job_id].key if job_id in keys else job_id for job_id in coming})

    def _waiting(self) -> list[ModelJob]:
        jobs = self._model.jobs.values()
        return [job for job in jobs if job.queue == self._queue and job.status == "pending"]

    def _is_old(self) -> bool:
        """Whether the next one has waited for too long."""
        able = sorted((job for job in self._waiting() if job.hold is None), key=lambda job: job.order)
        age = None if self._bound is None else self._bound.age
        return age is not None and bool(able) and self._model.now - _since(able[0]) > age

    def _dropped(self, incoming: int) -> list[ModelJob]:
        """Too old ones first, then as many as are too many, of the lowest priority and then the oldest."""
        if self._bound is None or not self._bound.drops or not incoming:
            return []
        length, age, _ = self._bound
        waiting = sorted(self._waiting(), key=lambda job: (job.priority, _since(job), job.id))
        old = [job for job in waiting if age is not None and _since(job) < self._model.now - age]
        dropped = old if self._is_old() else []
        excess = 0 if length is None else len(waiting) + incoming - length - len(dropped)
        left = [job for job in waiting if job not in dropped]
        return dropped + left[: max(0, excess)]


def _since(job: ModelJob) -> int:
    """From when on it has waited."""
    return job.created if job.due is None else job.due
