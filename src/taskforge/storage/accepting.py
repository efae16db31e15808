"""Units of work that accept jobs under rules: with keys, or into bounded queues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskforge.domain.errors import Conflict, NotFound, QueueClosed, QueueFull
from taskforge.domain.keys import ConcurrencyKey
from taskforge.domain.queue import QueueState
from taskforge.ports.jobs import Accepted
from taskforge.storage.endings import add_notices, note_endings
from taskforge.storage.engine import One
from taskforge.storage.keys import accept_keyed, give_places, key_holders, open_places
from taskforge.storage.weighing import note_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from taskforge.domain.ids import ProjectId
    from taskforge.domain.job import NewJob
    from taskforge.domain.keys import JobKeys
    from taskforge.domain.queue import QueueBound
    from taskforge.storage.engine import Engine, Script

DROP_MORE = 1_000
"""So many jobs beyond what is needed may be dropped by one call: a new bound comes true step by step."""


def accept_ruled(
    engine: Engine,
    project_id: ProjectId,
    jobs: Sequence[NewJob],
    keys: Mapping[UUID, JobKeys],
    bounds: Sequence[QueueBound],
    accept_plain: Callable[[ProjectId, Sequence[NewJob]], Script[None]],
) -> Script[Accepted]:
    """Make room, store, give places. Raises QueueFull, QueueClosed, NotFound, Conflict."""
    keyed = [job for job in jobs if job.id in keys]
    places: set[ConcurrencyKey] = set()
    dropped = 0
    if bounds:
        held = yield from key_holders(engine, project_id, jobs, keys)
        coming = {_asked_for(job, keys): job for job in reversed(jobs) if job.id not in held}.values()
        queue_ids = [bound.queue_id for bound in bounds]
        yield One("lock_bounded_queues", {"project_id": project_id, "queue_ids": queue_ids})
        for bound in bounds:
            incoming = sum(
                job.queue_id == bound.queue_id and not job.delay_us and job.scheduled_for is None
                for job in coming
            )
            rows = yield from _make_room(engine, project_id, bound, incoming)
            dropped += len(rows)
            places |= {
                ConcurrencyKey(engine.identity(project), key) for project, key in rows if key is not None
            }
    plain = [job for job in jobs if job.id not in keys]
    if plain:
        yield from accept_plain(project_id, plain)
    standing = {job.id: job.id for job in plain}
    if keyed:
        standing |= yield from accept_keyed(engine, project_id, keyed, keys)
        yield from open_places(
            project_id, [keys[job.id] for job in keyed if standing[job.id] == job.id], places
        )
    else:
        yield from give_places(places)
    yield from add_notices(engine, project_id, _told_of(standing, keys))
    heavy = [job.id for job in keyed if keys[job.id].is_heavy]
    if heavy:
        yield from note_weights(project_id, heavy, engine)
        yield from _note_needs(project_id, {keys[job_id].needs for job_id in heavy})
    return Accepted(standing, dropped)


def standing(project_id: ProjectId, job_ids: Sequence[UUID]) -> One:
    """Which of these jobs are stored, by their ids."""
    return One("job_endings", {"project_id": project_id, "job_ids": job_ids})


def explain_refusal(engine: Engine, project_id: ProjectId, jobs: Sequence[NewJob]) -> Script[None]:
    """Some were not stored: fine if they stand there from an earlier try, else say why and undo all."""
    rows = yield standing(project_id, [job.id for job in jobs])
    known = {engine.identity(row["id"]) for row in rows}
    for index, job in enumerate(jobs):
        if job.id not in known:
            queue = yield One("get_queue", {"project_id": project_id, "queue_id": job.queue_id})
            if not queue:
                raise NotFound(f"job {index}: its queue {job.queue_id} is gone")
            if queue[0]["state"] == QueueState.CLOSED:
                raise QueueClosed(f"job {index}: queue {queue[0]['name']!r} is closed")
            raise Conflict(f"job {index}: the id {job.id} is taken")


def _asked_for(job: NewJob, keys: Mapping[UUID, JobKeys]) -> UUID | tuple[str, str]:
    """Of the jobs of a call that have the same key one is stored."""
    key = keys[job.id].key if job.id in keys else None
    return job.id if key is None else (job.job_type, key)


def _told_of(standing: Mapping[UUID, UUID], keys: Mapping[UUID, JobKeys]) -> dict[UUID, set[str]]:
    """Who is told of which job: also of one that stands for a request that made none."""
    told: dict[UUID, set[str]] = {}
    for job_id, named in keys.items():
        if named.notify:
            told.setdefault(standing[job_id], set()).update(named.notify)
    return told


def _note_needs(project_id: ProjectId, needs: set[str | None]) -> Script[None]:
    """Have workers find out whether they meet what is required here for the first time."""
    is_new = False
    for content in sorted(text for text in needs if text is not None):
        is_new |= bool((yield One("put_requirement", {"project_id": project_id, "content": content})))
    if is_new:
        yield One("bump_config", {"project_id": project_id})


def _make_room(
    engine: Engine, project_id: ProjectId, bound: QueueBound, incoming: int
) -> Script[Sequence[tuple[object, str | None]]]:
    """Refuse what does not fit, or end what has waited longest, of the lowest priority first."""
    if not incoming:
        return []
    most = (bound.max_length or 0) + DROP_MORE
    queue = {"project_id": project_id, "queue_id": bound.queue_id, "most": most}
    found = yield One("backlog", queue)
    if not found:  # the queue is gone: storing says so
        return []
    waiting, age_us = found[0]["waiting"], found[0]["age_us"]
    too_long = bound.max_length is not None and waiting + incoming > bound.max_length
    too_old = bound.max_age_us is not None and age_us is not None and age_us > bound.max_age_us
    if too_long and (not bound.drops or incoming > (bound.max_length or 0)):
        raise QueueFull(
            f"queue {bound.queue_name!r} is full: {waiting:,} jobs wait, {bound.max_length:,} may",
            queue=bound.queue_name,
            bound="max_length",
        )
    if too_old and not bound.drops:
        raise QueueFull(
            f"queue {bound.queue_name!r} is behind: the next job has waited {age_us / 1e6:,.0f} s, "
            f"{(bound.max_age_us or 0) / 1e6:,.0f} s are allowed",
            queue=bound.queue_name,
            bound="max_age_seconds",
        )
    dropped: list[tuple[object, str | None]] = []
    if too_old:
        rows = yield One("drop_oldest", {**queue, "older_us": bound.max_age_us, "excess": DROP_MORE})
        yield from note_endings([engine.identity(row["id"]) for row in rows])
        dropped += [(row["project_id"], row["concurrency_key"]) for row in rows]
    if too_long:
        excess = waiting + incoming - (bound.max_length or 0) - len(dropped)
        if excess > 0:
            wanted = {**queue, "older_us": None, "excess": min(excess, incoming + DROP_MORE)}
            rows = yield One("drop_oldest", wanted)
            yield from note_endings([engine.identity(row["id"]) for row in rows])
            dropped += [(row["project_id"], row["concurrency_key"]) for row in rows]
    return dropped
