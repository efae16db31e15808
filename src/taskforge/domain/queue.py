"""A queue: a named line of jobs in a project, its state and its settings."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from taskforge.domain.bounds import MAX_DELAY_SECONDS
from taskforge.domain.errors import InvalidSetting
from taskforge.domain.ids import QueueId
from taskforge.domain.keys import MOST_NOTIFIED
from taskforge.domain.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from taskforge.domain.balancing import Plan
    from taskforge.domain.ids import ProjectId

STRICT_AGING_SECONDS = 1_000_000_000
"""A level of priority is worth this much waiting by default: some 30 years, so priority is strict."""
PRIORITY_DELAYS = (30, 30, 30, 10, 10, 10, 5, 5, 0, 0)
"""Seconds that jobs of priority 0 to 9 wait in a queue with ``priority_delays``."""

ENDS = ("succeeded", "failed", "cancelled")


class QueueState(StrEnum):
    """``active`` takes and hands out jobs, ``paused`` only takes them, ``closed`` only hands them out."""

    ACTIVE = "active"
    PAUSED = "paused"
    CLOSED = "closed"


class Strategy(StrEnum):
    """How the jobs of a queue are divided among the workers that serve it."""

    WEIGHTED = "weighted"
    LEAST_LOADED = "least_loaded"
    FIRST_FREE = "first_free"


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """What a queue says about its jobs. ``None`` leaves the matter to the built-in default.

    Seconds are seconds; ``rate_limit`` is starts a minute; ``max_retries`` N means N + 1 attempts. An
    attempt that gives no sign of life (``ctx.heartbeat()``, ``ctx.progress()``) for ``heartbeat_timeout``
    seconds ends as one that timed out.
    With ``priority_delays`` a job that names no time is due after the seconds of its priority.
    A queue is full when ``max_length`` jobs wait, or when the next job has waited ``max_age_seconds``; it then
    does what ``on_full`` says: ``reject`` new jobs (the default), or ``drop_oldest``.
    ``strategy`` says who of its workers gets the next jobs: ``weighted`` (the default where it has assignments),
    ``least_loaded`` or ``first_free`` (the default elsewhere).
    ``policy``: ``aged`` (the default) starts jobs in the order of their ranks, ``fair`` lets the lines of their fairness
    keys take turns.
    Finished jobs are kept for ``keep_..._days``, whatever the installation says.
    When a job ends the receivers ``notify`` (ids) are told, or only when it ends with a status of ``notify_on``.
    """

    max_concurrent_jobs: int | None = None
    max_retries: int | None = None
    timeout_seconds: float | None = None
    heartbeat_timeout: float | None = None
    retry_delay_seconds: float | None = None
    max_retry_delay_seconds: float | None = None
    backoff_multiplier: float | None = None
    dead_letter_queue_id: UUID | None = None
    rate_limit: int | None = None
    aging_seconds: int | None = None
    priority_delays: bool | None = None
    max_length: int | None = None
    max_age_seconds: float | None = None
    on_full: str | None = None
    policy: str | None = None
    keep_succeeded_days: float | None = None
    keep_cancelled_days: float | None = None
    keep_failed_days: float | None = None
    strategy: str | None = None
    notify: tuple[str, ...] | None = None
    notify_on: tuple[str, ...] | None = None

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> QueueSettings:
        """Settings from plain JSON values. Raises InvalidSetting naming the field and what it may be."""
        known = {field.name for field in fields(cls)}
        for name in values:
            if name not in known:
                raise InvalidSetting(
                    f"a queue has no setting {name!r}",
                    field=name,
                    hint=f"settings: {', '.join(sorted(known))}",
                )
        return cls(**{name: _parse_setting(name, value) for name, value in values.items()})

    @classmethod
    def salvage(cls, values: Any) -> tuple[QueueSettings, Sequence[str]]:
        """The settings that are sound among values that somebody wrote by hand, and what is wrong with the rest."""
        if not isinstance(values, dict):
            return cls(), [f"settings must be an object, not {type(values).__name__}"]
        sound: dict[str, Any] = {}
        wrong = []
        for name, value in values.items():
            try:
                cls.parse({name: value})
            except InvalidSetting as error:
                wrong.append(error.message)
            else:
                sound[name] = value
        return cls.parse(sound), wrong

    def to_json(self) -> dict[str, Any]:
        """The settings that are set, as plain JSON values."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: str(value)
            if isinstance(value, UUID)
            else list(value)
            if isinstance(value, tuple)
            else value
            for name, value in values.items()
            if value is not None
        }

    def changed(self, values: Mapping[str, Any]) -> QueueSettings:
        """These settings with some changed; a value of None goes back to the default."""
        checked = self.parse({name: value for name, value in values.items() if value is not None})
        cleared: dict[str, Any] = {name: None for name, value in values.items() if value is None}
        self.parse(dict.fromkeys(cleared))
        return replace(
            self, **{name: getattr(checked, name) for name in values if name not in cleared}, **cleared
        )

    def retry_policy(self) -> RetryPolicy:
        """The queue's backoff, completed by the built-in one."""
        standard = RetryPolicy()
        return RetryPolicy(
            base=standard.base if self.retry_delay_seconds is None else self.retry_delay_seconds,
            multiplier=standard.multiplier if self.backoff_multiplier is None else self.backoff_multiplier,
            cap=standard.cap if self.max_retry_delay_seconds is None else self.max_retry_delay_seconds,
        )

    @property
    def has_rule(self) -> bool:
        """Whether a claim has to pass the queue's gate."""
        return (
            self.max_concurrent_jobs is not None
            or self.rate_limit is not None
            or self.strategy in (Strategy.WEIGHTED, Strategy.LEAST_LOADED)
            or self.is_fair
        )

    @property
    def is_fair(self) -> bool:
        """Whether the lines of its fairness keys take turns."""
        return self.policy == "fair"

    def delay_seconds(self, priority: int) -> int:
        """How long a job of this priority waits that names no time itself."""
        return PRIORITY_DELAYS[priority] if self.priority_delays else 0

    @property
    def aging_microseconds(self) -> int:
        """How much waiting a level of priority is worth, in microseconds."""
        return (STRICT_AGING_SECONDS if self.aging_seconds is None else self.aging_seconds) * 1_000_000


