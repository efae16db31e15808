"""What a tenant may have, row by row, and what statements that read of one tenant are asked; `test_guards_of_readers.py` asks.

Ids begin with @ and are a tenant's own; names are the same for each.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from taskforge.domain.ids import AFTER_ALL
from tests.conformance.changes import EARLIER, LATER, of_jobs
from tests.conformance.stage import NOON

DAY_US = 24 * 3600 * 1_000_000
_MINUTE = {"starts_at": EARLIER, "span_seconds": 60, "job_type": "t"}
_COUNTS = {"succeeded": 1, "failed": 1, "cancelled": 0}
_EXECUTION = {
    "project_id": None, "queue_id": "@queue", "job_type": "t", "worker_id": "@worker", "attempt_number": 1, "claim_seq": 1,
    "claimed_at": NOON, "finished_at": NOON, "class": "kept",
}  # fmt: skip


def _job(name: str, status: str, **columns: Any) -> tuple[str, dict[str, Any]]:
    """One of the queue, with a tag."""
    return "jobs", {"id": name, "tags": '["x"]', **of_jobs(status), **columns}


def _execution(name: str, job: str, status: str, **columns: Any) -> tuple[str, dict[str, Any]]:
    row = {name: value for name, value in _EXECUTION.items() if value is not None}
    return "executions", {"id": name, "job_id": job, "status": status, **row, **columns}


WORLD: list[tuple[str, dict[str, Any]]] = [
    ("queues", {"name": "q"}),
    ("queues", {"id": "@plain", "name": "plain", "priority": 5, "is_ruled": False, "rate_limit": None}),
    ("queues", {"id": "@fair", "name": "fair", "common_line": ""}),
    ("queue_gates", {}),
    ("queue_gates", {"queue_id": "@fair"}),
    ("queue_starts", {"queue_id": "@queue", "second": 0, "starts": 3}),
    ("queue_totals", {"queue_id": "@queue", "succeeded_jobs": 7}),
    (
        "queue_samples",
        {
            "queue_id": "@queue",
            "minute": EARLIER,
            "ready": 1,
            "held": 1,
            "scheduled": 1,
            "processing": 1,
            "latency_us": 1,
        },
    ),
    ("tasks", {"name": "t", "queue": "q"}),
    ("requirements", {"content": "{}"}),
    ("workers", {"name": "w", "job_types": '["t"]', "created_at": NOON}),
    (
        "worker_samples",
        {
            "worker_id": "@worker",
            "sampled_at": EARLIER,
            "cpu_percent": 1.0,
            "memory_bytes": 1,
            "memory_percent": 1.0,
        },
    ),
    (
        "task_samples",
        {
            "worker_id": "@worker",
            "queue_id": "@queue",
            "sampled_at": EARLIER,
            "job_type": "t",
            "executions": 1,
            "cpu_us": 1,
            "most_cpu_us": 1,
        },
    ),
    _job("@pending", "pending", key="k"),
    _job("@held", "pending", hold="no_worker", job_type="u", waits_until=EARLIER),
    _job("@paused", "pending", hold="paused"),
    _job("@plain job", "pending", queue_id="@plain"),
    _job("@heavy", "pending", slots=2),
    _job("@of a line", "pending", queue_id="@fair", fairness_key="f"),
    _job("@scheduled", "scheduled"),
    _job("@job", "processing", concurrency_key="k", concurrency_limit=1),
    _job("@succeeded", "succeeded", key="done"),
    _job("@failed", "failed", dead_letter_queue_id="@queue", dead_lettered_at=NOON),
    _execution("@done", "@succeeded", "succeeded"),
    _execution("@broken", "@failed", "dead_letter", reason="timeout", error_type="E", error_message="m"),
    (
        "log_lines",
        {
            "execution_id": "@done",
            "seq": 1,
            "level": "info",
            "message": "m",
            "logged_at": NOON,
            "class": "kept",
        },
    ),
    (
        "attempt_deltas",
        {
            "queue_id": "@queue",
            "job_type": "t",
            "worker_id": "@worker",
            "settled_at": EARLIER,
            "succeeded": 1,
        },
    ),
    (
        "attempt_metrics",
        {
            "subject_id": "@queue",
            **_MINUTE,
            **_COUNTS,
            "duration_us": 1,
            "wait_us": 1,
            "durations": "{}",
            "waits": "{}",
        },
    ),
    (
        "attempt_metrics",
        {
            "subject_id": "@queue",
            **_MINUTE,
            "span_seconds": 0,
            **_COUNTS,
            "duration_us": 1,
            "wait_us": 1,
            "durations": "{}",
            "waits": "{}",
        },
    ),
    (
        "attempt_samples",
        {
            "queue_id": "@queue",
            "job_type": "t",
            "worker_id": "@worker",
            "first_at": EARLIER,
            "last_at": EARLIER,
            "samples": "[]",
        },
    ),
    ("calendars", {"name": "c"}),
    ("schedules", {"name": "s"}),
    ("ticks", {}),
    ("ticks", {"id": "@run", "due_at": EARLIER, "outcome": "fired", "reason": None, "job_id": "@job"}),
    ("operations", {}),
    ("error_groups", {"fingerprint": str(UUID(int=0xF)), "tasks": '{"t": 1}'}),
    ("assignments", {"worker_name": "w"}),
    ("scaling_policies", {}),
    ("scaling_decisions", {}),
    ("alert_receivers", {"name": "r"}),
    ("receiver_secrets", {"receiver_id": "@receiver", "content": "secret"}),
    ("alert_rules", {"name": "r"}),
    ("alerts", {}),
    ("alert_silences", {}),
    (
        "alert_events",
        {
            "id": "@event",
            "rule_id": "@rule",
            "rule_name": "r",
            "kind": "k",
            "subject": "s",
            "alert_id": "@alert",
            "change": "firing",
            "value": 1,
            "threshold": 1,
            "summary": "s",
            "told": False,
            "happened_at": NOON,
        },
    ),
    ("deliveries", {"id": "@delivery"}),
    ("job_notices", {}),
    ("job_traces", {}),
    ("job_endings", {}),
    ("breakers", {"job_type": "t", "state": "open"}),
    ("pauses", {"id": "@breaker's pause", "kind": "breaker", "value": "t"}),
    ("breaker_probes", {}),
    ("pauses", {"kind": "type", "value": "quiet"}),
    ("roles", {"name": "r"}),
    ("users", {"email": "e@x"}),
    ("memberships", {"role": "owner"}),
    ("api_keys", {}),
    ("idempotency_keys", {}),
    ("audit_entries", {"project_id": None}),
    ("audit_entries", {"id": "@sealed", "project_id": None, "seq": 1, "previous_hash": "p", "hash": "h"}),
    ("audit_heads", {}),
    ("sessions", {}),
]
"""By table: what its row has besides `ROWS`. Queues and what others refer to come first."""

VALUES: dict[str, Any] = {
    "queue_id": "@queue", "job_id": "@job", "worker_id": "@worker", "rule_id": "@rule", "schedule_id": "@schedule",
    "execution_id": "@done", "breaker_id": "@breaker", "receiver_id": "@receiver", "user_id": "@user",
    "assignment_id": "@assignment", "delivery_id": "@delivery", "entry_id": "@entry", "group_id": "@group",
    "operation_id": "@operation", "silence_id": "@silence", "run_id": "@run", "principal_id": "@principal",
    "queue_ids": ["@queue", "@plain"], "job_ids": ["@job"], "worker_ids": ["@worker"], "subject_ids": ["@queue"],
    "name": "q", "job_type": "t", "job_types": ["t"], "key": "k", "kind": "type", "value": "quiet", "tag": "x",
    "hold": "paused", "due_at": NOON, "needs": [], "second_best": [], "turn_left": 0, "levels": None,
    **dict.fromkeys(("limit", "bound", "most", "free", "suspects", "recent", "scan"), 1000),
    **dict.fromkeys(("silence_us", "lease_us", "window_us", "patience_us"), DAY_US),
    **dict.fromkeys(("start", "since"), NOON - timedelta(days=1)), "end": LATER, "skip": 0, "slack_us": 0,
    **dict.fromkeys(("after_rank", "after_seq"), -1), "after": 0, "by_type": True, "with_revoked": True,
    "before": AFTER_ALL, **dict.fromkeys(("floor", "after_id"), UUID(int=0)), "after_type": "", "suffix": "", "until": LATER,
}  # fmt: skip
"""What a parameter of that name is given, whatever the statement; else NULL."""
_DONE, _ALL = {"job_ids": ["@succeeded"]}, {"name": None}
ASKED: dict[str, dict[str, Any]] = {
    "arrears": {"slack_us": -DAY_US},
    "execution_stats": {"job_id": "@succeeded"},
    "executions_of_jobs": _DONE,
    "failure_groups": {"job_ids": ["@failed"]},
    "few_jobs": {"statuses": ["pending", "scheduled", "processing", "failed"]},
    "find_schedule": {"name": "s"},
    "job_of_live_execution": {"execution_id": "@execution"},
    "jobs_ahead": {"job_id": "@pending"},
    "lines_of_jobs": _DONE,
    "list_alert_events": {"rule_id": None},
    "list_deliveries": {"receiver_id": None},
    "list_executions": {"job_id": "@succeeded"},
    "list_lines": {"job_id": "@succeeded"},
    **dict.fromkeys(("list_organizations", "list_roles"), _ALL),
    "list_projects": {**_ALL, "project_id": None},
    "list_audit": {"project_id": None},
    "live_namesake": {"name": "w"},
    "lock_deletable_jobs": {"job_ids": ["@failed"]},
    "lost_workers": {"silence_us": -DAY_US},
    "other_owners": {"user_id": "@another"},
    "pick_probes": {"again": False},
    "tag_is_common": {"newest": 100},
    "unweighed_queues": {"job_ids": ["@heavy"]},
    "waiting_jobs": {"job_ids": ["@pending"]},
    "walk_jobs": {"job_type": None},
    "weigh_lines": {"queue_id": "@fair", "silence_us": None, "lines": 9},
    "workers_in": {"name": "w"},
}
"""By statement."""
ROWS_ASKED: dict[str, dict[str, list[Any]]] = {
    "key_holders": {
        "id": ["@new", "@pending", "@newer"],
        "job_type": ["t", "t", "t"],
        "key": ["k", "another", "done"],
        "key_period_us": [0, 0, DAY_US],
        "stored": [False, False, False],
    },
}  # fmt: skip
"""Those that are asked about many rows at once, by column."""
CONSTANT = ("newest_tagged", "tag_is_common")
"""On SQLite these answer the same to everybody."""
