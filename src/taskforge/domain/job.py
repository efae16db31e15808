"""A job: one unit of work in a queue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from taskforge.domain.errors import InvalidInput
from taskforge.domain.keys import JobKeys, check_key, check_places, check_receivers
from taskforge.domain.names import check_name, check_priority
from taskforge.domain.requirements import Requirements
from taskforge.domain.retry import MAX_DELAY_SECONDS, RetryPolicy
from taskforge.domain.sharing import SHARES, check_share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from taskforge.domain.ids import ExecutionId, JobId, ProjectId, QueueId, WorkerId

MAX_ATTEMPTS = 1_000_000
MAX_LOSSES = 3
MAX_PAYLOAD_BYTES = 256 * 1024
RESULT_BYTES = 256 * 1024
"""How large a result may be, as JSON, unless the installation says otherwise."""
MAX_TAGS = 20


class JobStatus(StrEnum):
    """Where a job is in its life; `docs/lifecycle.md` draws it."""

    PENDING = "pending"
    SCHEDULED = "scheduled"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_finished(self) -> bool:
        """Whether nothing but a person can change it any more."""
        return self in FINISHED


FINISHED = frozenset({JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED})


class Hold(StrEnum):
    """Why a pending job may not be claimed. None means it may."""

    NO_WORKER = "no_worker"
    PAUSED = "paused"
    SUSPECT = "suspect"
    KEY = "key"


class NewJob(NamedTuple):
    """A job that is to be accepted. ``payload``, ``tags`` and ``retry_policy`` are JSON texts.

    ``None`` for max_attempts, retry_policy and timeout_ms leaves the matter to the queue.
    """

    id: UUID
    queue_id: UUID
    job_type: str
    payload: str
    priority: int = 0
    max_attempts: int | None = None
    retry_policy: str | None = None
    timeout_ms: int | None = None
    scheduled_for: datetime | None = None
    delay_us: int | None = None
    expires_at: datetime | None = None
    deadline: datetime | None = None
    tags: str | None = None


class Submitted(NamedTuple):
    """The job that stands for a request: a new one, or (not ``created``) the one that has its key."""

    id: UUID
    created: bool


class ClaimedJob(NamedTuple):
    """What the owner of an execution has to know. Field order is the order of the claim's columns."""

    id: JobId
    queue_id: QueueId
    job_type: str
    payload: str
    priority: int
    rank: int
    attempt: int
    max_attempts: int | None
    manual_retries: int
    retry_policy: str | None
    timeout_ms: int | None
    losses: int
    claim_seq: int
    execution_id: ExecutionId
    deadline: datetime | None
    state: str | None
    claimed_at: datetime
    concurrency_key: str | None = None
    slots: int = 1


# Nobody changes one; frozen, a page of them takes the server a sixth longer.
@dataclass(slots=True, unsafe_hash=True)
class Job:
    """A job as it is stored. JSON values are decoded.

    ``failure`` says why a job failed that no attempt failed: ``queue_timeout``, ``deadline`` or ``queue_full``.
    """

    id: JobId
    project_id: ProjectId
    queue_id: QueueId
    queue_name: str
    job_type: str
    payload: Any
    status: JobStatus
    hold: Hold | None
    priority: int
    max_attempts: int
    attempt_count: int
    losses: int
    claim_seq: int
    execution_id: ExecutionId | None
    worker_id: WorkerId | None
    claimed_at: datetime | None
    started_at: datetime | None
    heartbeat_at: datetime | None
    lease_until: datetime | None
    attempt_timeout_at: datetime | None
    cancel_requested_at: datetime | None
    scheduled_for: datetime | None
    expires_at: datetime | None
    timeout_at: datetime | None
    failure: str | None
    tags: Sequence[str]
    key: str | None
    concurrency_key: str | None
    concurrency_limit: int | None
    fairness_key: str | None
    fairness_weight: int
    slots: int
    rate_tokens: int
    requires: Mapping[str, Any]
    prefers: Mapping[str, Any]
    state: Any
    progress: Any
    dead_letter_queue_id: QueueId | None
    dead_lettered_at: datetime | None
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None


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
        self._check_moments()
        if self.tags is not None:
            check_tags(self.tags)
        self._check_keys()
        if self.notify is not None:
            check_receivers(self.notify)
        if self.requires is not None or self.prefers is not None:
            self.requirements()
        self.retry_policy()

    def _check_moments(self) -> None:
        for field, moment in (
            ("run_at", self.run_at),
            ("deadline", self.deadline),
            ("expires", self.expires),
        ):
            if isinstance(moment, datetime):
                check_aware(moment, field)
            elif moment is not None:
                check_seconds(moment, field, least=0.0)

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
        return RetryPolicy(**chosen) if chosen else None


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
    found = {name: getattr(options, name) for name in DECLARABLE}
    return {
        name: value.total_seconds() if isinstance(value, timedelta) else value
        for name, value in found.items()
        if value is not None and not isinstance(value, datetime)
    }


def check_max_attempts(value: int) -> int:
    """The number of attempts, if it is a whole number of at least 1."""
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_ATTEMPTS:
        raise InvalidInput(
            f"max_attempts must be a whole number from 1 to {MAX_ATTEMPTS}, not {value!r}",
            field="max_attempts",
        )
    return value


def check_seconds(value: float | timedelta, field: str, *, least: float) -> float:
    """Seconds as a float, from a number or a timedelta. Every limit is finite and at most a year."""
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds != seconds:
        raise InvalidInput(f"{field} must be a number of seconds, not {value!r}", field=field)
    if not least <= seconds <= MAX_DELAY_SECONDS:
        raise InvalidInput(
            f"{field} must be from {least:g} to {MAX_DELAY_SECONDS:g} seconds, not {value!r}", field=field
        )
    return float(seconds)


def check_aware(moment: datetime, field: str) -> datetime:
    """The moment, if it says in which time zone it is."""
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise InvalidInput(
            f"{field} needs a time zone: {moment.isoformat()} could be any of them",
            field=field,
            hint="use datetime.now(UTC) + ..., or datetime(..., tzinfo=ZoneInfo('Asia/Jakarta'))",
        )
    return moment


def check_tags(tags: Sequence[str]) -> Sequence[str]:
    """The tags, if there are at most 20 of 1 to 100 printable characters."""
    if isinstance(tags, str) or len(tags) > MAX_TAGS:
        raise InvalidInput(f"tags must be a list of at most {MAX_TAGS} texts", field="tags")
    for tag in tags:
        if not isinstance(tag, str) or not 1 <= len(tag) <= 100 or not tag.isprintable():
            raise InvalidInput(f"a tag must be 1 to 100 printable characters, not {tag!r:.120}", field="tags")
    return tags


def check_job_type(name: str) -> str:
    """The job type, if it is 1 to 100 printable characters without spaces."""
    if not isinstance(name, str) or not 1 <= len(name) <= 100 or not name.isprintable() or " " in name:
        raise InvalidInput(
            f"a job type must be 1 to 100 printable characters without spaces, not {name!r:.120}",
            field="job_type",
        )
    return name
