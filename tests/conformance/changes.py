"""Every statement that changes rows of one tenant, with a row made for it alone; `test_guards_of_tenants.py` sends them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from taskforge.domain.ids import DEFAULT_ORGANIZATION, DEFAULT_PROJECT
from tests.conformance.stage import NOON, OTHER_PROJECT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LATER = NOON + timedelta(hours=1)
EARLIER = NOON - timedelta(hours=1)
MINUTE_US = 60_000_000

MADE = {"created_at": NOON, "updated_at": NOON}
ROWS: dict[str, dict[str, Any]] = {
    "queues": {"id": "@queue", "name": "@queue", "aging_us": 0, "is_ruled": True, "rate_limit": 5},
    "queue_gates": {"queue_id": "@queue"},
    "jobs": {"id": "@job", "queue_id": "@queue", "job_type": "t", "payload": "{}", "status": "pending", "rank": 0, "priority": 0, **MADE},
    "concurrency_keys": {"key": "@key", "places": 1},
    "workers": {
        "id": "@worker", "name": "@worker", "type": "general", "capabilities": "{}", "max_concurrent_jobs": 1,
        "queues": "[]", "job_types": "[]", "host": "h", "machine": "m", "pid": 1, "process_started": "1",
        "version": "1", "last_heartbeat": NOON,
    },
    "calendars": {"id": "@calendar", "name": "@calendar", "content": "{}", **MADE},
    "schedules": {
        "id": "@schedule", "name": "@schedule", "changes": "{}", "enabled": True, "anchor_at": NOON,
        "next_due_at": NOON, "next_fire_at": NOON, **MADE,
    },
    "ticks": {
        "schedule_id": "@schedule", "due_at": NOON, "id": "@tick", "cause": "due", "outcome": "missed",
        "reason": "limit", "fired_at": NOON,
    },
    "operations": {
        "id": "@operation", "action": "cancel", "status": "running", "chosen": "{}", "counted": 1,
        "is_bounded": True, "actor": "a", "turn": 3, "next_at": NOON, **MADE,
    },
    "leases": {"name": "@lease", "token": "@token", "fence": 1, "expires_at": LATER},
    "error_groups": {
        "id": "@group", "fingerprint": "@group", "status": "new", "error_type": "E", "frames": "[]", "failures": 1,
        "first_seen": NOON, "last_seen": NOON, "job_id": "@job", "execution_id": "@execution", "tasks": "{}",
        "queue_ids": "{}", "tags": "{}", "tenants": "{}", "hours": "{}", "status_at": NOON,
    },
    "assignments": {
        "id": "@assignment", "queue_id": "@queue", "worker_name": "w", "weight": 1, "is_active": True, **MADE,
    },
    "scaling_policies": {
        "id": "@policy", "queue_id": "@queue", "enabled": True, "min_workers": 0, "max_workers": 9,
        "target_queue_length": 1, "target_worker_utilization": 50, "scale_up_threshold": 9,
        "scale_down_threshold": 1, "scale_up_cooldown": 1, "scale_down_cooldown": 1, "provisioner": "none",
        "turn": 3, **MADE,
    },
    "scaling_decisions": {
        "id": "@decision", "queue_id": "@queue", "queue_name": "q", "action": "scale_up", "workers": 1,
        "desired": 2, "reason": "r", "message": "m", "figures": "{}", "provisioner": "none", "outcome": "begun",
        "actor": "a", "decided_at": NOON,
    },
    "alert_receivers": {"id": "@receiver", "name": "@receiver", "kind": "webhook", "address": "a", "enabled": True, **MADE},
    "alert_rules": {"id": "@rule", "name": "@rule", "spec": "{}", "enabled": True, "turn": 3, "next_at": NOON, **MADE},
    "alerts": {
        "rule_id": "@rule", "subject": "s", "status": "pending", "since": NOON, "value": 1, "flaps": 0,
        "told": False,
    },
    "alert_silences": {"id": "@silence", "starts_at": NOON, "ends_at": LATER, "created_at": NOON},
    "deliveries": {"id": "@delivery", "receiver_id": "@receiver", "cause": "test", "message": "{}", "created_at": NOON},
    "job_notices": {"job_id": "@job", "receivers": "[]", "created_at": NOON},
    "job_traces": {"job_id": "@job", "trace": "t", "created_at": NOON},
    "job_endings": {
        "job_id": "@job", "ended_at": NOON, "queue_name": "q", "job_type": "t", "status": "failed",
        "attempt_count": 1, "receivers": "[]", "created_at": NOON,
    },
    "breakers": {
        "id": "@breaker", "job_type": "@breaker", "failure_rate": 0.5, "minimum_attempts": 1, "window_seconds": 1,
        "open_seconds": 1, "probes": 1, "version": 3, "changed_at": NOON, **MADE,
    },
    "breaker_probes": {"breaker_id": "@breaker", "job_id": "@job", "claim_seq": 1, "released_at": NOON},
    "pauses": {"id": "@pause", "kind": "type", "value": "@pause", "created_at": NOON},
    "api_keys": {
        "id": "@api_key", "organization_id": DEFAULT_ORGANIZATION, "name": "k", "secret_hash": "0" * 64,
        "role": "worker",
    },
    "tasks": {"name": "@task", "queue": "q"},
    "roles": {"id": "@role", "name": "@role", "permissions": "[]"},
    "users": {"id": "@user", "email": "@user", "name": "u", "password_hash": "old"},
    "memberships": {"id": "@membership", "user_id": "@user", "role": "viewer"},
    "idempotency_keys": {
        "principal_id": "@principal", "key": "k", "fingerprint": "0" * 64, "first_id": "@first",
        "locked_until": LATER, "expires_at": LATER, "attempt_id": "@attempt",
    },
    "audit_entries": {
        "id": "@entry", "actor_kind": "user", "actor_id": "@actor", "actor_label": "a", "action": "test.done",
        "resource_kind": "test", "happened_at": NOON,
    },
    "sessions": {"id": "@session", "user_id": "@user", "expires_at": LATER, "last_used_at": NOON},
    "worker_credentials": {
        "worker_id": "@worker", "organization_id": DEFAULT_ORGANIZATION, "key_id": "@api_key",
        "secret_hash": "0" * 64,
    },
    "failure_deltas": {
        "fingerprint": "@group", "queue_id": "@queue", "job_id": "@job", "job_type": "t",
        "execution_id": "@execution", "failed_at": NOON,
    },
    "audit_heads": {"seq": 1, "hash": "h", "sealed_at": NOON},
}  # fmt: skip
"""The least that a row needs. What begins with @ is an id, made anew for each case; `project_id` is the owner's."""