class QueueBound(NamedTuple):
    """How long and how old the backlog of a queue may be; ``drops``: the oldest jobs make room for new ones."""

    queue_id: UUID
    queue_name: str
    max_length: int | None
    max_age_us: int | None
    drops: bool


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue as it is stored. ``has_rule`` is what claims go by, whatever the settings say.

    ``plan`` is there where it has assignments, or a strategy that weighs its workers.
    """

    id: QueueId
    project_id: ProjectId
    name: str
    description: str | None
    priority: int
    state: QueueState
    settings: QueueSettings
    has_rule: bool
    created_at: datetime
    updated_at: datetime
    paused_at: datetime | None = None
    paused_by: str | None = None
    pause_reason: str | None = None
    plan: Plan | None = None

    @property
    def is_active(self) -> bool:
        """Whether it hands out jobs."""
        return self.state is QueueState.ACTIVE

    @property
    def is_bounded(self) -> bool:
        """Whether its backlog has a bound."""
        return self.settings.max_length is not None or self.settings.max_age_seconds is not None

    @property
    def bound(self) -> QueueBound | None:
        """The bound of its backlog, if it has one."""
        if not self.is_bounded:
            return None
        settings, age = self.settings, self.settings.max_age_seconds
        return QueueBound(
            self.id,
            self.name,
            settings.max_length,
            None if age is None else round(age * 1_000_000),
            settings.on_full == "drop_oldest",
        )


_WHOLE_NUMBERS = {
    "max_concurrent_jobs": (1, 1_000_000),
    "max_retries": (0, 1_000_000),
    "rate_limit": (1, 10_000_000),
    "aging_seconds": (0, STRICT_AGING_SECONDS),
    "max_length": (1, 1_000_000),
}
_NUMBERS = {
    "timeout_seconds": (0.001, MAX_DELAY_SECONDS),
    "heartbeat_timeout": (0.1, MAX_DELAY_SECONDS),
    "retry_delay_seconds": (0.0, MAX_DELAY_SECONDS),
    "max_retry_delay_seconds": (0.0, MAX_DELAY_SECONDS),
    "backoff_multiplier": (1.0, 1000.0),
    "max_age_seconds": (0.001, MAX_DELAY_SECONDS),
    "keep_succeeded_days": (0.001, 36_500.0),
    "keep_cancelled_days": (0.001, 36_500.0),
    "keep_failed_days": (0.001, 36_500.0),
}
_WORDS = {
    "on_full": ("reject", "drop_oldest"),
    "strategy": tuple(strategy.value for strategy in Strategy),
    "policy": ("aged", "fair"),
}


def _parse_receivers(name: str, value: Any) -> tuple[str, ...] | None:
    """Ids of receivers; none of them is the same as nobody."""
    if not isinstance(value, list | tuple) or len(value) > MOST_NOTIFIED:
        raise InvalidSetting(
            f"{name} must be a list of at most {MOST_NOTIFIED} receivers, not {value!r:.120}", field=name
        )
    try:
        return tuple(dict.fromkeys(str(UUID(str(given))) for given in value)) or None
    except ValueError:
        raise InvalidSetting(f"{name} must be ids of receivers, not {value!r:.120}", field=name) from None


def _parse_statuses(name: str, value: Any) -> tuple[str, ...] | None:
    if not isinstance(value, list | tuple) or not set(map(str, value)) <= set(ENDS):
        raise InvalidSetting(f"{name} must be a list of {', '.join(ENDS)}, not {value!r:.120}", field=name)
    return tuple(end for end in ENDS if end in value) or None


def _parse_word(name: str, value: Any) -> Any:
    if value in _WORDS[name]:
        return value
    raise InvalidSetting(f"{name} must be {' or '.join(_WORDS[name])}, not {value!r:.120}", field=name)


_FORMS = {
    **dict.fromkeys(_WORDS, _parse_word),
    "notify": _parse_receivers,
    "notify_on": _parse_statuses,
}


def _parse_setting(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name == "dead_letter_queue_id":
        try:
            return UUID(str(value))
        except ValueError:
            raise InvalidSetting(f"{name} must be the id of a queue, not {value!r}", field=name) from None
    if name in _FORMS:
        return _FORMS[name](name, value)
    if name in _WHOLE_NUMBERS:
        low, high = _WHOLE_NUMBERS[name]
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        raise InvalidSetting(f"{name} must be a whole number from {low} to {high}, not {value!r}", field=name)
    if name == "priority_delays":
        if isinstance(value, bool):
            return value
        raise InvalidSetting(f"{name} must be true or false, not {value!r}", field=name)
    least, most = _NUMBERS[name]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and least <= value <= most:  # NaN is not between
        return float(value)
    raise InvalidSetting(f"{name} must be a number from {least:g} to {most:,.10g}, not {value!r}", field=name)


def check_dead_letters(
    queue_id: QueueId | None, settings: QueueSettings, known: Mapping[QueueId, Queue]
) -> None:
    """The dead-letter queue, if any, must be another one of the project, and name none that leads back.

    ``known`` are all queues of the project; ``queue_id`` None is a queue that is yet to be made.
    """
    path = [] if queue_id is None else [queue_id]
    target = settings.dead_letter_queue_id
    while target is not None:
        queue = known.get(QueueId(target))
        if queue is None:
            raise InvalidSetting(
                f"dead_letter_queue_id: this project has no queue {target}",
                field="dead_letter_queue_id",
                hint="create it first; `taskforge queues list` shows what there is",
            )
        if queue.id in path:
            raise InvalidSetting(
                f"dead_letter_queue_id leads back: the dead letters of {queue.name!r} would come to it again",
                field="dead_letter_queue_id",
            )
        path.append(queue.id)
        target = queue.settings.dead_letter_queue_id
