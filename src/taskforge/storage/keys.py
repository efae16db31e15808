"""Units of work over keys: who takes a unique key, who gets the places of a concurrency key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.domain.errors import Conflict, NotFound, QueueClosed
from taskforge.domain.job import Hold, NewJob
from taskforge.domain.keys import ConcurrencyKey, JobKeys
from taskforge.domain.queue import QueueState
from taskforge.storage.engine import Engine, Many, One, Script, columns

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from uuid import UUID

    from taskforge.domain.ids import ProjectId

TRIES = 5
_COLUMNS = len(JobKeys._fields) - 1
_KEYED = (*NewJob._fields, *JobKeys._fields[:_COLUMNS])
_QUESTION = ("id", "job_type", "key", "key_period_us", "stored")
_PAIR = ("project_id", "key")
_HAS_ITS_PLACE = (None, Hold.SUSPECT)


def accept_keyed(
    engine: Engine, project_id: ProjectId, jobs: Sequence[NewJob], keys: Mapping[UUID, JobKeys]
) -> Script[dict[UUID, UUID]]:
    """Store the jobs whose key is free; answer for each the job that stands: itself, or its key's holder.

    An index keeps a key to one unfinished job. A holder that has succeeded is looked for once more behind the
    insert: one that came and ended since its snapshot would else be missed.
    """
    standing: dict[UUID, UUID] = {}
    first: dict[tuple[str, str], UUID] = {}
    for job in jobs:
        key = keys[job.id].key
        if key is not None:
            winner = first.setdefault((job.job_type, key), job.id)
            if winner != job.id:
                standing[job.id] = winner
    open_jobs = sorted((job for job in jobs if job.id not in standing), key=lambda job: _order(job, keys))
    for _ in range(TRIES):
        rows = [(*job, *keys[job.id][:_COLUMNS]) for job in open_jobs]
        stored = {
            engine.identity(row["id"])
            for row in (yield Many("accept_keyed_jobs", columns(_KEYED, rows), {"project_id": project_id}))
        }
        standing |= {job_id: job_id for job_id in stored}
        asked = [job for job in open_jobs if job.id not in stored or keys[job.id].key_period_us]
        holders = yield from key_holders(engine, project_id, asked, keys, stored)
        for job_id in stored & holders.keys():
            yield One("withdraw_job", {"project_id": project_id, "job_id": job_id})
        standing |= holders
        open_jobs = [job for job in open_jobs if job.id not in standing]
        if not open_jobs:
            return {job.id: standing.get(standing[job.id], standing[job.id]) for job in jobs}
        yield from _check_queues(project_id, open_jobs)
    raise Conflict("the keys of these jobs change hands too quickly", hint="try again")


def key_holders(
    engine: Engine,
    project_id: ProjectId,
    jobs: Sequence[NewJob],
    keys: Mapping[UUID, JobKeys],
    stored: Collection[UUID] = (),
) -> Script[dict[UUID, UUID]]:
    """Which job stands where these would: the holder of the key, or the job itself if an earlier try stored it.

    A job of ``stored`` has been stored by this unit of work; only others stand in its way.
    """
    if not jobs:
        return {}
    question = [
        (job.id, job.job_type, wanted.key, wanted.key_period_us, job.id in stored)
        for job in jobs
        for wanted in (keys.get(job.id, JobKeys()),)
    ]
    rows = yield Many("key_holders", columns(_QUESTION, question), {"project_id": project_id})
    return {
        engine.identity(row["wanted"]): engine.identity(row["id"]) for row in rows if row["id"] is not None
    }


def _check_queues(project_id: ProjectId, jobs: Sequence[NewJob]) -> Script[None]:
    """A job that was not stored though nobody has its key is one whose queue refuses it."""
    for queue_id in {job.queue_id for job in jobs}:
        queue = yield One("get_queue", {"project_id": project_id, "queue_id": queue_id})
        if not queue:
            raise NotFound(f"queue {queue_id} is gone")
        if queue[0]["state"] == QueueState.CLOSED:
            raise QueueClosed(f"queue {queue[0]['name']!r} is closed: it refuses new jobs")


def check_key_is_free(
    engine: Engine, project_id: ProjectId, job_id: UUID, job_type: str, key: str
) -> Script[None]:
    """Raise Conflict when another unfinished job has the key."""
    question = columns(_QUESTION, [(job_id, job_type, key, 0, True)])
    rows = yield Many("key_holders", question, {"project_id": project_id})
    for row in rows:
        if row["id"] is not None:
            raise Conflict(
                f"the key {key!r} is taken by job {engine.identity(row['id'])}",
                hint="let that job end, or cancel it",
            )


def open_places(
    project_id: ProjectId, keys: Iterable[JobKeys], others: Collection[ConcurrencyKey]
) -> Script[None]:
    """Give places of the keys of new jobs, as many as the last job of each key says, and of ``others``."""
    limits = {k.concurrency_key: k.concurrency_limit for k in keys if k.concurrency_key is not None}
    pairs = columns(_PAIR, sorted({*others, *(ConcurrencyKey(project_id, key) for key in limits)}))
    if others:  # all in one order; what is opened below is locked by that
        yield Many("lock_keys", pairs)
    if limits:
        rows = columns(("key", "places"), sorted(limits.items()))
        yield Many("open_keys", rows, {"project_id": project_id})
    if others or limits:
        yield from _give(pairs)


def give_places(keys: Collection[ConcurrencyKey]) -> Script[int]:
    """Give places that have become free to those who wait longest; answers how many got one.

    Has to follow, in the same transaction or a later one, whatever ends or holds back a job with a place.
    """
    if not keys:
        return 0
    pairs = columns(_PAIR, sorted(keys))
    yield Many("lock_keys", pairs)
    return (yield from _give(pairs))


def _give(pairs: Mapping[str, Sequence[Any]]) -> Script[int]:
    given = 0
    for _ in range(TRIES):
        holds = [row["hold"] for row in (yield Many("give_places", pairs))]
        went = sum(hold in _HAS_ITS_PLACE for hold in holds)
        given += went
        if went == len(holds):  # else some did not go after all, and left their places to others
            break
    return given


def places_of(project_id: ProjectId, rows: Sequence[Any]) -> Collection[ConcurrencyKey]:
    """The concurrency keys of jobs, of which each may have a place."""
    return [ConcurrencyKey(project_id, row["concurrency_key"]) for row in rows if row["concurrency_key"]]


def keys_of(row: Any) -> JobKeys:
    """What a job has to wait for."""
    return JobKeys(concurrency_key=row["concurrency_key"], concurrency_limit=row["concurrency_limit"])


def _order(job: NewJob, keys: Mapping[UUID, JobKeys]) -> tuple[str, str]:
    return job.job_type, keys[job.id].key or ""
