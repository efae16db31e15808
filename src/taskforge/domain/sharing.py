"""Who starts next where jobs weigh differently, or where tenants take turns.

A job takes ``slots`` places of its queue and of its worker, and ``tokens`` of its queue's rate. The jobs of one
fairness key form a line. Lines are served in the order of their keys, round after round; in a round a line starts as
many jobs as its weight says. The turn is kept, so how many jobs are claimed at a time changes nothing.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias
from uuid import UUID

from taskforge.domain.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from taskforge.domain.keys import JobKeys
    from taskforge.domain.queue import QueueSettings

NO_LIMIT = 1 << 62

Place: TypeAlias = UUID | str | int
"""By whatever its store finds a job again."""
_PLACES = frozenset({UUID, str, int})


class Load(NamedTuple):
    """A job that may be claimed, and what it weighs. A light one is told by its place alone."""

    id: Place
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


class Line(NamedTuple):
    """The next jobs of one fairness key. ``is_cut``: there may be more of them."""

    key: str
    weight: int
    loads: Sequence[Load | Place]
    is_cut: bool = False


class Turn(NamedTuple):
    """The line that was served last, and how many more jobs it may start before the next one's turn."""

    key: str = ""
    left: int = 0


class Choice(NamedTuple):
    """What starts, and what is left then. ``blocked``: the next job, for which there is no room now.

    ``more``: others may wait that were not looked at.
    """

    chosen: Sequence[Place]
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


class _Left:
    """What is left of a room while jobs are chosen. Claims wait for this, so it is made to be quick."""

    __slots__ = ("_room", "free", "jobs", "places", "tokens")

    def __init__(self, room: Room) -> None:
        self._room = room
        self.free, self.places, self.tokens, self.jobs = (
            NO_LIMIT if limit is None else limit for limit in room
        )

    @property
    def is_full(self) -> bool:
        return self.free <= 0 or self.jobs <= 0

    def takes(self, loads: Sequence[Load | Place]) -> bool:
        """Whether all of these fit in; then they are in."""
        slots = tokens = jobs = len(loads)
        for load in loads:
            if type(load) is Load:
                slots += load.slots - 1
                tokens += load.tokens - 1
        if slots > self.free or slots > self.places or tokens > self.tokens or jobs > self.jobs:
            return False
        self.free -= slots
        self.places -= slots
        self.tokens -= tokens
        self.jobs -= jobs
        return True

    def room(self) -> Room:
        limits = (self.free, self.places, self.tokens, self.jobs)
        return Room._make(
            None if given is None else left for given, left in zip(self._room, limits, strict=True)
        )


def choose_in_order(loads: Iterable[Load | Place], room: Room, turn: Turn) -> Choice:
    """One after the other, as long as there is room: none overtakes one that is too heavy just now."""
    chosen: list[Load | Place] = []
    left = _Left(room)
    for load in loads:
        if left.is_full:
            break
        if not left.takes((load,)):
            blocked = load if isinstance(load, Load) else Load(load)
            return Choice(_places(chosen), left.room(), turn, blocked=blocked)
        chosen.append(load)
    return Choice(_places(chosen), left.room(), turn)


def choose_by_turns(lines: Sequence[Line], room: Room, turn: Turn, *, seen_to: str | None) -> Choice:
    """By turns. ``lines`` begin with the one whose turn it is, and are all that have jobs, or those up to ``seen_to``.

    A line that has no more jobs loses the rest of its turn.
    """
    filling = fill_by_turns(lines, room, turn, seen_to=seen_to)
    return _choose_line_by_line(lines, room, turn, seen_to) if filling is None else filling


