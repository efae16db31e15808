"""What the database says in the end: jobs, executions and log lines, the same from both databases."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.conformance.stage import Hand, make_engine

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.proof.history import Note

_JOBS = (
    "SELECT id, status, attempt_count, losses, claim_seq, execution_id, state, failure, max_attempts "
    "FROM jobs"
)
_EXECUTIONS = (
    "SELECT e.id, e.job_id, e.status, e.reason, e.attempt_number, e.claim_seq, e.claimed_at, e.finished_at, "
    "e.output, w.pid FROM executions e LEFT JOIN workers w ON w.id = e.worker_id"
)
_LINES = "SELECT execution_id, message, logged_at FROM log_lines"


class JobRecord(NamedTuple):
    """A row of `jobs`. `execution` is its last or present one, `run` what its checkpoint says."""

    id: str
    status: str
    attempts: int
    losses: int
    claims: int
    execution: str | None
    run: str | None = None
    failure: str | None = None
    max_attempts: int = 3


class ExecutionRecord(NamedTuple):
    """A row of `executions`. Times are seconds since 1970; `run` is what its result says, `pid` its worker's."""

    id: str
    job: str
    status: str
    reason: str | None
    attempt: int
    claim: int
    claimed: float
    finished: float
    run: str | None
    pid: int


class LineRecord(NamedTuple):
    """A row of `log_lines`."""

    execution: str
    message: str
    logged: float


class Evidence(NamedTuple):
    """All that the checker looks at. `deleted` are jobs that somebody deleted on purpose."""

    notes: list[Note]
    jobs: dict[str, JobRecord]
    executions: list[ExecutionRecord]
    lines: list[LineRecord]
    deleted: frozenset[str] = frozenset()


async def evidence(url: str, notes: list[Note], *, deleted: frozenset[str] = frozenset()) -> Evidence:
    """Read the database; nothing should run on it any more."""
    hand, engine = Hand(url), make_engine(url)

    def name(value: Any) -> str | None:
        return None if value is None else str(engine.identity(value))

    def moment(value: Any) -> float:
        return float(engine.moment(value).timestamp())

    try:
        jobs = {job.id: job for job in [_job(row, name) for row in await hand.run(_JOBS)]}
        executions = [_execution(row, name, moment) for row in await hand.run(_EXECUTIONS)]
        lines = [LineRecord(str(name(r[0])), r[1], moment(r[2])) for r in await hand.run(_LINES)]
    finally:
        await hand.close()
        await engine.close()
    return Evidence(notes, jobs, executions, lines, deleted)


def _job(row: Any, name: Callable[[Any], str | None]) -> JobRecord:
    job, status, attempts, losses, claims, execution, state, failure, most = row
    return JobRecord(
        str(name(job)), status, attempts, losses, claims, name(execution), _run(state), failure, most or 3
    )


def _execution(
    row: Any, name: Callable[[Any], str | None], moment: Callable[[Any], float]
) -> ExecutionRecord:
    run, job, status, reason, attempt, claim, claimed, finished, output, pid = row
    return ExecutionRecord(
        str(name(run)),
        str(name(job)),
        status,
        reason,
        attempt,
        claim,
        moment(claimed),
        moment(finished),
        _run(output),
        pid or 0,
    )


def _run(text: str | None) -> str | None:
    """What a result or a checkpoint says of the run that made it."""
    value = None if text is None else json.loads(text)
    return value.get("run") if isinstance(value, dict) else None
