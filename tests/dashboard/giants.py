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

BEGINNING = "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < :count) "
LATER_ID = "substr(:like, 1, 13) || printf('-7%03x-8%03x-%012x', n / 4096, n % 4096, n)"

ADD_DELIVERIES = f"""{BEGINNING}
INSERT OR IGNORE INTO deliveries (id, project_id, receiver_id, cause, message, created_at)
SELECT {LATER_ID}, r.project_id, r.id, 'test',
  json_object('type', 'test', 'summary', printf('told %d', n), 'timestamp', '2026-01-01T00:00:00Z', 'data', json_object()),
  r.created_at
FROM number, alert_receivers r WHERE r.id = :like
"""

ADD_EVENTS = f"""{BEGINNING}
INSERT OR IGNORE INTO alert_events (id, project_id, rule_id, rule_name, kind, subject, alert_id, change, value, threshold, summary,
  told, happened_at)
SELECT {LATER_ID}, r.project_id, r.id, r.name, 'failure_rate', printf('subject %d', n), r.id, 'firing', 1, 0.5, '', 1,
  r.created_at
FROM number, alert_rules r WHERE r.id = :like
"""

ADD_ATTEMPTS = f"""{BEGINNING}
INSERT OR IGNORE INTO executions (id, job_id, project_id, queue_id, job_type, status, reason, attempt_number, claim_seq, claimed_at,
  finished_at)
SELECT {LATER_ID}, j.id, j.project_id, j.queue_id, j.job_type, 'cancelled', 'snoozed', 1, n, j.created_at, j.created_at
FROM number, jobs j WHERE j.id = :like
"""

ADD_RUNS = f"""{BEGINNING}
INSERT OR IGNORE INTO ticks (schedule_id, due_at, id, project_id, cause, outcome, reason, fired_at)
SELECT s.id, s.created_at - n * 60000000, {LATER_ID}, s.project_id, 'due', 'skipped', 'holiday', s.created_at
FROM number, schedules s WHERE s.id = :like
"""

ADD_LETTERS = f"""{BEGINNING}
INSERT INTO jobs (id, project_id, queue_id, job_type, payload, status, rank, priority, attempt_count, created_at,
  updated_at, completed_at, dead_letter_queue_id, dead_lettered_at)
SELECT {LATER_ID}, q.project_id, q.id, CASE WHEN n <= :much THEN 'past.much' ELSE printf('past.task_%d', n % (:kinds - 1)) END, json_object(), 'failed', 0, 0, 1,
  q.created_at, q.created_at, q.created_at, q.id, q.created_at
FROM number, queues q WHERE q.id = :like
"""
"""So many of each beside one thing that is there, with ids of about its time; who asks again finds them there."""


def add_many(statement: str, database: Path, like: str, count: int, **values: Any) -> None:
    """So many of what one of the statements above adds."""
    _execute(database, statement, {"like": like, "count": count, **values})


def add_jobs(database: Path, beside: str, count: int = JOBS) -> None:
    """So many finished jobs in the queue of the job ``beside``, by one statement."""
    _execute(database, ADD_JOBS, {"first": beside, "count": count})


def add_lines(database: Path, job_id: str, count: int = LINES) -> None:
    """So many lines in the log of the attempt at a job, by one statement."""
    _execute(database, ADD_LINES, {"job_id": job_id, "count": count})


def _execute(database: Path, statement: str, values: dict[str, Any]) -> None:
    with closing(sqlite3.connect(database, timeout=60)) as connection, connection:
        connection.execute(statement, values)
