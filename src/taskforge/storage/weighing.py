"""Claiming from a queue whose jobs are weighed one by one: look, choose, claim, at the queue's gate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.domain.sharing import Choice, Line, Load, Turn, choose_by_turns, choose_in_order
from taskforge.ports.jobs import ClaimBatch
from taskforge.storage.codec import from_json
from taskforge.storage.engine import One

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
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
    shares: Callable[[int, int], str | None],
    engine: Engine,
    seen: Any = None,
) -> Script[ClaimBatch]:
    """Take what there is room for, in the order of the queue: by rank, or by turns of its lines.

    A job that does not fit is waited for: none behind it starts. Lines that have nothing for this worker are
    passed over; jobs without a line, from before the queue was fair, come when no line has any. ``shares`` says what the
    gate has to keep when so many jobs are taken, and so many slots are free then: it is written with the claim.
    ``seen`` is what a first look has found that did not hold the gate. Then somebody may have been there meanwhile, and
    it is time to ask again.
    """
    same = {**request._asdict(), "queue_id": queue_id}
    jobs: list[ClaimedJob] = []
    turn: Turn | None = None
    version: int | None = None
    is_held, was_disturbed = seen is None, False
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
        [head] = [seen] if seen is not None else (yield look(asked) if by_line else One("weigh_jobs", asked))
        seen = None
        if version is not None and head["version"] != version:
            was_disturbed = True
            break
        version = head["version"]
        limits = room._replace(places=head["places_left"], tokens=head["tokens_left"])
        choice = _choice(head, limits, by_line=by_line)
        turn = choice.turn
        if choice.chosen or (choice.more and look_number == LOOKS):
            claim = {
                **same,
                "job_ids": choice.chosen,
                "turn_key": turn.key,
                "turn_left": turn.left,
                "shares": shares(len(jobs) + len(choice.chosen), choice.room.free),
                "version": version,
            }
            claimed = read((yield One("claim_weighed_jobs", claim)))
            if choice.chosen and not claimed and not is_held:
                was_disturbed = True
                break
            version = head["version"] + 1
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
        moment(head["next_start_at"])
        if is_used_up
        else moment(head["now"])
        if choice.more or was_disturbed
        else None,
        wanted=choice.wanted,
    )


def look(asked: Mapping[str, Any], *, silence_us: int | None = None) -> One:
    """The look at the lines of a fair queue; with ``silence_us`` (see ``lock_gates``) at its gate, too."""
    return One("weigh_lines", {"turn_key": None, "turn_left": None, **asked, "silence_us": silence_us})


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


def _choice(look: Any, room: Room, *, by_line: bool) -> Choice:
    """Of what a look has found, who starts."""
    if look["turn_key"] is None:  # the queue is paused
        return Choice((), room, Turn())
    turn = Turn(look["turn_key"], look["turn_left"])
    suspects, ready = _loads(from_json(look["suspects"])), from_json(look["ready"]) or ()
    if not by_line:
        return choose_in_order([*suspects, *_loads(ready)], room, turn)
    suspected = choose_in_order(suspects, room, turn)
    if suspected.blocked is not None:
        return suspected
    lines = []
    for key, weight, part, jobs in ready:
        if loads := _loads(jobs)[:part]:
            lines.append(Line(key, weight, loads, is_cut=len(loads) >= part))
    seen_to = None if look["is_whole"] else look["last_key"]
    choice = choose_by_turns(lines, suspected.room, turn, seen_to=seen_to)
    return choice._replace(chosen=[*suspected.chosen, *choice.chosen])


def _loads(jobs: Any) -> list[Load]:
    return [Load._make(job) for job in jobs or ()]
