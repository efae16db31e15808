"""Every moment at which a process is killed: each writing statement, and what else leaves a process.

A row is a label and the scene in which it is reached (`tests.proof.scenes`). Labels are names of statements, of
which each has two sides, or three inside a transaction of several; a test compares them with the catalogue.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from taskforge.storage.statements import DIALECTS, catalog
from tests.proof.victim import Side

_WRITES = re.compile(
    r"\b(INSERT INTO|DELETE FROM|(?<!FOR )(?<!KEY )(?<!DO )UPDATE (?!OF |SKIP )\w+|LOCK TABLE)\b"
)
_BOTH = (Side.BEFORE, Side.AFTER)
_COMMIT = (Side.UNCOMMITTED, Side.AFTER)
_SCRIPT = (Side.BEFORE, Side.UNCOMMITTED, Side.AFTER)


class Row(NamedTuple):
    """A label, the scene that reaches it, its sides."""

    label: str
    scene: str
    sides: tuple[Side, ...]


ROWS = [
    # a program that enqueues
    Row("declare_tasks", "enqueue", _BOTH),
    Row("accept_job", "enqueue", _BOTH),
    Row("accept_job", "enqueue_to_itself", _SCRIPT),
    Row("accept_jobs", "enqueue_many", _SCRIPT),
    Row("accept_keyed_jobs", "enqueue_keyed", _SCRIPT),
    Row("open_keys", "enqueue_keyed", _SCRIPT),
    Row("give_places", "enqueue_keyed", _SCRIPT),
    Row("lock_keys", "keyed", _SCRIPT),
    Row("give_places", "keyed", _SCRIPT),
    Row("drop_oldest", "full", _SCRIPT),
    Row("create_queue", "create_queue", _SCRIPT),
    # a worker comes, works, leaves
    Row("insert_worker", "work", _SCRIPT),
    Row("supersede_workers", "work", _SCRIPT),
    Row("upsert_tasks", "work", _SCRIPT),
    Row("release_holds", "work", _BOTH),
    Row("claim_jobs", "work", _BOTH),
    Row("handler", "work", _BOTH),
    Row("claim_these_jobs", "from_redis", _BOTH),
    Row("append_lines", "work", _BOTH),
    Row("beat_jobs", "work", _BOTH),
    Row("put_worker_sample", "work", _BOTH),
    Row("recovery_outlook", "idle", _BOTH),
    Row("settle_lines", "work", _SCRIPT),
    Row("settle_succeeded", "plain", _BOTH),
    Row("hint", "plain", _BOTH),
    Row("settle_jobs", "stumble", _SCRIPT),
    Row("settle_jobs", "leave", _SCRIPT),
    Row("put_task_samples", "leave", _BOTH),
    Row("stop_worker", "leave", _BOTH),
    # recovery
    Row("settle_jobs", "rescue", _SCRIPT),
    Row("forget_workers", "rescue", _SCRIPT),
    Row("note_lost_suspects", "rescue_suspect", _BOTH),
    Row("take_chore", "work", _BOTH),
    Row("prune_jobs", "prune", _SCRIPT),
    Row("prune_attempts", "prune", _SCRIPT),
    Row("prune_lines", "prune", _SCRIPT),
    Row("prune_strays", "prune_strays", _SCRIPT),
    Row("keep_executions", "drop_days", _BOTH),
    Row("keep_lines", "drop_days", _BOTH),
    Row("promote_jobs", "delayed", _BOTH),
    Row("expire_waiting", "expired", _BOTH),
    # the record is kept
    Row("take_deltas", "record", _SCRIPT),
    Row("put_metrics", "record", _SCRIPT),
    Row("put_samples", "record", _SCRIPT),
    Row("add_totals", "record", _SCRIPT),
    Row("put_queue_samples", "sample", _BOTH),
    Row("forget_record", "sample", _BOTH),
    # a person steers
    Row("cancel_waiting_job", "cancel_waiting", _SCRIPT),
    Row("request_cancel", "cancel_running", _SCRIPT),
    Row("reschedule_job", "reschedule", _SCRIPT),
    Row("drain_worker", "steer_worker", _SCRIPT),
    Row("undrain_worker", "steer_worker", _SCRIPT),
    Row("resize_worker", "steer_worker", _SCRIPT),
    Row("deregister_worker", "steer_worker", _SCRIPT),
    Row("replace_payload", "retry", _SCRIPT),
    Row("retry_job", "retry", _SCRIPT),
    Row("delete_lines_of_jobs", "delete", _SCRIPT),
    Row("delete_executions_of_jobs", "delete", _SCRIPT),
    Row("delete_job", "delete", _SCRIPT),
    Row("cancel_waiting_jobs", "bulk_cancel", _SCRIPT),
    Row("request_cancels", "bulk_cancel", _SCRIPT),
    Row("retry_jobs", "bulk_retry", _SCRIPT),
    Row("delete_lines_of_jobs", "bulk_delete", _SCRIPT),
    Row("delete_executions_of_jobs", "bulk_delete", _SCRIPT),
    Row("delete_jobs", "bulk_delete", _SCRIPT),
    Row("move_jobs", "bulk_move", _BOTH),
    Row("update_queue", "pause", _SCRIPT),
    Row("bump_config", "pause", _SCRIPT),
    Row("shut_gate", "limit", _SCRIPT),
    Row("put_plan", "limit", _SCRIPT),
    Row("rule_queue", "limit", _SCRIPT),
    Row("claim_ruled_jobs", "limited", _SCRIPT),
    Row("put_shares", "limited", _SCRIPT),
    Row("claim_weighed_jobs", "shared", _BOTH),
    Row("keep_shares", "divided", _BOTH),
    Row("claim_weighed_jobs", "limited_and_heavy", _SCRIPT),
    Row("note_weights", "weigh", (Side.UNCOMMITTED,)),
    Row("join_common_line", "make_fair", (Side.UNCOMMITTED,)),
    Row("forget_starts", "delete_queue", _SCRIPT),
    Row("create_pause", "pause_type", _SCRIPT),
    Row("flag_pauses", "pause_type", _SCRIPT),
    Row("rehold_jobs", "pause_type", _SCRIPT),
    Row("confirm_pause", "pause_type", _BOTH),
    Row("remove_pause", "resume_type", _SCRIPT),
    Row("forget_pause", "resume_type", _BOTH),
    Row("turn_breaker", "break_type", _COMMIT),
    Row("forget_probes", "break_type", _COMMIT),
    Row("release_probe", "try_type", _COMMIT),
    Row("note_probe", "try_type", _COMMIT),
    Row("count_probing", "try_type", _COMMIT),
    Row("append_audit", "cancel_waiting", _SCRIPT),
    Row("append_audit", "bulk_delete", _SCRIPT),
    Row("take_audit_head", "pause", _SCRIPT),
    Row("seal_entries", "pause", _SCRIPT),
    Row("advance_audit_head", "pause", _SCRIPT),
    Row("set_queue_state", "delete_queue", _SCRIPT),
    Row("delete_queue", "delete_queue", _SCRIPT),
    # a scheduler sees to due times
    Row("insert_ticks", "tick", _SCRIPT),
    Row("accept_keyed_jobs", "tick", _SCRIPT),
    Row("advance_schedule", "tick", _SCRIPT),
    Row("refuse_ticks", "refused_tick", _SCRIPT),
    Row("finish_ticks", "finish_tick", _BOTH),
    # the tables
    Row("migrate", "migrate", _SCRIPT),
]
TRANSACTIONS = [
    ("enqueue_keyed", ["accept_keyed_jobs", "open_keys", "give_places"]),
    ("keyed", ["lock_keys", "give_places"]),
    ("work", ["insert_worker", "supersede_workers", "upsert_tasks"]),
    ("prune", ["prune_jobs", "prune_attempts", "prune_lines"]),
    ("record", ["take_deltas", "put_metrics", "put_samples", "add_totals"]),
    ("cancel_waiting", ["cancel_waiting_job", "append_audit"]),
    ("retry", ["replace_payload", "retry_job"]),
    ("delete", ["delete_lines_of_jobs", "delete_executions_of_jobs", "delete_job"]),
    ("bulk_delete", ["delete_lines_of_jobs", "delete_executions_of_jobs", "delete_jobs", "append_audit"]),
    ("pause", ["update_queue", "bump_config"]),
    ("limited", ["claim_ruled_jobs", "put_shares"]),
    ("limit", ["shut_gate", "put_plan", "rule_queue"]),
    ("pause", ["take_audit_head", "seal_entries", "advance_audit_head"]),
    ("pause_type", ["create_pause", "flag_pauses"]),
    ("break_type", ["turn_breaker", "forget_probes"]),
    ("try_type", ["release_probe", "note_probe", "count_probing"]),
    ("delete_queue", ["forget_starts", "delete_queue"]),
]
"""What one transaction holds, by its scene: before and after the commit is one moment for all, played at the last.

