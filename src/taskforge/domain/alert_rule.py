"""Alert rules: what can be watched, and what a rule says about it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from taskforge.domain.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.ids import ProjectId

MOST_RULES = 100
LONGEST_SECONDS = 30 * 86400.0
LONGEST_TEXT = 1000
MOST_RECEIVERS = 20


class RuleKind(StrEnum):
    """What is watched."""

    FAILURE_RATE = "failure_rate"
    OLDEST_WAITING = "oldest_waiting"
    QUEUE_LENGTH = "queue_length"
    DEAD_LETTERS = "dead_letters"
    NO_WORKER = "no_worker"
    MISSED_TICK = "missed_tick"
    WORKER_UNHEALTHY = "worker_unhealthy"
    ERROR_GROUP = "error_group"
    SCALING_AT_MAXIMUM = "scaling_at_maximum"
    BREAKER_OPEN = "breaker_open"


class Meaning(NamedTuple):
    """What a kind is about: its subjects, and a sentence on one of them.

    ``threshold`` and ``window`` (seconds) are its defaults; None: it has none.
    """

    subject: str
    sentence: str
    threshold: float
    window: float | None = None
    has_queue: bool = False


MEANINGS: Mapping[RuleKind, Meaning] = {
    RuleKind.FAILURE_RATE: Meaning(
        "queue", "{value:,.1f} % of the attempts in {subject} failed", 20.0, 300.0, has_queue=True
    ),
    RuleKind.OLDEST_WAITING: Meaning(
        "queue", "the oldest job in {subject} has waited {value:,.0f} s", 300.0, has_queue=True
    ),
    RuleKind.QUEUE_LENGTH: Meaning("queue", "{value:,.0f} jobs wait in {subject}", 1000.0, has_queue=True),
    RuleKind.DEAD_LETTERS: Meaning("queue", "{subject} lists {value:,.0f} dead letters", 0.0, has_queue=True),
    RuleKind.NO_WORKER: Meaning(
        "job type", "{value:,.0f} jobs of the type {subject} wait, and no worker knows it", 0.0
    ),
    RuleKind.MISSED_TICK: Meaning(
        "schedule", "the schedule {subject} missed {value:,.0f} due times", 0.0, 3600.0
    ),
    RuleKind.WORKER_UNHEALTHY: Meaning("worker", "the worker {subject} gives no sign of life", 0.0, 900.0),
    RuleKind.ERROR_GROUP: Meaning(
        "error group", "{subject} is new or has returned, with {value:,.0f} failures so far", 0.0, 3600.0
    ),
    RuleKind.SCALING_AT_MAXIMUM: Meaning(
        "queue",
        "{subject} has as many workers as it may, and would need {value:,.0f} more",
        0.0,
        has_queue=True,
    ),
    RuleKind.BREAKER_OPEN: Meaning(
        "job type", "the circuit breaker of {subject} has held its jobs for {value:,.0f} s", 0.0
    ),
}


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """What a rule says. A subject is bad while its value is above ``threshold``.

    ``queue``: the only one that is watched; None: each queue by itself. ``min_attempts``: a failure rate of fewer
    attempts than these is none. ``receivers`` are ids.
    """

    kind: RuleKind
    threshold: float
    queue: str | None = None
    window_seconds: float | None = None
    min_attempts: int = 10
    for_seconds: float = 60.0
    recovery_seconds: float = 60.0
    receivers: tuple[str, ...] = ()
    description: str | None = None

    @property
    def timing(self) -> Timing:
        """How long it has to be bad, and good, until that is told."""
        return Timing(timedelta(seconds=self.for_seconds), timedelta(seconds=self.recovery_seconds))

    def to_json(self) -> dict[str, Any]:
        """As it is stored."""
        return {name: getattr(self, name) for name in _FIELDS} | {
            "kind": self.kind.value,
            "receivers": list(self.receivers),
        }


_FIELDS = (
    "threshold", "queue", "window_seconds", "min_attempts", "for_seconds", "recovery_seconds", "description",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as it is stored. ``fault``: why it could not be looked at the last time."""

    id: UUID
    project_id: ProjectId
    name: str
    spec: RuleSpec
    enabled: bool
    evaluated_at: datetime | None
    fault: str | None
    version: int
    created_at: datetime
    updated_at: datetime