def _choose_line_by_line(lines: Sequence[Line], room: Room, turn: Turn, seen_to: str | None) -> Choice:
    """``choose_by_turns`` where jobs are heavy, or there are fewer of them than there is room for."""
    quota = _quota(lines, turn)
    chosen: list[Load | Place] = []
    left = _Left(room)
    begun = [0] * len(lines)
    served: str | None = None
    while True:
        if not quota and _have_a_round(lines, begun) and left.takes(jobs := _round_of(lines, begun)):
            chosen += jobs
            begun = [count + line.weight for count, line in zip(begun, lines, strict=True)]
            served = lines[-1].key
        else:
            for number, (key, weight, loads, is_cut) in enumerate(lines):
                quota = quota or weight
                count = begun[number]
                mine = loads[count : count + quota]
                if mine and not left.takes(mine):
                    turn = turn if served is None else Turn(served)
                    if left.is_full:
                        return Choice(_places(chosen), left.room(), turn)
                    rest = choose_in_order(mine, left.room(), Turn(key, quota))
                    if rest.chosen or rest.blocked is not None:
                        turn = Turn(key, quota - len(rest.chosen))
                    return rest._replace(chosen=[*_places(chosen), *rest.chosen], turn=turn)
                chosen += mine
                begun[number] = count + len(mine)
                if len(mine) < quota and is_cut:
                    turn = Turn(key, quota - len(mine))
                    return Choice(_places(chosen), left.room(), turn, more=not left.is_full)
                served, quota = key, 0
        if seen_to is not None:
            return Choice(_places(chosen), left.room(), Turn(seen_to), more=not left.is_full)
        if all(count == len(line.loads) for count, line in zip(begun, lines, strict=True)):
            more = not left.is_full and any(line.is_cut for line in lines)
            turn = turn if served is None else Turn(served)
            return Choice(_places(chosen), left.room(), turn, more=more)


def fill_by_turns(
    lines: Sequence[Sequence[Any]], room: Room, turn: Turn, *, seen_to: str | None
) -> Choice | None:
    """``choose_by_turns`` where lines have light jobs enough to take all the room at once; None: it is not so.

    ``lines`` may be as a store tells them, with anything that is no place for a job that is not light.
    """
    most = room.most_jobs
    a_round = sum([weight for _, weight, _, _ in lines])
    if most <= 0 or not lines or _quota(lines, turn) not in (0, lines[0][1]):
        return None
    rounds = -(-most // a_round)
    if seen_to is not None and rounds > 1:
        return None
    if min([limit for limit in room if limit is not None]) < most:
        return None
    if min([len(loads) - rounds * weight for _, weight, loads, _ in lines]) < 0:
        return None
    if a_round == len(lines):
        turns = zip(*[loads for _, _, loads, _ in lines], strict=False)
        chosen = list(islice(chain.from_iterable(turns), most))
    else:
        chosen = [
            load
            for start in range(rounds)
            for _, weight, loads, _ in lines
            for load in loads[start * weight : (start + 1) * weight]
        ][:most]
    if not _PLACES.issuperset(map(type, chosen)):
        return None
    room = Room._make([None if limit is None else limit - most for limit in room])
    over = most - (rounds - 1) * a_round
    for key, weight, _, _ in lines:
        if over <= weight:
            return Choice(chosen, room, Turn(key, weight - over))
        over -= weight
    raise AssertionError("unreachable")


def _quota(lines: Sequence[Sequence[Any]], turn: Turn) -> int:
    """How many more jobs the first line may start in the turn that goes on; 0: it is at its beginning."""
    return turn.left if lines and lines[0][0] == turn.key else 0


def _have_a_round(lines: Sequence[Line], begun: Sequence[int]) -> bool:
    """Whether each line has as many jobs left as it weighs."""
    left = [len(loads) - count - weight for count, (_, weight, loads, _) in zip(begun, lines, strict=True)]
    return min(left, default=-1) >= 0


def _round_of(lines: Sequence[Line], begun: Sequence[int]) -> Sequence[Load | Place]:
    """The next jobs of all lines for a round."""
    return [
        load
        for count, (_, weight, loads, _) in zip(begun, lines, strict=True)
        for load in loads[count : count + weight]
    ]


def _places(loads: Sequence[Load | Place]) -> list[Place]:
    return [load.id if isinstance(load, Load) else load for load in loads]


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
