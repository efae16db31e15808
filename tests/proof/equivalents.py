"""Guards whose absence no test of one process at a time can notice, and why they stand there all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.proof.mutations import Mutation

REASONS: dict[tuple[str, str, str], str] = {
    ("sqlite", "retry_job", "q.project_id = jobs.project_id"): (
        "where it gives the aging of the queue by its id, no other project has that id"
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
