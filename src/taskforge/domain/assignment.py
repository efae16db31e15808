"""Assignments: which workers serve a queue, and with which weight beside each other."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from taskforge.domain.errors import InvalidInput
from taskforge.domain.names import check_name

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from taskforge.domain.ids import AssignmentId, ProjectId, QueueId
    from taskforge.domain.worker import Worker, WorkerStatus

MAX_WEIGHT = 100
WILDCARDS = "*?"


class Share(Protocol):
    """What an assignment says of a worker whose name it matches."""

    @property
    def worker_name(self) -> str: ...
    @property
    def weight(self) -> int: ...
    @property
    def is_active(self) -> bool: ...


S = TypeVar("S", bound=Share)


@dataclass(frozen=True, slots=True)
class Assignment:
    """A queue and the workers of a name, as it is stored.

    ``worker_name`` may be a pattern: ``*`` stands for any characters, ``?`` for one. It names workers that do not
    run yet, and those that are started again. ``weight`` is the part of each of them beside the others.
    """

    id: AssignmentId
    project_id: ProjectId
    queue_id: QueueId
    queue_name: str
    worker_name: str
    weight: int
    is_active: bool
    created_at: datetime
    updated_at: datetime

    @property
    def is_pattern(self) -> bool:
        """Whether it may name several workers."""
        return is_pattern(self.worker_name)

    def live_worker(self, present: Iterable[tuple[Worker, WorkerStatus]]) -> Worker | None:
        """Of these workers the one of exactly this name that is not offline."""
        alive = (w for w, status in present if w.name == self.worker_name and status.is_live)
        return next(alive, None)


class Rival(NamedTuple):
    """The same without what only people need: as a queue's gate keeps it."""

    worker_name: str
    weight: int
    is_active: bool


def is_pattern(name: str) -> bool:
    """Whether a worker's name has wildcards."""
    return any(wildcard in name for wildcard in WILDCARDS)


def check_weight(weight: object) -> int:
    """The weight, if it is a whole number from 1 to 100. Raises InvalidInput."""
    if isinstance(weight, int) and not isinstance(weight, bool) and 1 <= weight <= MAX_WEIGHT:
        return weight
    raise InvalidInput(
        f"weight must be a whole number from 1 to {MAX_WEIGHT}, not {weight!r:.100}",
        field="weight",
        hint="a worker of weight 30 gets three times what one of weight 10 gets",
    )


def check_worker_name(name: str) -> str:
    """The name or pattern, if a worker can have such a name. Raises InvalidInput."""
    return check_name(name, "the worker's name", field="worker_name")


def matches(pattern: str, name: str) -> bool:
    """Whether a worker of this name is meant. A name with wildcards of its own is meant by itself."""
    return pattern == name or (is_pattern(pattern) and _compiled(pattern).fullmatch(name) is not None)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = [{"*": ".*", "?": "."}.get(character) or re.escape(character) for character in pattern]
    return re.compile(re.sub(r"(\.\*)+", ".*", "".join(parts)), re.DOTALL)


def deciding(assignments: Iterable[S], worker: str) -> S | None:
    """Of the assignments of one queue the one that holds for a worker: its own name, else the closest pattern.

    The pattern with the most characters that are no wildcards is the closest, of two such the first by name.
    """
    found = [assignment for assignment in assignments if matches(assignment.worker_name, worker)]
    return min(found, key=lambda assignment: _distance(assignment.worker_name, worker), default=None)


def _distance(pattern: str, worker: str) -> tuple[bool, int, str]:
    literal = sum(character not in WILDCARDS for character in pattern)
    return pattern != worker, -literal, pattern


def weight_of(assignments: Iterable[S], worker: str) -> int | None:
    """The weight of a worker in a queue that has these assignments; None: it does not serve the queue."""
    found = deciding(assignments, worker)
    return found.weight if found is not None and found.is_active else None