OWNED = {"execution_id": "@execution", "worker_id": "@worker", "claimed_at": NOON, "lease_until": LATER}
IN_STATUS: dict[str, dict[str, Any]] = {
    "pending": {},
    "scheduled": {"scheduled_for": LATER},
    "processing": OWNED,
    "succeeded": {"completed_at": NOON},
    "failed": {"completed_at": NOON},
    "cancelled": {"completed_at": NOON},
}
STATUSES = tuple(IN_STATUS)


def of_jobs(status: str) -> dict[str, Any]:
    """A job of that status, as columns."""
    return {"status": status, "lease_until": None, "completed_at": None, **IN_STATUS[status]}


def others(*statuses: str) -> tuple[dict[str, Any], ...]:
    """`unless`: the job has any other status."""
    left = [{"hold": None, **of_jobs(status)} for status in STATUSES if status not in statuses]
    return tuple({f"jobs.{name}": value for name, value in row.items()} for row in left)


class Change(NamedTuple):
    """`rows` are what a table's row has besides ROWS; a name in `unless` is `table.column` or `:parameter`."""

    rows: Mapping[str, Mapping[str, Any]]
    values: Mapping[str, Any]
    unless: Sequence[Mapping[str, Any]] = ()
    columns: Mapping[str, Sequence[Any]] = {}


def job(status: str, values: Mapping[str, Any], *allowed: str, **columns: Any) -> Change:
    """A change of one job, which must have one of these statuses."""
    row = {**of_jobs(status), **columns}
    return Change({"queues": {}, "jobs": row}, values, others(status, *allowed) if allowed else ())


