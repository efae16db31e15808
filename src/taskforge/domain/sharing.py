"""Who starts next where jobs weigh differently, or where tenants take turns.

A job takes ``slots`` places of its queue and of its worker, and ``tokens`` of its queue's rate. The jobs of one
fairness key form a line. Lines are served in the order of their keys, round after round; in a round a line starts as
many jobs as its weight says. The turn is kept, so how many jobs are claimed at a time changes nothing.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from taskforge.domain.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from uuid import UUID

    from taskforge.domain.keys import JobKeys
    from taskforge.domain.queue import QueueSettings

NO_LIMIT = 1 << 62


class Load(NamedTuple):
    """A job that may be claimed, and what it weighs. ``id``: by whatever its store finds it again."""

    id: UUID | str | int
    slots: int = 1
    tokens: int = 1


class Room(NamedTuple):
    """What is left: slots of the worker, places of the queue, tokens of its rate, and how many jobs it may be at all.

    None: there is no limit.
    """

    free: int
    places: int | None = None
    tokens: int | None = None
    jobs: int | None = None

    @property
    def is_full(self) -> bool:
        """Whether no job at all fits in, by the worker's part."""
        return self.most_jobs <= 0

    @property
    def most_jobs(self) -> int:
        """How many jobs it may be, if all are light."""
        return self.free if self.jobs is None else min(self.free, self.jobs)

    def holds(self, load: Load) -> bool:
        """Whether the job fits in."""
        return (
            load.slots <= self.free
            and (self.places is None or load.slots <= self.places)
            and (self.tokens is None or load.tokens <= self.tokens)
        )

    def without(self, load: Load) -> Room:
        """What is left when the job has started."""
        return Room(
            self.free - load.slots,
            None if self.places is None else self.places - load.slots,
            None if self.tokens is None else self.tokens - load.tokens,
            None if self.jobs is None else self.jobs - 1,
        )


class Line(NamedTuple):
    """The next jobs of one fairness key. ``is_cut``: there may be more of them."""

    key: str
    weight: int
    loads: Sequence[Load]
    is_cut: bool = False


class Turn(NamedTuple):
    """The line that was served last, and how many more jobs it may start before the next one's turn."""

    key: str = ""
    left: int = 0


class Choice(NamedTuple):
    """What starts, and what is left then. ``blocked``: the next job, for which there is no room now.

    ``more``: others may wait that were not looked at.
    """

    chosen: Sequence[UUID | str | int]
    room: Room
    turn: Turn
    blocked: Load | None = None
    more: bool = False

    @property
    def wanted(self) -> int:
        """Slots that the worker should keep for the next job; 0 when it is not the worker who lacks room."""
        load, room = self.blocked, self.room
        if load is None or not room._replace(free=load.slots).holds(load):
            return 0
        return load.slots


def choose_in_order(loads: Iterable[Load], room: Room, turn: Turn) -> Choice:
    """One after the other, as long as there is room: none overtakes one that is too heavy just now."""
    chosen: list[UUID | str | int] = []
    for load in loads:
        if room.is_full:
            break
        if not room.holds(load):
            return Choice(chosen, room, turn, blocked=load)
        room = room.without(load)
        chosen.append(load.id)
    return Choice(chosen, room, turn)


def choose_by_turns(lines: Sequence[Line], room: Room, turn: Turn, *, seen_to: str | None) -> Choice:
    """By turns. ``lines`` begin with the one whose turn it is, and are all that have jobs, or those up to ``seen_to``.

    A line that has no more jobs loses the rest of its turn.
    """
    chosen: list[UUID | str | int] = []
    waiting = [deque(line.loads) for line in lines]
    quota = turn.left if lines and turn.left and lines[0].key == turn.key else 0
    free, places, tokens, jobs = (NO_LIMIT if limit is None else limit for limit in room)

    def left() -> Room:
        return Room(
            free,
            None if room.places is None else places,
            None if room.tokens is None else tokens,
            None if room.jobs is None else jobs,
        )

    while True:
        for line, loads in zip(lines, waiting, strict=True):
            quota = quota or line.weight
            while quota and loads:
                load = loads[0]
                if free <= 0 or jobs <= 0:
                    return Choice(chosen, left(), turn)
                if load.slots > free or load.slots > places or load.tokens > tokens:
                    return Choice(chosen, left(), Turn(line.key, quota), blocked=load)
                free, places, tokens, jobs = (
                    free - load.slots,
                    places - load.slots,
                    tokens - load.tokens,
                    jobs - 1,
                )
                chosen.append(load.id)
                loads.popleft()
                quota -= 1
                turn = Turn(line.key, quota)
            if quota and line.is_cut:
                return Choice(chosen, left(), Turn(line.key, quota), more=free > 0 and jobs > 0)
            turn, quota = Turn(line.key, 0), 0
        if seen_to is not None:
            return Choice(chosen, left(), Turn(seen_to, 0), more=free > 0 and jobs > 0)
        if not any(waiting):
            more = free > 0 and jobs > 0 and any(line.is_cut for line in lines)
            return Choice(chosen, left(), turn, more=more)


def misfits(
    slots: int, tokens: int, settings: QueueSettings, workers: Sequence[int]
) -> Iterator[tuple[int, str]]:
    """What a job weighs too much for: how much there ever is, and a sentence. ``workers``: slots of those that know it."""
    places, rate = settings.max_concurrent_jobs, settings.rate_limit
    if places is not None and slots > places:
        yield places, f"it takes {slots:,} slots, and max_concurrent_jobs of its queue is {places:,}"
    if rate is not None and tokens > rate:
        yield rate, f"it takes {tokens:,} tokens, and rate_limit of its queue is {rate:,}"
    if workers and slots > max(workers):
        yield (
            max(workers),
            f"it takes {slots:,} slots, and the largest worker that knows it has {max(workers):,}",
        )


def check_fits(keys: JobKeys, settings: QueueSettings) -> None:
    """Raises InvalidInput when a job weighs more than its queue ever lets run or start."""
    for field, weight, setting, limit in (
        ("slots", keys.slots, "max_concurrent_jobs", settings.max_concurrent_jobs),
        ("rate_tokens", keys.rate_tokens, "rate_limit", settings.rate_limit),
    ):
        if weight is not None and limit is not None and weight > limit:
            raise InvalidInput(
                f"the job takes {weight:,} {field}, and its queue has {limit:,}: it could never start",
                field=field,
                hint=f"raise {setting} of the queue, or give the job at most {limit:,}",
            )
