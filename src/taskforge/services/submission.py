"""Accepting jobs: validated, stored, committed, and only then an id.

Single jobs that are submitted at the same time share statements (``services.gathering``), and each gets its own answer.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from uuid import UUID

from taskforge.domain.bounds import MAX_PAYLOAD_BYTES, check_job_type, check_seconds
from taskforge.domain.errors import InvalidPayload, NotFound, QueueClosed, TaskforgeError, Unavailable
from taskforge.domain.ids import QueueId, minted
from taskforge.domain.job import NewJob, Submitted
from taskforge.domain.sharing import check_fits
from taskforge.ports.signals import Hint, Topic
from taskforge.ports.transactions import Batch
from taskforge.services.gathering import Gathering
from taskforge.services.patience import PATIENCE_SECONDS, answered_within, done_within, patience_for

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence

    from taskforge.domain.job_options import JobOptions
    from taskforge.domain.keys import JobKeys
    from taskforge.domain.queue import Queue
    from taskforge.ports.dispatch import Offers
    from taskforge.ports.jobs import Accepted, JobStore
    from taskforge.ports.signals import Signals
    from taskforge.services.directory import QueueDirectory
    from taskforge.services.limits import LimitGuard

GIVEN = 4
"""So many fields of a NewJob are its own; the others follow from its options."""
NOBODY = UUID(int=0)
NO_KEYS: Mapping[UUID, JobKeys] = MappingProxyType({})
TRIES = 3


class Wanted(Protocol):
    """A job someone wants: ``payload`` is JSON text, ``options`` are the call's over the task's."""

    @property
    def queue(self) -> str: ...
    @property
    def job_type(self) -> str: ...
    @property
    def payload(self) -> str: ...
    @property
    def options(self) -> JobOptions: ...


class JobRequest(NamedTuple):
    """A job of a type that need not be a task of this program."""

    queue: str
    job_type: str
    payload: str
    options: JobOptions


class _Template(NamedTuple):
    """What one options object means for a job; calls of one task share it.

    ``fields`` are those of a NewJob after its payload; ``expires`` and ``deadline``, if they count from the call.
    """

    options: JobOptions
    fields: tuple[Any, ...]
    is_keyed: bool
    expires: timedelta | None
    deadline: timedelta | None


class Submission:
    """Accepts jobs for one project. ``encode`` writes JSON, ``mint`` gives ids, ``now`` the caller's time."""

    def __init__(
        self,
        jobs: JobStore,
        directory: QueueDirectory,
        signals: Signals,
        *,
        mint: Callable[[], UUID],
        encode: Callable[[Any], str],
        limits: LimitGuard,
        offers: Offers | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._jobs = jobs
        self._directory = directory
        self._signals = signals
        self._mint = mint
        self._encode = encode
        self._limits = limits
        self._offers = offers
        self._now = now
        self._gathering = Gathering(self._stored, one_writer=jobs.has_one_writer)
        self._checked_type = ""
        self._last_template: _Template | None = None

    async def submit(self, request: Wanted, *, declare: bool) -> Submitted:
        """Accept one job. With ``declare`` an unknown queue is made, else refused.

        Raises NotFound, QueueClosed, QueueFull, LimitExceeded, InvalidPayload, Unavailable.
        """
        queue = self._directory.lately(request.queue) or await self._queue(request.queue, declare=declare)
        if not self._limits.is_free(self._directory.organization_id):
            await self.check_limit(1)
        template = self._template(request.options)
        job = self._new_job(request, queue, template)
        if template.is_keyed or queue.is_bounded:
            return (await self._accept_ruled([request], [job], [queue]))[0]
        await self._gathering.store(job)
        return tuple.__new__(Submitted, (job.id, True))

    async def submit_many(self, requests: Sequence[Wanted], *, declare: bool) -> list[Submitted]:
        """Accept all jobs in one transaction, or none; answers in the order of the requests."""
        if not requests:
            return []
        queues = {name: await self._queue(name, declare=declare) for name in {r.queue for r in requests}}
        await self.check_limit(len(requests))
        jobs = self._new_jobs(requests, queues)
        if any(queue.is_bounded for queue in queues.values()) or any(
            options.is_keyed for options in {id(r.options): r.options for r in requests}.values()
        ):
            return await self._accept_ruled(requests, jobs, queues.values())
        await self._persist(jobs, lambda: self._jobs.accept_all(self._directory.project_id, jobs))
        self._announce(jobs)
        return [tuple.__new__(Submitted, (job.id, True)) for job in jobs]  # twice as fast as by name

    async def _accept_ruled(
        self, requests: Sequence[Wanted], jobs: Sequence[NewJob], queues: Collection[Queue]
    ) -> list[Submitted]:
        """Jobs with keys or of bounded queues: in a transaction of their own, with what their rules need."""
        batch = _ruled(requests, jobs, queues)
        accepted: Accepted = await self._persist(
            jobs,
            lambda: self._jobs.accept_ruled(
                self._directory.project_id, jobs, keys=batch.keys, bounds=batch.bounds
            ),
        )
        self._announce([job for job in jobs if accepted.standing[job.id] == job.id], batch.keys)
        if accepted.dropped:
            self._signals.publish(Hint(Topic.FINISHED, self._directory.project_id))
        return [
            Submitted(standing, created=standing == job.id)
            for job in jobs
            for standing in (accepted.standing[job.id],)
        ]

    async def check_limit(self, added: int) -> None:
        """Raises LimitExceeded when the organization may not have so many more waiting jobs."""
        organization_id = self._directory.organization_id
        if organization_id is not None:
            with answered_within(PATIENCE_SECONDS):
                await self._limits.check_jobs(organization_id, added)

    def prepared(self, requests: Sequence[Wanted], queues: Mapping[str, Queue]) -> Batch:
        """The jobs of requests, for those who store them themselves. Raises InvalidInput."""
        jobs = self._new_jobs(requests, queues)
        return _ruled(requests, jobs, queues.values())

    async def _queue(self, name: str, *, declare: bool) -> Queue:
        with answered_within(PATIENCE_SECONDS):
            if declare:
                return (await self._directory.declared([name]))[0]
            return await self._directory.named(name)

    async def _stored(self, jobs: list[NewJob]) -> dict[UUID, TaskforgeError]:
        """Store and announce the jobs; answers why some were refused."""
        hint = None
        queues = _queues_of(jobs)
        if self._offers is None and len(queues) == 1:
            hint = self._signals.inline(self._ready(queues[0]))
        try:
            stored = await self._persist(
                jobs, lambda: self._jobs.accept(self._directory.project_id, jobs, hint=hint)
            )
        except BaseException as error:
            if hint is not None:
                self._announce(jobs)  # others counted on its telling of theirs
            if len(jobs) == 1 or isinstance(error, Unavailable) or not isinstance(error, TaskforgeError):
                raise
            return await self._stored_alone(jobs)
        refused = {} if len(stored) == len(jobs) else await self._refusals(jobs, stored)
        if refused and hint is None:
            jobs = [job for job in jobs if job.id not in refused]
        self._announce(jobs, elsewhere=hint is None or bool(refused))
        return refused

    async def _stored_alone(self, jobs: list[NewJob]) -> dict[UUID, TaskforgeError]:
        """One that the database refuses must not sink those that came at the same moment."""
        refused: dict[UUID, TaskforgeError] = {}
        for job in jobs:
            try:
                refused |= await self._stored([job])
            except TaskforgeError as error:
                refused[job.id] = error
        return refused

    async def _refusals(self, jobs: list[NewJob], stored: frozenset[UUID]) -> dict[UUID, TaskforgeError]:
        await self._directory.refresh()
        refused: dict[UUID, TaskforgeError] = {}
        for job in jobs:
            if job.id not in stored:
                queue = self._directory.by_id(job.queue_id)
                refused[job.id] = (
                    NotFound("the job's queue was deleted just now", hint="enqueue again to make it anew")
                    if queue is None
                    else QueueClosed(f"queue {queue.name!r} is closed: it refuses new jobs")
                )
        return refused

    def _persist(self, jobs: Sequence[NewJob], store: Callable[[], Any]) -> Coroutine[Any, Any, Any]:
        return done_within(patience_for(len(jobs)), self._persist_in_tries(store))

    async def _persist_in_tries(self, store: Callable[[], Any]) -> Any:
        """Storing is idempotent by job id, so a try whose answer was lost may be repeated."""
        for attempt in range(1, TRIES + 1):
            try:
                return await store()
            except Unavailable:
                if attempt == TRIES:
                    raise
                await asyncio.sleep(0.05 * attempt)
        raise AssertionError("unreachable")

    def _announce(
        self, jobs: Sequence[NewJob], keys: Mapping[UUID, JobKeys] = NO_KEYS, *, elsewhere: bool = True
    ) -> None:
        """Tell of jobs that stand; those with a concurrency key may have to wait for a place first."""
        if self._offers is not None:
            self._offers.offer([job for job in jobs if not _is_limited(keys.get(job.id))])
            jobs = [job for job in jobs if _is_limited(keys.get(job.id))]
        for queue_id in _queues_of(jobs):
            self._signals.publish(self._ready(queue_id), elsewhere=elsewhere)

    def _ready(self, queue_id: UUID) -> Hint:
        return Hint(Topic.READY, self._directory.project_id, QueueId(queue_id))

    def _new_job(self, request: Wanted, queue: Queue, template: _Template) -> NewJob:
        self._check(request)
        fields = self._fields(queue, template)
        values = (self._mint(), queue.id, request.job_type, request.payload, *fields)
        return tuple.__new__(NewJob, values)  # half as long as by name

    def _new_jobs(self, requests: Sequence[Wanted], queues: Mapping[str, Queue]) -> list[NewJob]:
        """As `_new_job` makes them. What follows from options and queue is worked out once for all that share them."""
        jobs: list[NewJob] = []
        fields: tuple[Any, ...] = ()
        options, name = None, ""
        for job_id, request in zip(self._ids(len(requests)), requests, strict=True):
            self._check(request)
            if request.options is not options or request.queue != name:
                options, name = request.options, request.queue
                queue_id, fields = queues[name].id, self._fields(queues[name], self._template(options))
            jobs.append(tuple.__new__(NewJob, (job_id, queue_id, request.job_type, request.payload, *fields)))
        return jobs

    def _ids(self, count: int) -> list[UUID]:
        return minted(self._mint, count)

    def _check(self, request: Wanted) -> None:
        if len(request.payload) * 4 > MAX_PAYLOAD_BYTES:
            _check_size(request.payload)
        if request.job_type is not self._checked_type:
            self._checked_type = check_job_type(request.job_type)

    def _fields(self, queue: Queue, template: _Template) -> tuple[Any, ...]:
        """Those of a NewJob after its payload."""
        if template.expires is None and template.deadline is None and not queue.settings.priority_delays:
            return template.fields
        job = NewJob._make((NOBODY, NOBODY, "", "", *template.fields))
        if queue.settings.priority_delays and job.delay_us is None and job.scheduled_for is None:
            job = job._replace(delay_us=queue.settings.delay_seconds(job.priority) * 1_000_000 or None)
        now = self._now()
        return job._replace(
            expires_at=job.expires_at if template.expires is None else now + template.expires,
            deadline=job.deadline if template.deadline is None else now + template.deadline,
        )[GIVEN:]

    def _template(self, options: JobOptions) -> _Template:
        known = self._last_template
        if known is None or known.options is not options:
            known = self._last_template = self._new_template(options)
        return known

    def _new_template(self, options: JobOptions) -> _Template:
        retry = options.retry_policy()
        timeout = options.timeout
        expires, deadline = _span(options.expires), _span(options.deadline)
        fields = NewJob(
            id=NOBODY,
            queue_id=NOBODY,
            job_type="",
            payload="",
            priority=options.priority or 0,
            max_attempts=options.max_attempts,
            retry_policy=None if retry is None else self._encode(retry),
            timeout_ms=None
            if timeout is None
            else max(1, round(check_seconds(timeout, "timeout", least=0) * 1000)),
            scheduled_for=options.run_at,
            delay_us=None
            if options.delay is None
            else round(check_seconds(options.delay, "delay", least=0) * 1_000_000),
            expires_at=None if isinstance(expires, timedelta) else expires,
            deadline=None if isinstance(deadline, timedelta) else deadline,
            tags=self._encode(list(options.tags)) if options.tags else None,
        )
        spans = [limit if isinstance(limit, timedelta) else None for limit in (expires, deadline)]
        return _Template(options, fields[GIVEN:], options.is_keyed, *spans)


def _ruled(requests: Sequence[Wanted], jobs: Sequence[NewJob], queues: Collection[Queue]) -> Batch:
    keyed = ((job, request.options.keys()) for job, request in zip(jobs, requests, strict=True))
    keys = {job.id: of_job for job, of_job in keyed if of_job is not None}
    if any(of_job.is_heavy for of_job in keys.values()):
        settings = {queue.id: queue.settings for queue in queues}
        for job in jobs:
            if job.id in keys:
                check_fits(keys[job.id], settings[QueueId(job.queue_id)])
    return Batch(jobs, keys, [bound for queue in queues if (bound := queue.bound) is not None])


def _queues_of(jobs: Sequence[NewJob]) -> list[UUID]:
    """Each that is theirs; one that several objects name more than once, for comparing UUIDs is slow."""
    if len(jobs) == 1:
        return [jobs[0].queue_id]
    return list({id(job.queue_id): job.queue_id for job in jobs}.values())


def _is_limited(keys: JobKeys | None) -> bool:
    return keys is not None and keys.concurrency_key is not None


def _check_size(payload: str) -> None:
    size = len(payload.encode("utf-8", "surrogatepass"))
    if size > MAX_PAYLOAD_BYTES:
        raise InvalidPayload(
            f"the payload has {size:,} bytes, {MAX_PAYLOAD_BYTES:,} are allowed",
            field="payload",
            hint="store large data elsewhere and pass its address",
        )


def _span(limit: datetime | float | timedelta | None) -> datetime | timedelta | None:
    return timedelta(seconds=limit) if isinstance(limit, int | float) else limit
