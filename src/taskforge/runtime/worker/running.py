"""One claimed attempt in this worker, from the claim until it is settled and its handler has ended."""

from __future__ import annotations

import math
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from taskforge.runtime.worker.recorder import AttemptRecorder

if TYPE_CHECKING:
    import asyncio
    import contextvars

    from taskforge.domain.outcome import Outcome
    from taskforge.ports.link import Attempt
    from taskforge.runtime.worker.processes.process import ChildProcess
    from taskforge.sdk.context import Context


class Stop(IntEnum):
    """Why a handler is told to stop; the lower number wins over the higher."""

    LOST = 1
    CANCEL = 2
    TIMEOUT = 3
    RELEASE = 4


class Interrupt(BaseException):
    """Raised inside a handler's thread to stop it. Not an Exception, so that handlers do not catch it."""


class Running:
    """What the worker knows of an attempt. Times are by the monotonic clock; those of the class are the
    defaults, so that making one is cheap.

    ``attention_at`` is when the watchdog has to look at it. ``reported``: an outcome was handed to the
    reporter (or dropped); ``settled``: the record has it, no lease is kept any more; ``ended``: the
    handler is over. ``lease_until`` is how long the worker trusts in its lease. A handler that does not stop
    is reported before it has ended, and ``stuck`` then. Where it is traced, ``span`` is open while it runs, ``ran`` is its
    context afterwards, and ``trace`` the same as a text for the attempt that follows.
    """

    started = math.nan
    finished = math.nan
    attention_at = math.inf
    patience_until = math.inf
    in_thread = False
    interrupted = False
    reported = False
    settled = False
    ended = False
    stuck = False
    told_started = False
    lease_lost = False
    stop: Stop | None = None
    outcome: Outcome | None = None
    thread_outcome: Outcome | None = None
    task: asyncio.Task[None] | None = None
    thread: int | None = None
    child: ChildProcess | None = None
    variables: contextvars.Context | None = None
    context: Context | None = None
    span: Any = None
    ran: Any = None
    trace: str | None = None

    def __init__(self, attempt: Attempt, claimed: float, lease_until: float) -> None:
        self.attempt = attempt
        self.claimed = claimed
        self.lease_until = lease_until
        self.recorder = AttemptRecorder()

    @property
    def has_started(self) -> bool:
        """Whether the handler has begun."""
        return not math.isnan(self.started)

    @property
    def is_trusted(self) -> bool:
        """Whether the lease could still be trusted when the handler was to begin: the process may have been frozen before."""
        return self.started < self.lease_until

    @property
    def deadline(self) -> float:
        """When the attempt's timeout, or the silence its queue allows, is over; not a number before it has begun."""
        end = self.started + self.attempt.timeout
        silence = self.attempt.heartbeat_timeout
        return end if silence is None else min(end, max(self.started, self.recorder.signed_at) + silence)

    @property
    def silent(self) -> bool:
        """Whether it is the handler's silence that ends the attempt, and not its length."""
        return self.deadline < self.started + self.attempt.timeout
