"""The live side of the store over SQL (``ports.jobs``)."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

import msgspec

from taskforge.domain.errors import Conflict, NotFound, QueueClosed, QueueFull
from taskforge.domain.job import ClaimedJob, JobStatus, NewJob
from taskforge.ports.jobs import (
    Accepted,
    Beat,
    BeatAnswer,
    ClaimBatch,
    ClaimRequest,
    ClaimTaker,
    FencedLine,
    Settlement,
)
from taskforge.storage.accepting import accept_ruled, explain_refusal, standing
from taskforge.storage.auditing import Audit
from taskforge.storage.codec import to_json
from taskforge.storage.endings import note_endings
from taskforge.storage.engine import Engine, Many, One, Rows, Script, columns
from taskforge.storage.keys import check_key_is_free, give_places, keys_of, open_places, places_of
from taskforge.storage.rules import ClaimsByRules
from taskforge.storage.settling import (
    LINES,
    SETTLED,
    SUCCEEDED,
    is_plain_success,
    lines_of,
    settled_row,
    succeeded_row,
)
from taskforge.storage.standing import StandingClaims
from taskforge.storage.sweeps import SqlSweeps
from taskforge.storage.weighing import note_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from taskforge.domain.ids import JobId, ProjectId, QueueId, WorkerId
    from taskforge.domain.keys import JobKeys
    from taskforge.domain.queue import QueueBound
    from taskforge.domain.worker import Incidents

T = TypeVar("T")

CLAIMED_COLUMNS = len(ClaimedJob._fields) - 1
"""Those of most claims: slots are told by the claims that weigh jobs."""
CHUNK = 2_000
TRIES = 5
_FENCED_LINES = ("job_id", "claim_seq", *LINES)


class SqlJobStore(SqlSweeps):
    """Implements ``JobStore`` for any engine; what recovery asks of it is in its base."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._rules = ClaimsByRules(engine)
        self._standing = StandingClaims(engine, self.batch)
        self.has_one_writer = engine.dialect == "sqlite"

    async def accept(
        self, project_id: ProjectId, jobs: Sequence[NewJob], *, hint: str | None = None
    ) -> frozenset[UUID]:
        if not jobs:
            return frozenset()
        if len(jobs) > 1:
            try:
                stored = _count(await self._engine.call(_accept(project_id, jobs, hint)))
            except Conflict:
                rest = partial(self._accept_rest, project_id, jobs, hint)
                return await self._repeatable(rest, rest)
        else:
            change = One("accept_job", {"project_id": project_id, "hint": hint, **jobs[0]._asdict()})
            stored = len(await self._standing.accept(change, jobs[0]))
        ids = [job.id for job in jobs]
        if stored == len(jobs):
            return frozenset(ids)
        return self._ids(await self._engine.read(standing(project_id, ids)))

    async def accept_all(self, project_id: ProjectId, jobs: Sequence[NewJob]) -> None:
        await self._repeatable(
            lambda: self._accept_all(project_id, jobs), lambda: self._accept_all_again(project_id, jobs)
        )

    def _accept_all(self, project_id: ProjectId, jobs: Sequence[NewJob]) -> Script[None]:
        stored = 0
        for start in range(0, len(jobs), CHUNK):
            stored += _count((yield _accept(project_id, jobs[start : start + CHUNK])))
        if stored != len(jobs):
            yield from explain_refusal(self._engine, project_id, jobs)

    async def _repeatable(self, script: Callable[[], Script[T]], again: Callable[[], Script[T]]) -> T:
        """Run ``again`` where an id is taken; others may be storing the same jobs at that moment, too."""
        for attempt in range(1, TRIES + 1):
            try:
                return await self._engine.run(script if attempt == 1 else again)
            except Conflict as error:
                if attempt == TRIES or isinstance(error, QueueClosed | QueueFull):
                    raise
        raise AssertionError("unreachable")

    def _accept_all_again(self, project_id: ProjectId, jobs: Sequence[NewJob]) -> Script[None]:
        """`_accept_all` when one of the ids is taken: by an earlier try whose answer was lost, as a rule."""
        if not (yield from self._accept_rest(project_id, jobs)).issuperset(job.id for job in jobs):
            yield from explain_refusal(self._engine, project_id, jobs)

    def _accept_rest(
        self, project_id: ProjectId, jobs: Sequence[NewJob], hint: str | None = None
    ) -> Script[frozenset[UUID]]:
        """Store those that do not stand there yet, each once; answers all that stand."""
        look = standing(project_id, [job.id for job in jobs])
        known = self._ids((yield look))
        rest = list({job.id: job for job in jobs if job.id not in known}.values())
        for start in range(0, len(rest), CHUNK):
            yield _accept(project_id, rest[start : start + CHUNK], hint)
        return self._ids((yield look))

    async def accept_ruled(
        self,
        project_id: ProjectId,
        jobs: Sequence[NewJob],
        *,
        keys: Mapping[UUID, JobKeys],
        bounds: Sequence[QueueBound],
    ) -> Accepted:
        return await self._repeatable(
            lambda: self.accepting(project_id, jobs, keys, bounds),
            lambda: accept_ruled(self._engine, project_id, jobs, keys, bounds, self._accept_all_again),
        )

    def accepting(
        self,
        project_id: ProjectId,
        jobs: Sequence[NewJob],
        keys: Mapping[UUID, JobKeys],
        bounds: Sequence[QueueBound],
    ) -> Script[Accepted]:
        """`accept_ruled` for whoever has a transaction."""
        return accept_ruled(self._engine, project_id, jobs, keys, bounds, self._accept_all)

    async def claim(self, request: ClaimRequest) -> ClaimBatch:
        if request.ruled:
            return await self._rules.claim(request, self.batch, self._weighed)
        return self.batch(await self._engine.call(One("claim_jobs", request._asdict())))

    def stand_by(self, request: ClaimRequest, take: ClaimTaker) -> Callable[[], bool] | None:
        return self._standing.stand_by(request, take) if self.has_one_writer else None

    async def held(
        self, project_id: ProjectId, worker_id: WorkerId, job_ids: Sequence[UUID]
    ) -> Sequence[ClaimedJob]:
        asked = {"project_id": project_id, "worker_id": worker_id, "job_ids": job_ids}
        rows = await self._engine.read(One("leased_jobs", asked))
        if self._engine.dialect == "postgres":
            return [ClaimedJob(*row) for row in rows]
        # each was claimed at its own time
        return [job for row in rows for job in self._light([tuple(row)])]

    def batch(self, rows: Rows) -> ClaimBatch:
        """What a claim answered."""
        header = rows[-1]
        moment = self._engine.moment
        if self._engine.dialect == "postgres":
            jobs = [ClaimedJob(*row[:CLAIMED_COLUMNS]) for row in rows if row[0] is not None]
        else:
            jobs = self._light(rows[:-1])
        return ClaimBatch(
            jobs, moment(header["now"]), moment(header["next_due_at"]), header["config_version"]
        )

    def _weighed(self, rows: Rows) -> list[ClaimedJob]:
        """Jobs of a claim that weighs them."""
        if self._engine.dialect == "postgres":
            return [ClaimedJob(*row[: CLAIMED_COLUMNS + 1]) for row in rows]
        return self._unpacked(msgspec.json.decode(rows[-1]["jobs"]))

    def _light(self, rows: Rows) -> list[ClaimedJob]:
        """Jobs of which SQLite has told everything but their slots."""
        return self._unpacked(rows, 1)

    def _unpacked(self, rows: Rows, *slots: int) -> list[ClaimedJob]:
        """Claimed jobs whose ids are texts and whose times are numbers; those of a batch have one time.

        ``slots``: those of each job where the rows do not say it.
        """
        if not rows:
            return []
        moment = self._engine.moment
        claimed_at = moment(rows[0][16])
        queues = {text: self._engine.identity(text) for text in {row[1] for row in rows}}
        # ids alone: looking at the types of all columns takes msgspec longer, for one job ten times as long
        ids = msgspec.convert([row[0] for row in rows], list[UUID])
        executions = msgspec.convert([row[13] for row in rows], list[UUID])
        make = ClaimedJob._make
        return [
            make(
                (
                    *(job_id, queues[row[1]], *row[2:13], execution_id, moment(row[14]), row[15], claimed_at),
                    *(*row[17:], *slots),
                )
            )
            for row, job_id, execution_id in zip(rows, ids, executions, strict=True)
        ]

    async def settle(
        self, settlements: Sequence[Settlement], *, dead_workers: Sequence[WorkerId] = ()
    ) -> frozenset[UUID]:
        # in the order of job ids, so that two batches never wait for each other in a circle
        ordered = sorted(settlements, key=lambda settlement: settlement.job_id.int)
        plain: list[Settlement] = []
        others: list[Settlement] = []
        for settlement in ordered:
            (plain if is_plain_success(settlement) else others).append(settlement)
        changes = []
        if plain:
            changes.append(Many("settle_succeeded", columns(SUCCEEDED, map(succeeded_row, plain))))
        if others:
            changes.append(
                Many(
                    "settle_jobs",
                    columns(SETTLED, map(settled_row, others)),
                    {"dead_workers": dead_workers},
                )
            )
        keyed = {s.execution_id: s.concurrency_key for s in ordered if s.concurrency_key is not None}
        watched = {s.execution_id: s.job_id for s in ordered if s.is_watched}
        lines = {s.execution_id: lines_of(s) for s in ordered if s.lines or s.transition.line is not None}
        if len(changes) == 1 and not lines and not keyed and not watched:
            return self._ids(await self._engine.call(changes[0]))

        def script() -> Script[frozenset[UUID]]:
            settled: frozenset[UUID] = frozenset()
            for change in changes:
                settled |= self._ids((yield change))
            written = [line for execution_id in settled for line in lines.get(execution_id, ())]
            if written:
                yield Many("settle_lines", columns(LINES, written))
            yield from give_places({keyed[execution_id] for execution_id in settled & keyed.keys()})
            yield from note_endings([watched[execution_id] for execution_id in settled & watched.keys()])
            return settled

        return await self._engine.run(script)

    async def beat(
        self,
        worker_id: WorkerId,
        beats: Sequence[Beat],
        lease_us: int,
        incidents: Incidents | None = None,
    ) -> BeatAnswer:
        told = None if incidents is None else to_json(asdict(incidents))
        same = {"worker_id": worker_id, "lease_us": lease_us, "incidents": told}
        rows = await self._engine.call(Many("beat_jobs", columns(Beat._fields, beats), same))
        identity = self._engine.identity
        alive = [row for row in rows if row["execution_id"] is not None]
        return BeatAnswer(
            frozenset(identity(row["execution_id"]) for row in alive),
            frozenset(identity(row["execution_id"]) for row in alive if row["cancel"] is not None),
            any(row["drain"] is not None for row in rows),
            next((int(row["capacity"]) for row in rows if row["capacity"] is not None), None),
        )

    async def append_lines(self, lines: Sequence[FencedLine]) -> frozenset[UUID]:
        rows = [(job_id, claim_seq, execution_id, *line) for job_id, claim_seq, execution_id, line in lines]
        call = Many("append_lines", columns(_FENCED_LINES, rows))
        return self._ids(await self._engine.call(call))

    async def cancel(self, project_id: ProjectId, job_id: JobId) -> JobStatus | None:
        audit = Audit(project_id=project_id)
        return await self._engine.run(lambda: self.cancelling(project_id, job_id, audit))

    def cancelling(self, project_id: ProjectId, job_id: JobId, audit: Audit) -> Script[JobStatus | None]:
        """`cancel` for whoever has a transaction."""
        job = {"project_id": project_id, "job_id": job_id}
        found = yield One("lock_job", job)
        status = _status(found)
        if status in (JobStatus.PENDING, JobStatus.SCHEDULED):
            yield One("cancel_waiting_job", job)
            yield from note_endings([job_id])
            yield from give_places(places_of(project_id, found))
            yield _entry(audit, "job.cancel", job_id, found, JobStatus.CANCELLED)
        elif status is JobStatus.PROCESSING:
            yield One("request_cancel", job)
            yield _entry(audit, "job.cancel", job_id, found, JobStatus.PROCESSING)
        return status

    async def reschedule(
        self, project_id: ProjectId, job_id: JobId, scheduled_for: datetime
    ) -> JobStatus | None:
        job = {"project_id": project_id, "job_id": job_id}
        audit = Audit(project_id=project_id)

        def script() -> Script[JobStatus | None]:
            found = yield One("lock_job", job)
            status = _status(found)
            if status in (JobStatus.PENDING, JobStatus.SCHEDULED):
                yield One("reschedule_job", {**job, "scheduled_for": scheduled_for})
                yield from give_places(places_of(project_id, found))
                after = {"status": JobStatus.SCHEDULED, "scheduled_for": scheduled_for.isoformat()}
                before = {"status": status}
                yield audit.entry("job.reschedule", job_id, found[0]["job_type"], before=before, after=after)
            return status

        return await self._engine.run(script)

    async def retry(
        self, project_id: ProjectId, job_id: JobId, queue_id: QueueId | None, payload: str | None = None
    ) -> JobStatus | None:
        job = {"project_id": project_id, "job_id": job_id}
        audit = Audit(project_id=project_id)

        def script() -> Script[JobStatus | None]:
            found = yield One("lock_job", job)
            status = _status(found)
            if status in (JobStatus.FAILED, JobStatus.CANCELLED):
                key = found[0]["key"]
                if key is not None:
                    yield from check_key_is_free(self._engine, project_id, job_id, found[0]["job_type"], key)
                if payload is not None:
                    yield One("replace_payload", {**job, "payload": payload})
                retried = yield One("retry_job", {**job, "queue_id": queue_id})
                if not retried:
                    raise NotFound("the job's queue is gone", hint="name another queue to retry it in")
                yield from open_places(project_id, [keys_of(found[0])], ())
                if queue_id is not None:
                    yield from note_weights(project_id, [job_id], self._engine)
                yield _entry(audit, "job.retry", job_id, found, JobStatus.PENDING, queue_id)
            return status

        try:
            return await self._engine.run(script)
        except Conflict:  # the key was taken just now: by whom, the second look says
            return await self._engine.run(script)

    async def delete(self, project_id: ProjectId, job_id: JobId) -> JobStatus | None:
        job = {"project_id": project_id, "job_id": job_id}
        audit = Audit(project_id=project_id)

        def script() -> Script[JobStatus | None]:
            found = yield One("lock_job", job)
            status = _status(found)
            if status is not None and status is not JobStatus.PROCESSING:
                doomed = {"project_id": project_id, "job_ids": [job_id]}
                yield One("delete_lines_of_jobs", doomed)
                yield One("delete_executions_of_jobs", doomed)
                yield One("delete_job", job)
                yield from give_places(places_of(project_id, found))
                yield _entry(audit, "job.delete", job_id, found, None)
            return status

        return await self._engine.run(script)

    def _ids(self, rows: Rows) -> frozenset[UUID]:
        """The first column of the rows, an id."""
        return self._engine.identities([row[0] for row in rows])


def _accept(project_id: ProjectId, jobs: Sequence[NewJob], hint: str | None = None) -> Many:
    return Many("accept_jobs", columns(NewJob._fields, jobs), {"project_id": project_id, "hint": hint})


def _count(rows: Rows) -> int:
    """How many `accept_jobs` has stored, which spares their ids the way back."""
    return int(rows[0]["stored"])


def _status(rows: Sequence[Any]) -> JobStatus | None:
    return JobStatus(rows[0]["status"]) if rows else None


def _entry(
    audit: Audit,
    action: str,
    job_id: UUID,
    found: Rows,
    status: JobStatus | None,
    queue_id: QueueId | None = None,
) -> One:
    """What the audit log says of a job: its status, and the queue that it was put into."""
    after: dict[str, Any] | None = None if status is None else {"status": status}
    if after is not None and queue_id is not None:
        after["queue_id"] = str(queue_id)
    return audit.entry(
        action, job_id, found[0]["job_type"], before={"status": found[0]["status"]}, after=after
    )