def summary(name: str, kind: RuleKind, subject: str, value: float, *, is_firing: bool) -> str:
    """One line about an alert of a rule of this name."""
    sentence = MEANINGS[kind].sentence.format(subject=subject, value=value)
    return f"{name}: {sentence}" if is_firing else f"{name}: recovered ({subject})"


def rule_spec(kind: RuleKind, values: Mapping[str, Any]) -> RuleSpec:
    """What these values say, with the kind's defaults for those that are absent or None. Raises InvalidInput."""
    meaning = MEANINGS[kind]
    given = {name: value for name, value in values.items() if value is not None}
    unknown = set(given) - {*_FIELDS, "receivers"}
    if unknown:
        raise InvalidInput(f"a rule has no {sorted(unknown)[0]!r:.100}", field=sorted(unknown)[0])
    for name, is_known in (("queue", meaning.has_queue), ("window_seconds", meaning.window is not None)):
        if name in given and not is_known:
            raise InvalidInput(f"a rule of the kind {kind} has no {name}", field=name)
    window = given.get("window_seconds", meaning.window)
    return RuleSpec(
        kind,
        _number(given.get("threshold", meaning.threshold), "threshold", 0.0, _most(kind)),
        given.get("queue"),
        None if window is None else _number(window, "window_seconds", 60.0, 86400.0),
        int(_number(given.get("min_attempts", 10), "min_attempts", 1, 1_000_000)),
        _number(given.get("for_seconds", 60.0), "for_seconds", 0.0, LONGEST_SECONDS),
        _number(given.get("recovery_seconds", 60.0), "recovery_seconds", 0.0, LONGEST_SECONDS),
        _receivers(given.get("receivers", ())),
        check_text(given.get("description"), "description"),
    )


def _most(kind: RuleKind) -> float:
    """The highest threshold: what is counted is counted in the database, each time a rule is looked at."""
    if kind is RuleKind.FAILURE_RATE:
        return 100.0
    return LONGEST_SECONDS if kind in (RuleKind.OLDEST_WAITING, RuleKind.BREAKER_OPEN) else 1_000_000.0


def check_text(text: str | None, field: str) -> str | None:
    """Words of a person, at most 1,000 characters of one line; None when there are none. Raises InvalidInput."""
    stripped = (text or "").strip()
    if len(stripped) > LONGEST_TEXT or not stripped.isprintable():
        raise InvalidInput(f"{field} must be one line of at most {LONGEST_TEXT:,} characters", field=field)
    return stripped or None


def check_alert_name(name: str, field: str = "name") -> str:
    """The name of a rule or a receiver: 1 to 100 printable characters without spaces at its ends."""
    if not 1 <= len(name) <= 100 or not name.isprintable() or name != name.strip():
        raise InvalidInput(f"{field} must be 1 to 100 printable characters", field=field)
    return name


def _receivers(given: Sequence[Any]) -> tuple[str, ...]:
    if isinstance(given, str) or len(given) > MOST_RECEIVERS:
        raise InvalidInput(f"receivers is a list of at most {MOST_RECEIVERS}", field="receivers")
    return tuple(dict.fromkeys(str(receiver) for receiver in given))


def _number(value: Any, field: str, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidInput(f"{field} must be a number", field=field)
    if not least <= value <= most:
        raise InvalidInput(f"{field} must be from {least:g} to {most:g}", field=field)
    return float(value)


class Timing(NamedTuple):
    """How long it has to be bad until it fires, and good until it recovers."""

    until_firing: timedelta
    until_recovery: timedelta
