"""What holds for one attempt at a job: call and task, then the queue, then the built-in values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID

    from taskforge.domain.queue import QueueSettings
    from taskforge.domain.retry import RetryPolicy

DEFAULT_MAX_ATTEMPTS = 3
DEFAULT_TIMEOUT_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class AttemptPolicy:
    """What holds for one attempt, after call, task, queue and built-in values are laid over each other."""

    max_attempts: int
    timeout: float
    retry: RetryPolicy
    dead_letter_queue_id: UUID | None
    heartbeat_timeout: float | None = None


def attempt_policy(
    settings: QueueSettings,
    *,
    max_attempts: int | None,
    manual_retries: int,
    retry: RetryPolicy | None,
    timeout_ms: int | None,
) -> AttemptPolicy:
    """Precedence: call and task (stored on the job), then queue, then built-in.

    The timeout is the smaller of the job's and the queue's. Each retry by hand grants the original
    budget of attempts once more.
    """
    return AttemptPolicy(
        max_attempts=attempt_budget(settings, max_attempts) * (1 + manual_retries),
        timeout=attempt_timeout(settings, timeout_ms),
        retry=retry or settings.retry_policy(),
        dead_letter_queue_id=settings.dead_letter_queue_id,
        heartbeat_timeout=settings.heartbeat_timeout,
    )


def attempt_budget(settings: QueueSettings, max_attempts: int | None) -> int:
    """How many attempts a job gets before someone retries it by hand."""
    if max_attempts is not None:
        return max_attempts
    return DEFAULT_MAX_ATTEMPTS if settings.max_retries is None else settings.max_retries + 1


def attempt_timeout(settings: QueueSettings, timeout_ms: int | None) -> float:
    """Seconds an attempt may take; every attempt has a limit."""
    limits = [seconds for seconds in (settings.timeout_seconds,) if seconds is not None]
    if timeout_ms is not None:
        limits.append(timeout_ms / 1000)
    return min(limits, default=DEFAULT_TIMEOUT_SECONDS)
