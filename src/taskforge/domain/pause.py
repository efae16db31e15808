"""A pause: jobs of one type, with one tag or of one key, that are not handed out until it is removed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from taskforge.domain.bounds import check_job_type, check_tags
from taskforge.domain.errors import InvalidInput
from taskforge.domain.keys import check_key

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.ids import ProjectId
    from taskforge.domain.job import Job

MAX_REASON = 1000
MAX_WHO = 200


class PauseKind(StrEnum):
    """By what jobs are paused; a key is a job's key or its concurrency key. A queue is paused by its state.

    One by ``breaker`` holds a type, and belongs to the circuit breaker of that type: people make and remove the others.
    """

    TYPE = "type"
    TAG = "tag"
    KEY = "key"
    BREAKER = "breaker"


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause as it is stored: what is paused, by whose word, why and since when.

    Until ``applied_at`` some waiting jobs may not be held yet; from ``removed_at`` it pauses nothing more,
    and is gone when the last job that it held is free.
    """

    id: UUID
    project_id: ProjectId
    kind: PauseKind
    value: str
    reason: str | None
    by: str | None
    created_at: datetime
    applied_at: datetime | None
    removed_at: datetime | None

    def concerns(self, job: Job) -> bool:
        """Whether it pauses this job."""
        marks: dict[PauseKind, Sequence[str | None]] = {
            PauseKind.TYPE: (job.job_type,),
            PauseKind.BREAKER: (job.job_type,),
            PauseKind.TAG: job.tags,
            PauseKind.KEY: (job.key, job.concurrency_key),
        }
        return self.value in marks[self.kind]


def check_pause_value(kind: PauseKind, value: str) -> str:
    """The job type, tag or key, if it can be one and people may pause by it. Raises InvalidInput."""
    if kind is PauseKind.BREAKER:
        raise InvalidInput(
            "a breaker makes its own pause",
            field="kind",
            hint="open or close the breaker of the type, or pause by type",
        )
    if kind is PauseKind.TYPE:
        return check_job_type(value)
    if kind is PauseKind.KEY:
        return check_key(value, "key")
    check_tags([value])
    return value


def check_words(text: str | None, field: str) -> str | None:
    """A reason or a name, without white space at its ends; nothing when it is empty. Raises InvalidInput."""
    longest = MAX_WHO if field == "by" else MAX_REASON
    stripped = (text or "").strip()
    if len(stripped) > longest or "\0" in stripped or not _is_text(stripped):
        raise InvalidInput(f"{field} must be a text of at most {longest} characters", field=field)
    return stripped or None


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
