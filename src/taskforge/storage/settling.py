"""What a settlement is as rows: of the job, of its execution, of the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from taskforge.domain.execution import FAILURES
from taskforge.domain.fingerprint import fingerprint_of
from taskforge.domain.job import Hold, JobStatus
from taskforge.storage.engine import Many, columns

if TYPE_CHECKING:
    from taskforge.ports.jobs import Settlement

LAST_SEQ = 2_000_000_000
"""The line that settling adds comes after all lines of the worker."""

SETTLED = [
    "job_id",
    "claim_seq",
    "execution_id",
    "status",
    "execution_status",
    "reason",
    "delay_us",
    "attempts",
    "losses",
    "hold",
    "dead_letter_queue_id",
    "output",
    "error_type",
    "error_message",
    "traceback",
    "wait_us",
    "duration_us",
    "waited_us",
    "state",
    "lost_only",
    "fingerprint",
]
SUCCEEDED = ("job_id", "claim_seq", "execution_id", "output", "wait_us", "duration_us", "waited_us")
NOTHING_SETTLED = Many("settle_succeeded", columns(SUCCEEDED, [(UUID(int=0), 0, UUID(int=0), None, 0, 0, 0)]))
LINES = ("execution_id", "seq", "level", "message", "metadata", "logged_at")


def is_plain_success(settlement: Settlement) -> bool:
    """Most are; they need a third of the columns."""
    return settlement.transition.status is JobStatus.SUCCEEDED and settlement.state is None


def succeeded_row(settlement: Settlement) -> tuple[Any, ...]:
    return (
        settlement.job_id,
        settlement.claim_seq,
        settlement.execution_id,
        settlement.transition.output,
        settlement.wait_us,
        settlement.duration_us,
        settlement.waited_us,
    )


def settled_row(settlement: Settlement) -> tuple[Any, ...]:
    decided = settlement.transition
    return (
        settlement.job_id,
        settlement.claim_seq,
        settlement.execution_id,
        decided.status,
        decided.execution_status,
        decided.reason,
        decided.delay_us,
        decided.attempts,
        decided.losses,
        _hold(settlement),
        decided.dead_letter_queue_id,
        decided.output,
        decided.error_type,
        decided.error_message,
        decided.traceback,
        settlement.wait_us,
        settlement.duration_us,
        settlement.waited_us,
        settlement.state,
        settlement.lost_only,
        _fingerprint(settlement),
    )


def _fingerprint(settlement: Settlement) -> UUID | None:
    """Of a failure: which others are the same."""
    decided = settlement.transition
    if decided.execution_status not in FAILURES or decided.error_type is None:
        return None
    return fingerprint_of(decided.error_type, decided.traceback, settlement.job_type)


def _hold(settlement: Settlement) -> Hold | None:
    """A job that is to run again stands in line for its concurrency key again."""
    decided = settlement.transition
    is_keyed = settlement.concurrency_key is not None and not decided.status.is_finished
    return Hold.KEY if is_keyed else decided.hold


def lines_of(settlement: Settlement) -> list[tuple[Any, ...]]:
    lines: list[tuple[Any, ...]] = [(settlement.execution_id, *line) for line in settlement.lines]
    decided = settlement.transition
    if decided.line is not None:
        message = decided.line if len(decided.line) <= 10_000 else decided.line[:9_999] + "…"
        lines.append((settlement.execution_id, LAST_SEQ, decided.line_level, message, None, None))
    return lines
