"""Guards whose absence no test of one process at a time can notice, and why they stand there all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.proof.mutations import Mutation

REASONS: dict[tuple[str, str, str], str] = {
    **dict.fromkeys(
        (
            ("sqlite", "retry_job", "q.project_id = jobs.project_id"),
            ("sqlite", "retry_jobs", "q.project_id = jobs.project_id"),
            ("sqlite", "reschedule_job", "q.project_id = jobs.project_id"),
            ("postgres", "reschedule_job", "q.project_id = j.project_id"),
        ),
        "where it gives the aging of the queue by its id, no other project has that id",
    ),
    ("sqlite", "retry_job", "project_id = :project_id"): (
        "where it sets the hold of the job just retried: a job that waits already has the hold that the rule gives it"
    ),
    ("sqlite", "settle_jobs", "j.claim_seq = :claim_seq"): (
        "where it counts: an execution is stored only when its job is no longer processing by that id"
    ),
    **dict.fromkeys(
        (
            ("sqlite", "settle_succeeded", "held.status = 'processing'"),
            ("sqlite", "settle_succeeded", "held.claim_seq = e.claim_seq"),
            ("sqlite", "settle_succeeded", "held.execution_id = e.id"),
        ),
        "where the job is changed: its execution was stored just before, in the same transaction and by the same fence",
    ),
    **{
        (dialect, "note_endings", "q.project_id = j.project_id"): (
            "the queue is named by its id, which no other project has"
        )
        for dialect in ("sqlite", "postgres")
    },
    (
        "sqlite",
        "prune_attempts",
        ":status = :status",
    ): "it says nothing: only PostgreSQL needs the status, to find a partition",
    **dict.fromkeys(
        (
            ("sqlite", "prune_jobs", "status IN ('succeeded', 'cancelled', 'failed')"),
            ("postgres", "prune_jobs", "j.status IN ('succeeded', 'cancelled', 'failed')"),
        ),
        "only what has ended has a time of its end, which the next condition compares",
    ),
    **dict.fromkeys(
        (
            ("sqlite", "prune_lines", "execution_id >= :first"),
            ("postgres", "prune_lines", "execution_id >= :first::uuid"),
        ),
        "it only makes the search shorter",
    ),
    **dict.fromkeys(
        (
            (dialect, statement, f"p.project_id = :project_id{cast}")
            for dialect, cast in (("sqlite", ""), ("postgres", "::uuid"))
            for statement in ("accept_job", "accept_jobs")
        ),
        "it only says that the rule of holds has to be asked, and that looks at the project's own pauses",
    ),
    ("postgres", "prune_attempts", "class <> :status::text"): (
        "what it leaves to the end of its day is the record of a job that is gone, which nobody can ask for: it only spares work"
    ),
    **dict.fromkeys(
        (
            ("postgres", "retry_job", "o.project_id = :project_id::uuid"),
            ("postgres", "retry_jobs", "o.project_id = :project_id::uuid"),
        ),
        "where it names the queue: that has to be of the project as well, and the job is looked at where it is changed",
    ),
    **dict.fromkeys(
        (
            ("postgres", "settle_jobs", "h.lease_until IS NOT NULL"),
            (
                "postgres",
                "settle_jobs",
                "(NOT o.lost_only OR h.lease_until < t.now OR h.worker_id = ANY (:dead_workers::uuid[]))",
            ),
        ),
        "at the first look, which spares work: it stands once more where the row is changed, and what is recorded and "
        "counted is what was changed",
    ),
    ("sqlite", "lock_keys", "project_id = :project_id"): (
        "it only takes the lock of the file: its other condition is false, so that no row is changed"
    ),
    **dict.fromkeys(
        (
            ("sqlite", "claim_ruled_jobs", "q.project_id = :project_id"),
            ("sqlite", "claim_weighed_jobs", "q.project_id = :project_id"),
            ("postgres", "claim_weighed_jobs", "q.project_id = :project_id::uuid"),
        ),
        "where starts are counted, none were made just before if the queue is another project's",
    ),
    **dict.fromkeys(
        (
            ("sqlite", "claim_ruled_jobs", "project_id = :project_id"),
            ("postgres", "claim_ruled_jobs", "project_id = :project_id::uuid"),
        ),
        "where the version of the gate is raised, something was claimed, and so the queue is the project's",
    ),
    ("postgres", "claim_weighed_jobs", "project_id = :project_id::uuid"): (
        "where the turn is noted, the gate is the one that was just taken, of the project"
    ),
    **{
        (dialect, "join_common_line", condition): (
            "it names an index: who is held, waits or is planned joins the line by one of the four looks anyway"
        )
        for dialect in ("sqlite", "postgres")
        for condition in ("j.hold IS NULL", "j.hold IS NOT NULL", "j.status = 'pending'")
    },
    **dict.fromkeys(
        (
            ("postgres", "keep_lines", "l.execution_id > :after::uuid"),
            ("postgres", "keep_lines", "l.execution_id < :until::uuid"),
        ),
        "the executions that are named next to it were chosen between the two: it only makes the search shorter",
    ),
    ("postgres", "delete_executions_of_jobs", "project_id = :project_id::uuid"): (
        "the function that names them is given the project as well, and names its own only"
    ),
    ("postgres", "lock_keys", "k.project_id = u.project_id"): (
        "it says which row is locked: two who lock another one only wait for each other in vain"
    ),
    ("postgres", "drop_oldest", "j.status = 'pending'"): (
        "where it stands at the lock: those that were chosen are pending, unless that changed in between"
    ),
}
"""By dialect, statement and condition (white space folded)."""


def reason_of(mutation: Mutation) -> str | None:
    """Why nothing notices, if that is so."""
    return REASONS.get((mutation.dialect, mutation.statement, " ".join(mutation.condition.split())))
