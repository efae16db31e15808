"""Notices of jobs that end, over SQL (``ports.alerts.NoticeStore``)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from taskforge.domain.delivery import QUEUE, DeliveryCause
from taskforge.domain.receiver import Message
from taskforge.storage.auditing import Audit
from taskforge.storage.codec import from_json, to_json
from taskforge.storage.engine import Engine, One, Script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskforge.domain.ids import JobId, ProjectId
    from taskforge.storage.telling import Telling

BATCH = 100
"""So many ends of jobs are told in one transaction."""


class SqlNoticeStore:
    """Implements ``NoticeStore`` for any engine."""

    def __init__(self, engine: Engine, telling: Telling) -> None:
        self._engine = engine
        self._telling = telling

    async def put(self, project_id: ProjectId, job_id: JobId, receivers: Sequence[UUID]) -> None:
        ids = [str(receiver_id) for receiver_id in receivers]
        row = {"project_id": project_id, "job_id": job_id, "receivers": to_json(ids)}
        audit = Audit(project_id=project_id)

        def script() -> Script[None]:
            yield One("put_notice", row)
            yield audit.entry("job.notify", job_id, after={"receivers": ids})

        await self._engine.run(script)

    async def tell_ended(self, limit: int) -> int:
        rows = await self._engine.read(One("ended_unnoticed", {"limit": limit, "queue": QUEUE}))
        told = sum([await self._engine.run(partial(self._tell, row)) for row in rows])
        for row in await self._engine.read(One("projects_with_endings", {"queue": QUEUE})):
            project_id = self._engine.identity(row["project_id"])
            for _ in range(0, limit, BATCH):
                taken, given = await self._engine.run(partial(self._tell_endings, project_id))
                told += given
                if taken < BATCH:
                    break
        return told

    def _tell(self, row: Any) -> Script[int]:
        """The note that it is told, and what is told, are one transaction."""
        identity = self._engine.identity
        project_id, job_id = identity(row["project_id"]), identity(row["job_id"])
        mine = yield One("take_notice", {"project_id": project_id, "job_id": job_id})
        if not mine:
            return 0
        able = yield from self._able(project_id)
        receivers = sorted(_named(row["receivers"]) & able)
        yield from self._telling.tell(project_id, receivers, self._message(row), DeliveryCause.JOB, job_id)
        return len(receivers)

    def _tell_endings(self, project_id: ProjectId) -> Script[tuple[int, int]]:
        """How many ends of jobs were taken, and how many deliveries were made of them: one transaction again.

        Who is told of an end because of the job itself is not told twice.
        """
        rows = yield One("take_endings", {"project_id": project_id, "limit": BATCH})
        able = (yield from self._able(project_id)) if rows else set()
        told = [
            (
                sorted((_named(row["receivers"]) - _named(row["own"])) & able),
                self._message(row),
                self._engine.identity(row["job_id"]),
            )
            for row in sorted(rows, key=lambda row: (row["completed_at"], row["job_id"]))
        ]
        made = yield from self._telling.tell_all(project_id, told, DeliveryCause.JOB)
        return len(rows), len(made)

    def _able(self, project_id: ProjectId) -> Script[set[UUID]]:
        rows = yield One("list_receivers", {"project_id": project_id})
        return {self._engine.identity(row["id"]) for row in rows if row["enabled"]}

    def _message(self, row: Any) -> Message:
        ended, made = (self._engine.moment(row[name]) for name in ("completed_at", "created_at"))
        data = {
            "job_id": str(self._engine.identity(row["job_id"])),
            "project_id": str(self._engine.identity(row["project_id"])),
            "queue_name": row["queue_name"],
            "job_type": row["job_type"],
            "status": row["status"],
            "attempt_count": row["attempt_count"],
            "created_at": made.isoformat().replace("+00:00", "Z"),
            "completed_at": ended.isoformat().replace("+00:00", "Z"),
            "error_type": (row["failure"] or row["error_type"]) if row["status"] == "failed" else None,
        }
        line = (
            f"job {row['job_type']} has {row['status']}"
            if row["status"] != "cancelled"
            else (f"job {row['job_type']} was cancelled")
        )
        return Message(f"job.{row['status']}", line, data["completed_at"], data)


def _named(receivers: str | None) -> set[UUID]:
    return set() if receivers is None else {UUID(text) for text in from_json(receivers)}
