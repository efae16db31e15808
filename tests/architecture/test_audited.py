"""Every statement that changes something has its entry in the audit log, or stands here with its reason."""

import re

import pytest

from taskforge.storage.statements import DIALECTS, audited, catalog
from tests.architecture.source import PACKAGE
from tests.proof.crash_points import writing_statements

NOT_AUDITED = {
    "of hot statements: creating, claiming and settling a job are told by its execution": {
        "accept_job", "accept_jobs", "accept_keyed_jobs", "add_notices", "claim_jobs", "claim_these_jobs", "claim_ruled_jobs", "settle_jobs",
        "claim_weighed_jobs", "note_weights",
        "settle_succeeded", "settle_lines", "append_lines", "beat_jobs", "recovery_outlook", "open_keys", "give_places", "lock_keys",
        "drop_oldest", "put_shares", "keep_shares", "put_requirement", "shut_gate", "forget_starts", "lock_bounded_queues", "withdraw_job",
    },
    "of requests that may come again; what they make is told by its own execution": {
        "begin_request", "complete_request", "release_request", "forget_request", "forget_old_requests", "note_request",
        "answer_request",
    },
    "of workers, which come and go by themselves": {
        "declare_tasks", "upsert_tasks", "insert_worker", "stop_worker", "supersede_workers",
        "note_lost_suspects", "put_worker_credential",
    },
    "of recovery, which only carries out what was said before": {
        "promote_jobs", "expire_waiting", "release_holds", "rehold_jobs", "confirm_pause", "forget_pause",
    },
    "a step of a change that has its own entry": {
        "bump_config", "flag_pauses", "put_plan", "rule_queue", "set_queue_state", "delete_job_lines", "delete_job_executions",
        "join_common_line",
        "delete_lines_of_jobs", "delete_executions_of_jobs", "empty_project", "empty_organization",
        "take_operation", "advance_operation", "put_refresh_token", "put_receiver_secrets", "spend_refresh_token", "rehash_password",
    },
    "notes the use of a credential, and failures of those who have none": {
        "touch_key", "touch_session", "touch_login_attempts", "count_login_attempt", "forget_login_attempts",
    },
    "of retention, which forgets finished rows by the ages that the settings say": {
        "prune_jobs", "prune_attempts", "prune_lines", "prune_strays", "keep_executions", "keep_lines", "take_chore", "prune_ticks", "prune_orphan_ticks",
        "forget_old_operations", "forget_old_alerts",
    },
    "of the record: counts and samples of what was": {
        "put_worker_sample", "put_task_samples",
        "add_totals", "take_deltas", "take_failures", "put_traces", "note_attempts", "forget_traces", "put_error_groups", "forget_error_groups", "put_samples", "put_metrics", "forget_record", "put_queue_samples",
    },
    "of schedulers, which only carry out what schedules say; each tick is a row that stays": {
        "insert_ticks", "refuse_ticks", "advance_schedule", "finish_ticks", "realign_schedule",
    },
    "of breakers: which jobs are tried; the turns have their entries": {
        "forget_probes", "release_probe", "note_probe", "count_probing",
    },
    "of autoscalers: each decision is a row that stays, with who made it; its drains have entries of their own": {
        "begin_scaling", "insert_scaling_decision", "confirm_scaling", "end_scaling_decision",
        "forget_scaling_decisions",
    },
    "of alerts, which happen by themselves; each is an event and a delivery that stay": {
        "take_rules", "confirm_rule", "put_alert", "forget_alert", "insert_alert_event", "insert_delivery", "note_try",
        "take_notice", "note_endings", "take_endings",
    },
    "locks that programs hold for a while": {"take_lease", "renew_lease"},
    "is the audit log": {"append_audit", "take_audit_head", "seal_entries", "advance_audit_head"},
}  # fmt: skip


def test_every_statement_that_writes_is_audited_or_says_why_not() -> None:
    reasons = [name for names in NOT_AUDITED.values() for name in names]
    assert len(reasons) == len(set(reasons))
    assert audited() | (set(reasons) & writing_statements()) == writing_statements()
    assert not audited() & set(reasons)


@pytest.mark.parametrize("name", sorted(audited()))
def test_an_audited_statement_tells_what_it_changed(name: str) -> None:
    """Its rows are how it is known that there is something to write down."""
    for dialect in DIALECTS:
        assert catalog(dialect)[name][0].audited
        assert "RETURNING" in catalog(dialect)[name][0].sql


def test_an_audited_statement_is_never_run_alone() -> None:
    """Outside of a script nothing could be written down beside it."""
    alone = re.compile(r"\.(?:call|read)\(\s*(?:One|Many)\(\s*\"(\w+)\"")
    found = {
        name
        for path in (PACKAGE / "storage").rglob("*.py")
        for name in alone.findall(path.read_text("utf-8"))
    }
    assert found
    assert not found & audited()