def worker(values: Mapping[str, Any], *unless: Mapping[str, Any], **columns: Any) -> Change:
    """A change of a worker that has not stopped."""
    return Change(
        {"workers": columns}, {"worker_id": "@worker", **values}, [{"workers.stopped_at": NOON}, *unless]
    )


BUSY = {f"jobs.{name}": value for name, value in of_jobs("processing").items()}
ELSEWHERE = {"queues.project_id": OTHER_PROJECT}
IDLE = Change(
    {"workers": {}, "jobs": {**of_jobs("succeeded"), "worker_id": "@worker"}},
    {"worker_id": "@worker"},
    [{"workers.stopped_at": EARLIER}, BUSY],
)
QUEUE, JOB = {"queue_id": "@queue"}, {"job_id": "@job"}
BREAKER, RULE, SCHEDULE = {"breaker_id": "@breaker"}, {"rule_id": "@rule"}, {"schedule_id": "@schedule"}
POLICY: dict[str, Any] = {
    name: ROWS["scaling_policies"][name]
    for name in ROWS["scaling_policies"]
    if name not in {"id", "turn", "created_at", "updated_at"}
} | {"target_age_seconds": None, "target": None, "max_workers": 8}
QUEUE_FIELDS: dict[str, Any] = {
    "name": "@else", "description": None, "priority": 1, "state": "active", "settings": "{}", "aging_us": 0,
    "is_ruled": True, "common_line": None, "notify": None, "notify_on": None, "max_concurrent_jobs": 1,
    "rate_limit": None, "dead_letter_queue_id": None, "paused_by": None, "pause_reason": None,
}  # fmt: skip
SCHEDULE_FIELDS: dict[str, Any] = {
    "declared": None, "changes": "{}", "enabled": True, "paused_at": None, "anchor_at": NOON, "next_due_at": LATER,
    "next_fire_at": LATER, "declared_at": None,
}  # fmt: skip
REQUEST = {"principal_id": "@principal", "key": "k", "attempt_id": "@attempt"}
ANOTHER_TRY = {":attempt_id": "@another"}
ANOTHER_REQUEST = [{":principal_id": "@another"}, {":key": "another"}]
STANDING, ANSWERED = {"idempotency_keys.standing": "[1]"}, {"idempotency_keys.answer": '{"a": 1}'}
OLD_TICK = {"before": LATER, "failed_before": NOON, "limit": 9}

