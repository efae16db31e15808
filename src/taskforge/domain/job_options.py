"""What a call or a task says about its jobs. Apart from jobs, whose rows `import taskforge` does not need.

What few options need is loaded by them: every task has options, and most say little.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taskforge.domain.bounds import (
    SHARES,
    check_max_attempts,
    check_moment,
    check_seconds,
    check_share,
    check_tags,
)
from taskforge.domain.errors import InvalidInput
from taskforge.domain.keys import JobKeys, check_key, check_places, check_receivers
from taskforge.domain.names import check_name, check_priority

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from taskforge.domain.requirements import Requirements
    from taskforge.domain.retry import RetryPolicy


@dataclass(frozen=True, slots=True)
class JobOptions:
    """What a call or a task says about its jobs. ``None`` leaves the matter to the next level.

    ``delay``, ``timeout`` and ``retry_*`` are seconds. Times must carry a time zone. ``expires`` is the
    moment (or the seconds from now) by which the job must have started, ``deadline`` by which it must
    have finished. ``key_period``: seconds for which a job that succeeded keeps its key, from its creation.
    ``concurrency_limit`` is 1 unless something else is said.
    In a fair queue the jobs of each ``fairness_key`` take turns with those of the others, ``fairness_weight`` of
    them at a time. A job takes ``slots`` places of its queue and of its worker, and ``rate_tokens`` of its
    queue's rate; each is 1 unless something else is said.
    ``notify`` names receivers that are told when the job ends.
    """

    queue: str | None = None
    priority: int | None = None
    delay: float | timedelta | None = None
    run_at: datetime | None = None
    max_attempts: int | None = None
    timeout: float | timedelta | None = None
    deadline: datetime | float | timedelta | None = None
    expires: datetime | float | timedelta | None = None
    tags: Sequence[str] | None = None
    key: str | None = None
    key_period: float | timedelta | None = None
    concurrency_key: str | None = None
    concurrency_limit: int | None = None
    fairness_key: str | None = None
    fairness_weight: int | None = None
    slots: int | None = None
    rate_tokens: int | None = None
    requires: Mapping[str, Any] | None = None
    prefers: Mapping[str, Any] | None = None
    notify: str | Sequence[str] | None = None
    retry_base: float | None = None
    retry_multiplier: float | None = None
    retry_cap: float | None = None
    retry_jitter: bool | None = None

    def __post_init__(self) -> None:
        if self.queue is not None:
            check_name(self.queue, field="queue")
        if self.priority is not None:
            check_priority(self.priority)
        if self.max_attempts is not None:
            check_max_attempts(self.max_attempts)
        if self.delay is not None and self.run_at is not None:
            raise InvalidInput("give delay or run_at, not both", field="run_at")
        if self.delay is not None:
            check_seconds(self.delay, "delay", least=0.0)
        if self.timeout is not None:
            check_seconds(self.timeout, "timeout", least=0.001)
        for field in ("run_at", "deadline", "expires"):
            check_moment(getattr(self, field), field)
        if self.tags is not None:
            check_tags(self.tags)
        self._check_keys()
        if self.notify is not None:
            check_receivers(self.notify)
        self.requirements()
        self.retry_policy()

    def _check_keys(self) -> None:
        if self.key is not None:
            check_key(self.key, "key")
        if self.key_period is not None:
            check_seconds(self.key_period, "key_period", least=0.0)
        if self.concurrency_key is not None:
            check_key(self.concurrency_key, "concurrency_key")
        if self.concurrency_limit is not None:
            check_places(self.concurrency_limit)
        if self.fairness_key is not None:
            check_key(self.fairness_key, "fairness_key")
        for field in SHARES:
            check_share(getattr(self, field), field)

    def over(self, lower: JobOptions) -> JobOptions:
        """These options, completed by ``lower`` where they say nothing."""
        values = {name: getattr(self, name) for name in self.__slots__}
        if self.delay is not None or self.run_at is not None:
            lower_values = {n: getattr(lower, n) for n in self.__slots__ if n not in ("delay", "run_at")}
        else:
            lower_values = {n: getattr(lower, n) for n in self.__slots__}
        return JobOptions(**(lower_values | {name: v for name, v in values.items() if v is not None}))

    @property
    def is_keyed(self) -> bool:
        """Whether there is a key of any kind, a weight or a notice: such jobs are stored with what these need."""
        return (
            self.key is not None
            or self.concurrency_key is not None
            or self.fairness_key is not None
            or self.slots is not None
            or self.rate_tokens is not None
            or self.requires is not None
            or self.prefers is not None
            or self.fairness_weight is not None
            or bool(self.notify)
        )

    def keys(self) -> JobKeys | None:
        """The keys, weights and notices that call and task give a job; None for most."""
        if not self.is_keyed:
            return None
        requirements = self.requirements()
        period = 0.0 if self.key_period is None else check_seconds(self.key_period, "key_period", least=0.0)
        return JobKeys(
            self.key,
            round(period * 1_000_000),
            self.concurrency_key,
            None if self.concurrency_key is None else self.concurrency_limit or 1,
            self.fairness_key,
            self.fairness_weight,
            self.slots,
            self.rate_tokens,
            None if requirements is None else requirements.text,
            check_receivers(self.notify or ()),
        )

    def requirements(self) -> Requirements | None:
        """What call and task require and prefer of workers; None for most. Raises InvalidInput."""
        if self.requires is None and self.prefers is None:
            return None
        from taskforge.domain.requirements import Requirements

        found = Requirements(self.requires or {}, self.prefers or {})
        return found if found.to_json() else None

    def retry_policy(self) -> RetryPolicy | None:
        """The backoff that call and task ask for, or None where neither says anything."""
        given = {
            "base": self.retry_base,
            "multiplier": self.retry_multiplier,
            "cap": self.retry_cap,
            "jitter": self.retry_jitter,
        }
        chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        if not chosen:
            return None
        from taskforge.domain.retry import RetryPolicy

        return RetryPolicy(**chosen)


NO_OPTIONS = JobOptions()

DECLARABLE = (
    "priority",
    "max_attempts",
    "timeout",
    "expires",
    "tags",
    "key_period",
    "concurrency_limit",
    "fairness_weight",
    "slots",
    "rate_tokens",
    "requires",
    "prefers",
    "notify",
    "retry_base",
    "retry_multiplier",
    "retry_cap",
    "retry_jitter",
)
"""Options that a task can say to those who do not have its code: no moments, and no keys, which its code makes."""


def declared(options: JobOptions) -> dict[str, Any]:
    """What a task says of its jobs as JSON values; what holds for one call alone is left out."""
    from datetime import datetime, timedelta

    found = {name: getattr(options, name) for name in DECLARABLE}
    return {
        name: value.total_seconds() if isinstance(value, timedelta) else value
        for name, value in found.items()
        if value is not None and not isinstance(value, datetime)
    }
