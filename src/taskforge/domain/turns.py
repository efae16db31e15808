"""Whose turn it is: how the next jobs of a queue are divided among workers that have room, claim by claim.

Workers pull, so nobody deals jobs out. At each claim, under the gate of the queue, it is worked out in which order
the workers that have said they have room would get the jobs that wait, and the claimer takes those of its own turns.
Weights are smooth: each worker stands at the middle of its next part, and the hindmost is next (stride scheduling).
Where as many jobs wait as there is room, everybody takes what fits; a worker that is full has no turn; one whose turn
came and that did not take it within half a second has lost its turns until it asks again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2s
from heapq import heapify, heappop, heapreplace
from typing import TYPE_CHECKING, Any

from taskforge.domain.queue import Strategy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from taskforge.domain.balancing import Plan

PATIENCE_US = 500_000
"""So long, in microseconds, a turn is kept for a worker that does not come."""
MOST_TURNS = 1_000
"""So many jobs are looked at to divide them; where more wait than that, there is enough for everybody."""
_LAP = 2 * 232_792_560
"""What a worker of weight 1 moves on by a job; even, and a multiple of the usual weights."""


@dataclass(slots=True)
class Standing:
    """Where one worker stands. ``wanted``: free slots, by its last word; ``owed_at``: since when a turn is kept."""

    passed: int = 0
    wanted: int = 0
    kind: str = ""
    owed_at: int | None = None


class Turns:
    """The turns of one queue, for one claim under its gate. Times are microseconds.

    ``kept`` is what the claim before has left (``to_json``), ``present`` are the name and the slots of the workers
    that may take jobs now, by id. Only workers of one ``kind`` wait for each other: those that know the same types.
    """

    def __init__(
        self, plan: Plan, kept: Any, present: Mapping[str, Sequence[Any]], claimer: str, kind: str, now: int
    ) -> None:
        self._plan = plan
        self._claimer = claimer
        self._kind = kind
        self._now = now
        self._slots: dict[str, int] = {}
        self._weights: dict[str, int] = {}
        for worker, (name, slots) in present.items():
            weight = plan.weight(name)
            if weight is not None:
                self._weights[worker] = weight
                self._slots[worker] = slots
        kept = kept or {"reached": {}, "standings": {}}
        self._reached: dict[str, int] = kept["reached"]
        self._standings = {w: Standing(*s) for w, s in kept["standings"].items() if w in self._weights}
        self._was_owed = False
        self._waiting: int | None = None

    def ask(self, free: int, waiting: int) -> int:
        """How many of so many waiting jobs the claimer may take now, of the ``free`` that it has room for."""
        own = self._standings.setdefault(self._claimer, Standing())
        if own.wanted == 0 or own.kind != self._kind:  # it was away: what it has missed is not made up for
            own.passed = max(own.passed, self._reached.get(self._kind, 0))
        self._was_owed = own.owed_at is not None
        own.wanted, own.kind, own.owed_at = free, self._kind, None
        self._waiting = waiting
        for standing in self._standings.values():
            if standing.owed_at is not None and self._now - standing.owed_at >= PATIENCE_US:
                standing.wanted, standing.owed_at = 0, None
        wanted = sum(standing.wanted for standing in self._standings.values() if standing.kind == self._kind)
        if waiting == 0 or waiting >= min(MOST_TURNS, wanted):
            return free
        mine = 0
        for turn, worker in enumerate(self._order(), 1):
            mine += worker == self._claimer
            if turn == waiting or mine == free:
                return mine
        return free

    def close(self, got: int, left: int) -> bool:
        """Note at the end of the claim that the claimer took ``got`` of the jobs and has ``left`` free slots now.

        Answers whether others should hear that there is something for them.
        """
        own = self._standings.get(self._claimer)
        if own is None:
            return False
        waiting = self._waiting
        if waiting is None:  # it was full before it came to this queue
            was_owed, own.owed_at, own.wanted = own.owed_at is not None, None, left
            return was_owed
        news = self._was_owed and left == 0 and waiting > got
        if left > 0 and got < waiting < MOST_TURNS:
            for worker in self._others(waiting):
                standing = self._standings[worker]
                if standing.owed_at is None:
                    standing.owed_at = self._now
                    news = True
        if got:
            stride = self._stride(self._claimer)
            own.passed += got * stride
            self._reached[self._kind] = max(self._reached.get(self._kind, 0), own.passed - stride)
        own.wanted = left
        return news

    def after(self, got: int, left: int) -> tuple[Turns, bool]:
        """These, as ``close`` would leave them, and what it would answer."""
        then = Turns.__new__(Turns)
        vars(then).update(vars(self))
        then._reached = dict(self._reached)
        then._standings = {
            worker: Standing(s.passed, s.wanted, s.kind, s.owed_at) for worker, s in self._standings.items()
        }
        return then, then.close(got, left)

    @property
    def ask_again_at(self) -> int | None:
        """When the first turn that is kept for another worker is given up; None where none is."""
        kept = [s.owed_at for s in self._standings.values() if s.owed_at is not None and s.kind == self._kind]
        return min(kept) + PATIENCE_US if kept else None

    def to_json(self) -> dict[str, Any]:
        """What the next claim has to know; ``spare``: how many free slots there are altogether."""
        standings = {worker: [s.passed, s.wanted, s.kind, s.owed_at] for worker, s in self._standings.items()}
        kinds = {standing.kind for standing in self._standings.values()}
        return {
            "spare": sum(standing.wanted for standing in self._standings.values()),
            "reached": {kind: at for kind, at in self._reached.items() if kind in kinds},
            "standings": standings,
        }

    def _stride(self, worker: str) -> int:
        return _LAP // self._weights[worker]

    def _others(self, waiting: int) -> Sequence[str]:
        """Who of the others has turns among so many jobs."""
        turns: Counter[str] = Counter()
        for turn, worker in enumerate(self._order(), 1):
            turns[worker] += 1
            if turn == waiting:
                break
        del turns[self._claimer]
        return list(turns)

    def _order(self) -> Iterator[str]:
        """Who gets the next jobs, one by one, until nobody has room."""
        left = {w: s.wanted for w, s in self._standings.items() if s.kind == self._kind and s.wanted > 0}
        passed = {worker: self._standings[worker].passed for worker in left}
        weighs_load = self._plan.strategy is Strategy.LEAST_LOADED

        def place(worker: str) -> tuple[float, int, str]:
            middle = passed[worker] + self._stride(worker) // 2
            if not weighs_load:
                return middle, -self._weights[worker], worker
            slots = self._slots[worker]
            return (max(0, slots - left[worker]) + 1) / slots, middle, worker

        line = [place(worker) for worker in left]
        heapify(line)
        while line:
            worker = line[0][2]
            yield worker
            left[worker] -= 1
            passed[worker] += self._stride(worker)
            if left[worker] > 0:
                heapreplace(line, place(worker))
            else:
                heappop(line)


@lru_cache(maxsize=256)
def kind_of(*abilities: Sequence[str]) -> str:
    """A short name for what a worker can run; equal for those that can run the same."""
    text = "\0\0".join("\0".join(sorted(names)) for names in abilities)
    return blake2s(text.encode(), digest_size=6).hexdigest()
