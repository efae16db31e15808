"""What is too much for a page that shows all of it: a hundred thousand jobs, as many log lines, a million characters."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

JOBS = 100_000
LINES = 100_000

ADD_JOBS = """
WITH RECURSIVE number (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n + 1 < :count)
INSERT INTO jobs (id, project_id, queue_id, job_type, payload, status, rank, priority, attempt_count, created_at,
  updated_at, completed_at)
SELECT printf('%s-7%03x-8%03x-%012x', substr(:first, 1, 13), n / 4096, n % 4096, n), j.project_id, j.queue_id,
  printf('past.task_%d', n % 5), printf('{"n":%d}', n), CASE n % 10 WHEN 0 THEN 'failed' ELSE 'succeeded' END,
  0, 0, 1, j.created_at - n, j.created_at, j.created_at
FROM number, jobs j WHERE j.id = :first
"""
"""Finished jobs beside one that is there, with ids of about its time."""

ADD_LINES = """
WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < :count)
INSERT OR IGNORE INTO log_lines (execution_id, seq, level, message, logged_at)
SELECT e.id, 1000 + n, CASE n % 100 WHEN 0 THEN 'warn' ELSE 'info' END, printf('row %d of the import', n), e.claimed_at
FROM number, executions e WHERE e.job_id = :job_id
"""


def add_jobs(database: Path, beside: str, count: int = JOBS) -> None:
    """So many finished jobs in the queue of the job ``beside``, by one statement."""
    _execute(database, ADD_JOBS, {"first": beside, "count": count})


def add_lines(database: Path, job_id: str, count: int = LINES) -> None:
    """So many lines in the log of the attempt at a job, by one statement."""
    _execute(database, ADD_LINES, {"job_id": job_id, "count": count})


def _execute(database: Path, statement: str, values: dict[str, Any]) -> None:
    with closing(sqlite3.connect(database, timeout=60)) as connection, connection:
        connection.execute(statement, values)
