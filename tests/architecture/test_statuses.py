"""The words of the database are those of the domain."""

import re
from collections.abc import Collection

import pytest

from taskforge.domain.execution import LIVE, ExecutionStatus, Reason
from taskforge.domain.job import FINISHED, Hold, JobStatus
from taskforge.domain.log_level import LogLevel
from taskforge.domain.queue import QueueState
from taskforge.domain.tick import TickCause, TickOutcome, TickReason
from taskforge.domain.worker import WorkerType
from taskforge.storage.migrate import migrations
from taskforge.storage.statements import DIALECTS

COLUMNS: dict[tuple[str, str], Collection[str]] = {
    ("jobs", "status"): set(JobStatus),
    ("jobs", "hold"): set(Hold),
    ("jobs", "failure"): {"queue_timeout", "deadline", "queue_full"},
    ("executions", "status"): set(ExecutionStatus) - LIVE,
    ("executions", "reason"): set(Reason),
    ("log_lines", "level"): set(LogLevel),
    ("queues", "state"): set(QueueState),
    ("workers", "type"): set(WorkerType),
    ("ticks", "cause"): set(TickCause),
    ("ticks", "outcome"): set(TickOutcome),
    ("ticks", "reason"): set(TickReason),
    ("ticks", "status"): FINISHED,
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_a_check_lists_the_domain_s_words(dialect: str, table: str, column: str) -> None:
    script = "".join(step.sql for step in migrations(dialect))
    # a table's own CHECK, or the function that its CHECK calls
    function = {"jobs": "taskforge_job_is_sound", "executions": "taskforge_execution_is_sound"}.get(table)
    start, end = f"CREATE TABLE {table} (", "\n)"
    if f"CREATE FUNCTION {function}(" in script:
        start, end = f"CREATE FUNCTION {function}(", "\n$$;"
    body = script.partition(start)[2].partition(end)[0]
    lists = re.findall(rf"\b{column} (?:IN \((.*?)\)|= ('\w+') THEN)", body)
    words = {word for found in lists for word in re.findall(r"'(\w+)'", "".join(found))}
    assert words == {str(word) for word in COLUMNS[table, column]}
