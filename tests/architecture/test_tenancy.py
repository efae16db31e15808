"""Every row belongs to a project or an organization, and every statement says which, or stands here with its reason."""

import re
from collections.abc import Iterator

import pytest

from taskforge.storage.migrate import migrations
from taskforge.storage.statements import DIALECTS, catalog

TABLES_WITHOUT_TENANT = {
    "organizations": "stands above projects",
    "refresh_tokens": "belong to a session; found by the hash of their secret, together with it",
    "login_attempts": "are counted before it is known who somebody is",
    "log_lines": "belongs to an execution; written only through its fence, read only through its project",
    "chores": "what is done for the whole database",
}
STATEMENTS_WITHOUT_TENANT = {
    "find_project": "finds the project by its name",
    "worker_of_another_boot": "a file is one for all projects: who shares it over a network is of none",
    "workers_on_machine": "a machine is one for all projects: recovery asks which of its processes are dead",
    "find_account": "finds the account by the names of its organization and of its user",
    "memberships_of_account": "where a user who has logged in is a member",
    "count_administrators": "whether anybody administers the installation",
    "find_key": "finds the tenant by the id of a credential whose secret is then compared",
    "find_worker_credential": "finds the tenant by the id of a credential whose secret is then compared",
    "find_session": "finds the tenant by the id of a credential whose secret is then compared",
    "touch_key": "of a key that has just been proved",
    "touch_session": "of a session that has just been proved",
    "revoke_sessions": "by user: a new password ends the sessions in all organizations",
    "put_refresh_token": "of a session that was made, or proved, in the same transaction",
    "spend_refresh_token": "by the hash of the secret and its session",
    "find_refresh_token": "by the hash of the secret and its session",
    "touch_login_attempts": "is counted before it is known who somebody is",
    "count_login_attempt": "is counted before it is known who somebody is",
    "forget_login_attempts": "is counted before it is known who somebody is",
    "database_now": "the database's clock is one for all projects",
    "database_settings": "the database's settings are the same for all projects",
    "quick_check": "reads all of the file, whoever it belongs to",
    "audit_chains": "verifies the whole installation; each chain is then walked by its organization",
    "has_deltas": "whether the record of any project has something to fold",
    "unsealed_chains": "the sealer serves all organizations; each chain is then sealed by its organization",
    "put_worker_sample": "by the id of the caller's own incarnation, whose project it takes",
    "put_task_samples": "by the id of the caller's own incarnation, whose project it takes",
    "table_sizes": "tables are of all projects",
    "oldest_transaction": "transactions are of the whole database",
    "broken_indexes": "indexes are of all projects",
    "unfolded_deltas": "the record of all projects is folded together; it only asks how much there is",
    "lock_fold": "a lock without rows",
    "take_deltas": "the record of all projects is folded together; it hands on each row's own project",
    "metrics_to_fold": "by the queues and workers of the deltas just taken",
    "put_metrics": "the record of all projects is folded together; each row takes its own project",
    "exposed_queues": "by the projects that the caller may see; who has the scrape token sees all",
    "exposed_attempts": "by the projects that the caller may see; who has the scrape token sees all",
    "exposed_workers": "by the projects that the caller may see; who has the scrape token sees all",
    "exposed_errors": "by the projects that the caller may see; who has the scrape token sees all",
    "forget_traces": "retention serves all projects; it only asks how old they are",
    "has_failures": "whether the record of any project has something to fold",
    "take_failures": "the record of all projects is folded together; it hands on each row's own project",
    "groups_to_fold": "by the projects and fingerprints of the failures just taken",
    "count_error_groups": "of the projects of the failures just taken",
    "failed_samples": "by the executions of the failures just taken",
    "put_error_groups": "the record of all projects is folded together; each row takes its own project",
    "forget_error_groups": "what is kept of all projects has the same age",
    "put_samples": "the record of all projects is folded together; each row takes its own project",
    "add_totals": "the record of all projects is folded together; each row takes its own project",
    "put_queue_samples": "all queues are sampled together; each row takes its own project",
    "operation_due": "a server carries out operations of all projects; it only asks whether there is anything to do",
    "take_operation": "a server carries out operations of all projects; it hands on each row's own project",
    "forget_old_operations": "retention serves all projects; it only asks how long they have ended",
    "forget_old_requests": "retention serves all organizations; it only asks how old a key is",
    "forget_record": "what is kept of all projects has the same age",
    "ended_unnoticed": "any process tells for all projects; it hands on each row's own project",
    "projects_with_endings": "any process tells for all projects; it answers which have something to tell",
    "note_endings": "of jobs that the same transaction has ended, by recovery of all projects; each row is its job's",
    "rules_due": "any process looks at rules of all projects; it only asks whether there is anything to do",
    "take_rules": "any process looks at rules of all projects; it hands on each row's own project",
    "delivery_outlook": "any process delivers for all projects; it answers only whether there may be something",
    "projects_with_deliveries": "any process delivers for all projects; it answers which have something to deliver",
    "forget_old_alerts": "retention serves all projects; it only asks how old a row is",
    "recovery_outlook": "recovery serves all projects; it only asks whether there is anything to do",
    "expired_leases": "recovery serves all projects; it hands on each row's own project",
    "expire_waiting": "recovery serves all projects, by each row's own limits",
    "unfinished_pauses": "recovery serves all projects; it hands on each row's own project",
    "standing_breakers": "recovery serves all projects; it hands on each row's own project",
    "release_holds": "recovery serves all projects; a job and its task are joined by project",
    "overdue_due": "recovery serves all projects; it asks for ids only when a batch was refused",
    "overdue_late": "recovery serves all projects; it asks for ids only when a batch was refused",
    "overdue_held": "recovery serves all projects; it asks for ids only when a batch was refused",
    "keys_out_of_step": "recovery serves all projects; it hands on each key's own project",
    "forget_workers": "recovery serves all projects",
    "note_lost_suspects": "recovery serves all projects; worker ids are those of the jobs it has read",
    "claims_under_way": "the table's locks, without rows",
    "short_writers_of_jobs": "locks of the table, without rows",
    "whereabouts": "which database it is",
    "notify": "a hint, whose text names the project",
    "wait_briefly": "how long the transaction waits for locks",
    "stop_worker": "by the id of the caller's own incarnation",
    "beat_jobs": "by the fence: job id, claim_seq and execution_id",
    "take_chore": "what is done for the whole database",
    "chore_is_due": "what is done for the whole database",
    "newest_waiting": "the ids of queues that were read by their project; `walk_jobs` compares it again",
    "newest_finished": "the ids of queues that were read by their project; `walk_jobs` compares it again",
    "finished_lines": "retention serves all projects, each queue by its own settings",
    "all_queue_settings": "retention serves all projects, each queue by its own settings",
    "old_succeeded": "retention serves all projects, by the id of a queue that it has just read",
    "old_others": "retention serves all projects, by the id of a queue that it has just read",
    "prune_jobs": "retention serves all projects, by ids that it has just read, status and age",
    "prune_attempts": "in the transaction of prune_jobs, for the jobs that it has just removed",
    "prune_lines": "in the transaction of prune_jobs, for the jobs that it has just removed",
    "prune_strays": "in the transaction of prune_jobs, for the jobs that it has just removed",
    "give_back_space": "the file is one for all projects",
    "make_partitions": "partitions are one for all projects",
    "list_partitions": "partitions are one for all projects",
    "rows_in_default_partitions": "partitions are one for all projects",
    "runs_of_before": "partitions are one for all projects",
    "keep_executions": "partitions are one for all projects: rows move between them as they are",
    "keep_lines": "partitions are one for all projects: rows move between them as they are",
    "drop_partition": "partitions are one for all projects",
    "scaled_projects": "autoscalers serve all projects; it only asks which have a policy",
    "forget_scaling_decisions": "autoscalers serve all projects; it only asks how old a decision is",
    "schedule_outlook": "schedulers serve all projects; it only asks whether there is anything to do",
    "due_schedules": "schedulers serve all projects; it hands on each row's own project",
    "schedules_ahead": "schedulers serve all projects; it hands on each row's own project",
    "finish_ticks": "schedulers serve all projects; a tick takes what its own job came to",
    "every_schedule": "retention serves all projects; each schedule is then pruned by its project",
    "prune_orphan_ticks": "retention serves all projects: what belongs to no schedule any more",
    "bound_tick": "how long the transaction may stand still",
    "settle_succeeded": "by the fence: job id, claim_seq and execution_id",
    "settle_jobs": "by the fence: job id, claim_seq and execution_id",
    "settle_lines": "in the transaction of settle_jobs, for executions that it has just ended",
    "append_lines": "by the fence: job id, claim_seq and execution_id",
}
FENCED = [name for name, why in STATEMENTS_WITHOUT_TENANT.items() if why.startswith("by the fence")]
TENANTS = {"project_id", "organization_id"}
_TABLE = re.compile(r"^CREATE TABLE (\w+) \((.*?)^\)", re.MULTILINE | re.DOTALL)


def _tables(dialect: str) -> Iterator[tuple[str, str]]:
    for step in migrations(dialect):
        for found in _TABLE.finditer(step.sql):
            yield found[1], found[2]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_table_has_its_tenant(dialect: str) -> None:
    without = {
        name
        for name, columns in _tables(dialect)
        if not re.search(r"^ *(project|organization)_id ", columns, re.M)
    }
    assert without == set(TABLES_WITHOUT_TENANT)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_statement_takes_the_tenant(dialect: str) -> None:
    without = {
        name
        for name, block in catalog(dialect).items()
        if not TENANTS & {parameter for statement in block for parameter in statement.parameters}
    }
    assert without == set(STATEMENTS_WITHOUT_TENANT)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", FENCED)
def test_a_fence_is_compared_whole(dialect: str, name: str) -> None:
    for statement in catalog(dialect)[name]:
        if re.search(r"\bjobs\b", statement.sql):
            assert "status = 'processing'" in statement.sql or "lease_until IS NOT NULL" in statement.sql
            compared = statement.sql.partition("WHERE")[2]
            for column in ("claim_seq", "execution_id"):
                assert re.search(rf"\b{column}\b", compared)