Between two of its statements nothing is committed either, as at the last; those moments are played in a soak.
"""
OF_PEOPLE = {
    "create_organization", "update_organization", "delete_organization", "create_project", "update_project",
    "delete_project", "empty_project", "empty_organization", "create_user", "update_user", "set_password",
    "rehash_password", "delete_user", "put_membership", "delete_membership", "create_role", "update_role", "delete_role",
    "create_key", "rename_key", "revoke_key", "touch_key", "put_worker_credential", "create_session", "touch_session",
    "revoke_sessions", "put_refresh_token", "spend_refresh_token", "touch_login_attempts", "count_login_attempt",
    "forget_login_attempts", "begin_request", "complete_request", "release_request", "forget_request",
    "forget_old_requests", "note_request", "answer_request", "create_operation", "cancel_operation", "take_operation", "advance_operation",
    "forget_old_operations", "create_assignment", "update_assignment", "delete_assignment",
}  # fmt: skip
"""Of tenants, users, credentials, requests, operations and assignments: they touch no job, and each is one transaction of its own.

What a process that dies between them leaves, `tests/conformance/test_idempotency.py` and
`tests/conformance/test_operations.py` go on with.
"""
OF_SCHEDULES = {
    "create_schedule", "update_schedule", "delete_schedule", "pause_schedules", "put_calendar", "delete_calendar",
    "realign_schedule", "prune_ticks", "prune_orphan_ticks", "take_lease", "renew_lease",
}  # fmt: skip
"""What people and programs say of schedules: it touches no job, and each is one transaction."""
OF_ERRORS = {"take_failures", "put_error_groups", "forget_error_groups", "judge_error_group"}
"""They touch no job. Taking and counting failures is one transaction: `tests/conformance/test_error_groups.py`."""
OF_TRACES = {"put_traces", "note_attempts", "forget_traces"}
"""They touch no job: a trace that is lost ends there."""
OF_SCALING = {
    "create_scaling_policy", "update_scaling_policy", "delete_scaling_policy", "begin_scaling",
    "insert_scaling_decision", "confirm_scaling", "end_scaling_decision", "forget_scaling_decisions",
    "drain_idle_worker",
}  # fmt: skip
"""Of policies and decisions: it touches no job. What one that died between them leaves: `tests/conformance/test_scaling.py`."""
OF_BREAKERS = {"create_breaker", "update_breaker", "delete_breaker"}
"""What people say of breakers, each in one transaction. What removing one lets go is ended as of a pause: `resume_type`."""
OF_ALERTS = {
    "create_receiver", "put_receiver_secrets", "update_receiver", "delete_receiver", "create_rule", "update_rule",
    "delete_rule", "take_rules", "confirm_rule", "put_alert", "forget_alert", "create_silence", "delete_silence",
    "insert_alert_event", "insert_delivery", "note_try", "forget_old_alerts", "put_notice", "take_notice",
    "add_notices", "note_endings", "take_endings",
}  # fmt: skip
"""Of alerts: they touch no job but those that they make, in the same transaction.

