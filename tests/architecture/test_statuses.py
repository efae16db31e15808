"""The words of the database are those of the domain."""

import re
from collections.abc import Collection

import pytest

from taskforge.domain.execution import LIVE, ExecutionStatus, LogLevel, Reason
from taskforge.domain.job import Hold, JobStatus
from taskforge.domain.queue import QueueState
from taskforge.domain.worker import WorkerType
from taskforge.storage.migrate import migrations
from taskforge.storage.statements import DIALECTS

COLUMNS: dict[tuple[str, str], Collection[str]] = {
    ("jobs", "status"): set(JobStatus),
    ("jobs", "hold"): set(Hold),
    ("jobs", "failure"): {"queue_timeout", "deadline"},
    ("executions", "status"): set(ExecutionStatus) - LIVE,
    ("executions", "reason"): set(Reason),
    ("log_lines", "level"): set(LogLevel),
    ("queues", "state"): set(QueueState),
    ("workers", "type"): set(WorkerType),
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_a_check_lists_the_domain_s_words(dialect: str, table: str, column: str) -> None:
    script = "".join(step.sql for step in migrations(dialect))
    body = script.partition(f"CREATE TABLE {table} (")[2].partition("\n)")[0]
    check = re.search(rf"^ *{column} .*CHECK \({column} IN \((.*?)\)\)", body, re.MULTILINE)
    assert check is not None
    assert set(re.findall(r"'(\w+)'", check[1])) == {str(word) for word in COLUMNS[table, column]}
