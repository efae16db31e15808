"""Claiming from a queue whose jobs are weighed one by one: look, choose, claim, at the queue's gate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from taskforge.domain.sharing import (
    Choice,
    Line,
    Load,
    Room,
    Turn,
    choose_by_turns,
    choose_in_order,
    fill_by_turns,
)
from taskforge.domain.turns import MOST_TURNS
from taskforge.ports.jobs import ClaimBatch
from taskforge.storage.codec import from_json
from taskforge.storage.engine import One

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from taskforge.domain.ids import ProjectId, QueueId
    from taskforge.domain.job import ClaimedJob
    from taskforge.domain.sharing import Place
    from taskforge.ports.jobs import ClaimRequest
    from taskforge.storage.engine import Engine, Rows, Script

LOOKS = 12
"""So often a claim looks for more lines; then it is asked again."""
MORE_LINES = 4
"""Where no line had a job for this worker, the next look is so many times as wide."""
MOST_LINES = 1_000
"""No look is wider than that."""


class Weighed(NamedTuple):
    """What a claim took, and the version that the gate has then. ``is_lost``: somebody was there in between."""

    batch: ClaimBatch
    version: int | None
    is_lost: bool


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
) -> Script[Weighed]:
    """Take what there is room for, in the order of the queue: by rank, or by turns of its lines.

    A job that does not fit is waited for: none behind it starts. Lines that have nothing for this worker are
    passed over; jobs without a line, from before the queue was fair, come after all others. ``shares`` says what the
    gate has to keep when so many jobs are taken, and so many slots are free then: it is written with the claim.
    ``seen`` is what a first look has found that did not hold the gate. Then somebody may have been there meanwhile, and
    it is time to ask again.
    """
    jobs: list[ClaimedJob] = []
    turn: Turn | None = None
    version: int | None = None
    is_held, was_disturbed = seen is None, False
    lines = room.most_jobs
    asked = request
    for look_number in range(1, LOOKS + 1):
        if seen is not None:
            head, seen = seen, None
        else:
            asked = request._replace(
                free=room.most_jobs, suspects=max(0, suspects - sum(1 for job in jobs if job.losses))
            )
            [head] = yield look(asked, queue_id, lines if is_fair else None, turn)
        if version is not None and head["version"] != version:
            was_disturbed = True
            break
        version = head["version"]
        limits = room._replace(places=head["places_left"], tokens=head["tokens_left"])
        choice = _choice(head, limits, asked.free, lines if is_fair else None)
        turn = choice.turn
        if choice.chosen or (choice.more and look_number == LOOKS):
            claim = {
                "project_id": request.project_id,
                "queue_id": queue_id,
                "worker_id": request.worker_id,
                "lease_us": request.lease_us,
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
            room = Room(
                room.free - sum([job.slots for job in claimed]),
                jobs=None if room.jobs is None else room.jobs - len(claimed),
            )
        else:
            lines = max(lines, min(lines * MORE_LINES, MOST_LINES))
        if room.is_full or choice.blocked is not None or not choice.more:
            break
    moment = engine.moment
    left = choice.room.tokens
    is_used_up = left is not None and left < (1 if choice.blocked is None else choice.blocked.tokens)
    batch = ClaimBatch(
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
    return Weighed(batch, version, was_disturbed)


def look(
    request: ClaimRequest,
    queue_id: QueueId,
    most_lines: int | None,
    turn: Turn | None = None,
    *,
    silence_us: int | None = None,
) -> One:
    """The look at the lines of a fair queue, so many of them, or at its jobs in order.

    ``turn``: whose it is after what was claimed just now; None: as the gate says. With ``silence_us`` (see
    ``lock_gates``) at the gate, which is not held, too.
    """
    asked = {
        "project_id": request.project_id,
        "queue_id": queue_id,
        "worker_id": request.worker_id,
        "job_types": request.job_types,
        "needs": request.needs,
        "second_best": request.second_best,
        "free": request.free,
        "suspects": request.suspects,
        "turn_key": None if turn is None else turn.key,
        "turn_left": None if turn is None else turn.left,
        "silence_us": silence_us,
        "most": MOST_TURNS,
    }
    if most_lines is None:
        return One("weigh_jobs", asked)
    return One("weigh_lines", {**asked, "lines": most_lines})


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


def _choice(look: Any, room: Room, asked: int, most_lines: int | None) -> Choice:
    """Of what a look for so many jobs has found, who starts. ``most_lines``: how wide it was; None: it was not by line."""
    if look["turn_key"] is None:  # the queue is paused
        return Choice((), room, Turn())
    turn = Turn(look["turn_key"], look["turn_left"])
    suspects = _loads(from_json(look["suspects"]))
    ready: Sequence[Any] = from_json(look["ready"]) or ()
    if most_lines is None:
        return choose_in_order([*suspects, *_loads(ready)], room, turn)
    first: Sequence[Place] = ()
    if suspects:
        suspected = choose_in_order(suspects, room, turn)
        if suspected.blocked is not None:
            return suspected
        first, room = suspected.chosen, suspected.room
    told = [line for line in ready if line[2]]
    weight_of_all = sum([weight for _, weight, _, _ in ready])
    seen_to = ready[-1][0] if ready and weight_of_all >= most_lines else None
    choice = fill_by_turns(told, room, turn, seen_to=seen_to)
    if choice is None:
        lines = _lines(told, asked, -(-asked // max(1, weight_of_all)))
        choice = choose_by_turns(lines, room, turn, seen_to=seen_to)
    if look["lineless"] is not None and not choice.more and choice.blocked is None:
        others = choose_in_order(_loads(from_json(look["lineless"])), choice.room, choice.turn)
        choice = others._replace(chosen=[*choice.chosen, *others.chosen])
    return choice._replace(chosen=[*first, *choice.chosen]) if first else choice


def _lines(told: Sequence[Any], asked: int, rounds: int) -> list[Line]:
    """The lines that have jobs for this worker, as a look for so many jobs in so many rounds tells them."""
    short = asked - sum([min(len(jobs), weight * rounds) for _, weight, jobs, _ in told])
    lines = []
    for key, weight, jobs, rest in told:
        is_cut = len(jobs) >= min(asked, weight * rounds) if rest is None else len(rest) >= short
        lines.append(Line(key, weight, _loads([*jobs, *(rest or ())]), is_cut))
    return lines


def _loads(jobs: Sequence[Any] | None) -> Sequence[Load | Place]:
    """As a look tells them: a light job by its place alone."""
    return [Load._make(job) if type(job) is list else job for job in jobs or ()]
