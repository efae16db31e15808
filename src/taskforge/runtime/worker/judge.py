"""Which Outcome the end of a handler is: what it raised, beside what it had been told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskforge.domain.execution import clean_message
from taskforge.domain.outcome import (
    Cancelled,
    ErrorReport,
    Failed,
    Outcome,
    Released,
    Snoozed,
    Succeeded,
)
from taskforge.runtime.worker.failure import error_report
from taskforge.runtime.worker.running import Stop
from taskforge.sdk.outcomes import Cancel, Dead, Retry, Snooze

if TYPE_CHECKING:
    from taskforge.domain.errors import TaskforgeError
    from taskforge.runtime.worker.running import Running

REQUESTED = Cancelled("requested")
RELEASED = Released()


def raised(error: BaseException, stop: Stop | None) -> Outcome:
    """What an exception of the handler means, which had been told to ``stop``. Never raises."""
    match error:
        case Snooze():
            return Snoozed(error.seconds)
        case Cancel():
            return Cancelled(clean_message(error.reason) or "by its task")
        case Dead():
            return Failed(error_report(error), final=True)
        case Retry():
            return Failed(error_report(error), retry_after=error.after)
    if stop is Stop.RELEASE:
        return RELEASED
    return Failed(error_report(error))


def invalid_result(error: TaskforgeError) -> Outcome:
    """The handler returned what cannot be stored."""
    return Failed(ErrorReport("InvalidResult", clean_message(error.message) or "the result is not JSON"))


def after_stop(running: Running, outcome: Outcome | None) -> Outcome:
    """The outcome of a handler that was told to stop; ``outcome`` is what it came to by itself, if anything.

    A timeout is a timeout, whatever the handler still did. A handler that finished in spite of a cancel
    or a drain has finished. After a cancel nothing is tried again.
    """
    match running.stop:
        case Stop.TIMEOUT if isinstance(outcome, Succeeded) and running.finished <= running.deadline:
            return outcome
        case Stop.TIMEOUT:
            return _timed_out(running, outcome)
        case Stop.CANCEL:
            return outcome if isinstance(outcome, Succeeded | Cancelled) else REQUESTED
        case _:
            return RELEASED if outcome is None else outcome


def _timed_out(running: Running, outcome: Outcome | None) -> Outcome:
    trace = outcome.error.traceback if isinstance(outcome, Failed) else None
    attempt = running.attempt
    if attempt.heartbeat_timeout is not None and running.silent:
        message = f"no sign of life for {attempt.heartbeat_timeout:g} s, which its queue demands"
        return Failed(ErrorReport("HeartbeatTimeout", message, trace), timed_out=True)
    message = f"no end after {attempt.timeout:g} s"
    return Failed(ErrorReport("TimeoutError", message, trace), timed_out=True)
