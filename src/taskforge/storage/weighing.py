"""Claiming from a queue whose jobs are weighed one by one: look, choose, claim, at the queue's gate."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from taskforge.domain.sharing import (
    Choice,
    Line,
    Load,
    Turn,
    choose_by_turns,
    choose_in_order,
)
from taskforge.ports.jobs import ClaimBatch
from taskforge.storage.engine import One

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from taskforge.domain.ids import ProjectId, QueueId
    from taskforge.domain.job import ClaimedJob
    from taskforge.domain.sharing import Room
    from taskforge.ports.jobs import ClaimRequest
    from taskforge.storage.engine import Engine, Rows, Script

LOOKS = 12
"""So often a claim looks for more lines; then it is asked again."""
MORE_LINES = 4
"""Where no line had a job for this worker, the next look is so many times as wide."""


def claim_weighed(
    request: ClaimRequest,
    queue_id: QueueId,
    room: Room,
    *,
    suspects: int,
    is_fair: bool,
    read: Callable[[Rows], Sequence[ClaimedJob]],
    engine: Engine,
) -> Script[ClaimBatch]:
    """Take what there is room for, in the order of the queue: by rank, or by turns of its lines.

    A job that does not fit is waited for: none behind it starts. Lines that have nothing for this worker are
    passed over; jobs without a line, from before the queue was fair, come when no line has any.
    """
    same = {**request._asdict(), "queue_id": queue_id}
    jobs: list[ClaimedJob] = []
    turn: Turn | None = None
    lines, by_line = room.most_jobs, is_fair
    for look_number in range(1, LOOKS + 1):
        asked = {
            **same,
            "free": room.most_jobs,
            "lines": lines,
            "suspects": max(0, suspects - sum(1 for job in jobs if job.losses)),
            "turn_key": None if turn is None else turn.key,
            "turn_left": None if turn is None else turn.left,
        }
        rows = yield One("weigh_lines" if by_line else "weigh_jobs", asked)
        head = rows[0]
        limits = room._replace(places=head["places_left"], tokens=head["tokens_left"])
        choice = _choice(rows, limits, engine, by_line=by_line)
        turn = choice.turn
        if choice.chosen or (choice.more and look_number == LOOKS):
            claim = {**same, "job_ids": list(choice.chosen), "turn_key": turn.key, "turn_left": turn.left}
            claimed = read((yield One("claim_weighed_jobs", claim)))
            jobs += claimed
            for job in claimed:
                room = room.without(Load(job.id, job.slots))
        else:
            lines *= MORE_LINES
        if room.is_full or choice.blocked is not None or not (choice.more or by_line):
            break
        by_line = by_line and choice.more
    moment = engine.moment
    left = choice.room.tokens
    is_used_up = left is not None and left < (1 if choice.blocked is None else choice.blocked.tokens)
    return ClaimBatch(
        jobs,
        moment(head["now"]),
        moment(head["next_due_at"]),
        head["config_version"],
        moment(head["next_start_at"]) if is_used_up else moment(head["now"]) if choice.more else None,
        wanted=choice.wanted,
    )


def note_weights(project_id: ProjectId, job_ids: Sequence[UUID], engine: Engine) -> Script[None]:
    """Have the queues of these jobs, which were stored or moved just now, weigh their jobs if one is heavy."""
    rows = yield One("unweighed_queues", {"project_id": project_id, "job_ids": list(job_ids)})
    if not rows:
        return
    yield One("bump_config", {"project_id": project_id})
    queue_ids = [engine.identity(row["id"]) for row in rows]
    for queue_id in queue_ids:
        yield One("shut_gate", {"project_id": project_id, "queue_id": queue_id})
    yield One("note_weights", {"project_id": project_id, "queue_ids": queue_ids})


def _choice(rows: Rows, room: Room, engine: Engine, *, by_line: bool) -> Choice:
    head = rows[0]
    found = [row for row in rows if row["id"] is not None]
    if head["turn_key"] is None:  # the queue is paused
        return Choice((), room, Turn())
    turn = Turn(head["turn_key"], head["turn_left"])
    if not by_line:
        return choose_in_order([_load(row, engine) for row in found], room, turn)
    suspected = choose_in_order([_load(row, engine) for row in found if row["key"] is None], room, turn)
    if suspected.blocked is not None:
        return suspected
    lines = [
        _line(key, list(of_key), engine)
        for key, of_key in groupby(found, lambda row: row["key"])
        if key is not None
    ]
    choice = choose_by_turns(
        lines, suspected.room, turn, seen_to=None if head["is_whole"] else head["last_key"]
    )
    return choice._replace(chosen=[*suspected.chosen, *choice.chosen])


def _line(key: str, rows: Sequence[Any], engine: Engine) -> Line:
    loads = [_load(row, engine) for row in rows]
    return Line(key, int(rows[0]["weight"]), loads, is_cut=len(loads) >= rows[0]["part"])


def _load(row: Any, engine: Engine) -> Load:
    job_id: UUID = engine.identity(row["id"])
    return Load(job_id, row["slots"], row["tokens"])