CHANGES: dict[str, Change] = {
    # jobs
    "cancel_waiting_job": job("pending", JOB, "scheduled"),
    "cancel_waiting_jobs": job("pending", {"job_ids": ["@job"]}, "scheduled"),
    "request_cancel": job("processing", JOB, "processing"),
    "request_cancels": job("processing", {"job_ids": ["@job"]}, "processing"),
    "retry_job": Change(
        {"queues": {}, "jobs": of_jobs("failed")},
        {**JOB, "queue_id": None},
        [*others("failed", "cancelled"), {**BUSY, "jobs.job_type": "of nobody"}, ELSEWHERE],
    ),
    "retry_jobs": Change(
        {"queues": {}, "jobs": of_jobs("failed")},
        {"job_ids": ["@job"], "queue_id": None},
        [*others("failed", "cancelled"), ELSEWHERE],
    ),
    "replace_payload": job("failed", {**JOB, "payload": '{"a": 1}'}, "cancelled"),
    "reschedule_job": job(
        "scheduled",
        {**JOB, "scheduled_for": LATER + timedelta(hours=1)},
        "pending",
        hold="paused",
        job_type="of nobody",
    ),
    "move_jobs": Change(
        {"queues": {}, "jobs": {"queue_id": "@from"}},
        {"job_ids": ["@job"], **QUEUE},
        [*others("pending", "scheduled"), {"queues.state": "closed"}, ELSEWHERE],
    ),
    "rehold_jobs": job("pending", {"job_ids": ["@job"]}, "scheduled", hold="paused", job_type="of nobody"),
    "delete_job": job("failed", JOB, *set(STATUSES) - {"processing"}),
    "withdraw_job": job("failed", JOB, *set(STATUSES) - {"processing"}),
    "claim_these_jobs": Change(
        {"queues": {"is_ruled": False, "rate_limit": None}, "jobs": of_jobs("pending")},
        {
            "queue_ids": ["@queue"], "job_ids": ["@job"], "job_types": ["t"], "free": 9, "worker_id": "@worker",
            "lease_us": MINUTE_US,
        },
        [
            *others("pending"),
            {"jobs.hold": "paused"},
            {"jobs.waits_until": EARLIER},
            {"queues.state": "paused", "queues.paused_at": NOON},
            {"queues.is_ruled": True},
            {":queue_ids": []},
            {":job_types": ["u"]},
        ],
    ),
    "release_probe": Change(
        {"jobs": {"status": "pending", "hold": "paused", "claim_seq": 3}},
        {**JOB, "claim_seq": 3},
        [
            {"jobs.status": "scheduled", "jobs.scheduled_for": LATER},
            {"jobs.hold": "no_worker"},
            {":claim_seq": 2},
            {"jobs.concurrency_key": "@key", "jobs.concurrency_limit": 1},
        ],
    ),
    "note_attempts": Change({"job_traces": {}}, {}, columns={"job_id": ["@job"], "previous": ["p"]}),
    "take_notice": Change({"job_notices": {}}, JOB, [{"job_notices.told_at": EARLIER}]),
    "take_endings": Change({"job_endings": {}}, {"limit": 9}),
    # queues
    "update_queue": Change({"queues": {}}, {**QUEUE, **QUEUE_FIELDS}),
    "set_queue_state": Change(
        {"queues": {}}, {**QUEUE, "state": "closed", "was": "active", "paused_at": None}, [{":was": "closed"}]
    ),
    "rule_queue": Change({"queues": {"rate_limit": None}}, {**QUEUE, "is_ruled": False}),
    "note_weights": Change({"queues": {}}, {"queue_ids": ["@queue"]}),
    "put_plan": Change({"queues": {}, "queue_gates": {}}, {**QUEUE, "plan": "{}"}),
    "put_shares": Change(
        {"queues": {}, "queue_gates": {}}, {}, columns={"queue_id": ["@queue"], "shares": ["{}"]}
    ),
    "keep_shares": Change(
        {"queues": {}, "queue_gates": {"version": 3}}, {**QUEUE, "shares": "{}", "version": 3}, [{":version": 2}]
    ),
    "bump_config": Change({}, {}),
    "remove_pause": Change(
        {"pauses": {}}, {"kind": "type", "value": "@pause"}, [{"pauses.removed_at": EARLIER}, {":kind": "tag"}]
    ),
    "confirm_pause": Change(
        {"pauses": {}}, {"pause_id": "@pause", "created_at": NOON}, [{"pauses.removed_at": NOON}, {":created_at": LATER}]
    ),
    "forget_pause": Change(
        {"pauses": {"removed_at": NOON}}, {"pause_id": "@pause"}, [{"pauses.removed_at": None}]
    ),
    # assignments, workers
    "create_assignment": Change(
        {"queues": {}}, {**QUEUE, "id": "@assignment", "worker_name": "w", "weight": 1, "is_active": True}
    ),
    "update_assignment": Change(
        {"queues": {}, "assignments": {}}, {"assignment_id": "@assignment", "weight": 2, "is_active": True}
    ),
    "delete_assignment": Change({"queues": {}, "assignments": {}}, {"assignment_id": "@assignment"}),
    "drain_worker": worker({}),
    "undrain_worker": worker({}, drain_requested_at=NOON),
    "drain_idle_worker": IDLE._replace(unless=[*IDLE.unless, {"workers.drain_requested_at": EARLIER}]),
    "deregister_worker": IDLE,
    "resize_worker": worker({"max_concurrent_jobs": 2}),
    "supersede_workers": Change({"workers": {}}, {"name": "@worker"}, [{"workers.stopped_at": EARLIER}]),
    "put_worker_credential": Change(
        {"workers": {}, "api_keys": {}},
        {
            "worker_id": "@worker", "organization_id": DEFAULT_ORGANIZATION, "key_id": "@api_key",
            "secret_hash": "1" * 64,
        },
        [{":organization_id": "@another"}],
    ),
    # schedules, locks, operations
    "advance_schedule": Change(
        {"schedules": {}},
        {**SCHEDULE, "due_at": NOON, "next_due_at": LATER, "next_fire_at": LATER},
        [{":due_at": EARLIER}],
    ),
    "realign_schedule": Change(
        {"schedules": {}},
        {**SCHEDULE, "was_due_at": NOON, "next_due_at": LATER, "next_fire_at": LATER},
        [{":was_due_at": EARLIER}],
    ),
    "update_schedule": Change({"schedules": {}}, {**SCHEDULE, **SCHEDULE_FIELDS}),
    "delete_schedule": Change({"schedules": {}}, SCHEDULE),
    "delete_calendar": Change({"calendars": {}}, {"name": "@calendar"}),
    "pause_schedules": Change({}, {"paused": True}),
    "refuse_ticks": Change(
        {"ticks": {"outcome": "fired", "reason": None, "job_id": "@job"}},
        {**SCHEDULE, "reason": "overlap"},
        columns={"due_at": [NOON]},
    ),
    "prune_ticks": Change(
        {"ticks": {}},
        {**SCHEDULE, **OLD_TICK},
        [
            {":before": NOON},
            {
                "ticks.outcome": "fired", "ticks.reason": None, "ticks.job_id": "@job", "ticks.status": "failed",
                "ticks.finished_at": NOON,
            },
        ],
    ),
    "renew_lease": Change(
        {"leases": {}},
        {"name": "@lease", "token": "@token", "ttl_us": MINUTE_US},
        [{":token": "@another"}, {"leases.expires_at": EARLIER}],
    ),
    "advance_operation": Change(
        {"operations": {}},
        {
            "operation_id": "@operation", "turn": 3, "done": 1, "skipped": 0, "place": "@place", "failure": None,
            "pause_us": 0,
        },
        [{":turn": 2}],
    ),
    "cancel_operation": Change(
        {"operations": {}},
        {"operation_id": "@operation"},
        [{"operations.status": "succeeded", "operations.completed_at": NOON}],
    ),
    # scaling
    "create_scaling_policy": Change({"queues": {}}, {**POLICY, "id": "@policy"}),
    "update_scaling_policy": Change({"queues": {}, "scaling_policies": {}}, POLICY),
    "delete_scaling_policy": Change({"queues": {}, "scaling_policies": {}}, QUEUE),
    "begin_scaling": Change(
        {"queues": {}, "scaling_policies": {}},
        {**QUEUE, "turn": 3},
        [{":turn": 2}, {"scaling_policies.enabled": False}],
    ),
    "confirm_scaling": Change(
        {"queues": {}, "scaling_policies": {}},
        {**QUEUE, "turn": 3, "failed": False, "desired": 2},
        [{":turn": 2}],
    ),
    "end_scaling_decision": Change(
        {"scaling_decisions": {}},
        {"id": "@decision", "outcome": "done", "detail": None, "desired": 2, "drained": "[]"},
        [{"scaling_decisions.outcome": "failed", "scaling_decisions.finished_at": NOON}],
    ),
    # alerts, errors and breakers:
    "update_rule": Change({"alert_rules": {}}, {**RULE, "name": "@else", "spec": "{}", "enabled": False}),
    "delete_rule": Change({"alert_rules": {}}, RULE),
    "confirm_rule": Change(
        {"alert_rules": {}}, {**RULE, "turn": 3, "fault": None}, [{":turn": 2}, {"alert_rules.enabled": False}]
    ),
    "forget_alert": Change({"alert_rules": {}, "alerts": {}}, {**RULE, "subject": "s"}, [{":subject": "another"}]),
    "update_receiver": Change(
        {"alert_receivers": {}}, {"receiver_id": "@receiver", "name": "@else", "address": "b", "enabled": True}
    ),
    "delete_receiver": Change({"alert_receivers": {}}, {"receiver_id": "@receiver"}),
    "delete_silence": Change({"alert_silences": {}}, {"silence_id": "@silence"}),
    "note_try": Change(
        {"alert_receivers": {}, "deliveries": {}},
        {"delivery_id": "@delivery", "answer": "500", "is_delivered": False},
        [{"deliveries.delivered_at": NOON}],
    ),
    "judge_error_group": Change(
        {"error_groups": {}}, {"group_id": "@group", "status": "resolved", "status_by": "a", "muted_until": None}
    ),
    "update_breaker": Change(
        {"breakers": {}},
        {
            **BREAKER, "failure_rate": 0.5, "minimum_attempts": 1, "window_seconds": 2, "open_seconds": 1,
            "probes": 1,
        },
    ),
    "turn_breaker": Change(
        {"breakers": {}},
        {**BREAKER, "state": "open", "probe_at": LATER, "reason": "r", "changed_by": "a", "version": 3},
        [{":version": 2}],
    ),
    "count_probing": Change({"breakers": {}}, BREAKER),
    "forget_probes": Change({"breakers": {}, "breaker_probes": {}}, BREAKER),
    "delete_breaker": Change({"breakers": {}}, BREAKER),
    # organizations
    "rename_key": Change(
        {"api_keys": {}}, {"key_id": "@api_key", "name": "@else"}, [{"api_keys.revoked_at": EARLIER}]
    ),
    "revoke_key": Change({"api_keys": {}}, {"key_id": "@api_key"}, [{"api_keys.revoked_at": EARLIER}]),
    "update_role": Change({"roles": {}}, {"role_id": "@role", "name": "@else", "permissions": "[]"}),
    "delete_role": Change({"roles": {}}, {"role_id": "@role"}),
    "update_user": Change(
        {"users": {}}, {"user_id": "@user", "name": "else", "is_administrator": False, "is_disabled": False}
    ),
    "set_password": Change({"users": {}}, {"user_id": "@user", "password_hash": "new"}),
    "rehash_password": Change(
        {"users": {}}, {"user_id": "@user", "password_hash": "new", "previous": "old"}, [{":previous": "older"}]
    ),
    "delete_user": Change({"users": {}}, {"user_id": "@user"}),
    "delete_membership": Change({"users": {}, "memberships": {}}, {"user_id": "@user"}),
    "complete_request": Change({"idempotency_keys": {}}, {**REQUEST, "standing": "[]"}, [*ANOTHER_REQUEST, ANOTHER_TRY, STANDING]),
    "answer_request": Change({"idempotency_keys": {}}, {**REQUEST, "answer": "{}"}, [*ANOTHER_REQUEST, ANOTHER_TRY, ANSWERED]),
    "note_request": Change({"idempotency_keys": {}}, {**REQUEST, "carried_out": "{}"}, [*ANOTHER_REQUEST, ANOTHER_TRY, ANSWERED]),
    "release_request": Change({"idempotency_keys": {}}, REQUEST, [*ANOTHER_REQUEST, ANOTHER_TRY, STANDING, ANSWERED]),
    "forget_request": Change({"idempotency_keys": {}}, REQUEST, [*ANOTHER_REQUEST, ANOTHER_TRY, STANDING, ANSWERED]),
    "seal_entries": Change(
        {"audit_entries": {}},
        {},
        [{"audit_entries.seq": 2, "audit_entries.previous_hash": "q", "audit_entries.hash": "i"}],
        columns={"id": ["@entry"], "seq": [1], "previous_hash": ["p"], "hash": ["h"]},
    ),
    "advance_audit_head": Change({"audit_heads": {}}, {"seq": 2, "hash": "i"}),
    "empty_organization": Change({key: {} for key in ("users", "memberships", "sessions", "roles", "workers", "api_keys", "worker_credentials")}, {}),
    # tenants
    "empty_project": Change(
        {
            "users": {},
            **{key: {"project_id": DEFAULT_PROJECT} for key in ("api_keys", "memberships")},
            **{key: {} for key in ("workers", "worker_credentials", "tasks", "pauses", "operations", "failure_deltas", "error_groups", "job_traces", "leases", "scaling_decisions", "breakers")},
        },
        {},
    ),
}  # fmt: skip
"""By statement. The last ones empty the organization and the project."""