`tests/conformance/test_alerts.py` breaks a look at a rule off behind each of its statements, `test_notices.py` beside
it the end of a job that is told, and the telling.
"""
IN_RACES = {"withdraw_job", "put_requirement"}
"""Only a race, or a job that requires something, reaches it, inside the transaction of `accept_keyed_jobs`, whose moments are played."""
NOT_STATEMENTS = {
    "handler": "claimed and nothing begun; the side effect done and nothing reported",
    "hint": "what wakes others",
    "migrate": "the first migration",
}


class Point(NamedTuple):
    """One moment, and what else its transaction holds (only on the sides that are the same for all of it)."""

    label: str
    scene: str
    side: Side
    together: tuple[str, ...] = ()


def points(*, within: bool) -> list[Point]:
    """All moments, each once; with those ``within`` a transaction, between two of its statements, or without."""
    return [point for row in ROWS for side in row.sides if (point := _point(row, side, within)) is not None]


def _point(row: Row, side: Side, within: bool) -> Point | None:
    held = next((held for scene, held in TRANSACTIONS if scene == row.scene and row.label in held), ())
    if side is Side.BEFORE or not held:
        is_wanted = within or not held or row.label == held[0]
        return Point(row.label, row.scene, side) if is_wanted else None
    return Point(row.label, row.scene, side, tuple(held)) if row.label == held[-1] else None


@cache
def writing_statements() -> frozenset[str]:
    """The names of all statements that change something, on either database."""
    return frozenset(
        name
        for dialect in DIALECTS
        for name, block in catalog(dialect).items()
        if any(_WRITES.search(statement.sql) for statement in block)
    )
