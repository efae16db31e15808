"""Pauses over SQL (``ports.pauses``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from taskforge.domain.keys import ConcurrencyKey
from taskforge.ports.pauses import Window
from taskforge.storage.auditing import Audit
from taskforge.storage.codec import pause_of
from taskforge.storage.engine import Call, Engine, One, Script
from taskforge.storage.keys import give_places

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from taskforge.domain.ids import ProjectId, QueueId
    from taskforge.domain.job import Hold
    from taskforge.domain.pause import Pause, PauseKind

BEFORE_ALL = (-(2**63), UUID(int=0))
BEFORE_ALL_TYPES = ("", UUID(int=0))


class SqlPauseStore:
    """Implements ``PauseStore`` for any engine; ``mint`` gives new ids."""

    def __init__(self, engine: Engine, mint: Callable[[], UUID]) -> None:
        self._engine = engine
        self._mint = mint

    async def create(
        self, project_id: ProjectId, kind: PauseKind, value: str, reason: str | None, by: str | None
    ) -> tuple[Pause, bool]:
        mark = {"project_id": project_id, "kind": kind, "value": value}
        audit = Audit(project_id=project_id)

        def script() -> Script[tuple[Pause, bool]]:
            # first, since it locks the project: a queue that is made meanwhile sees the pause
            yield One("bump_config", {"project_id": project_id})
            made = yield One("create_pause", {**mark, "id": self._mint(), "reason": reason, "paused_by": by})
            yield One("flag_pauses", {"project_id": project_id})
            found = yield One("find_pause", mark)
            pause = pause_of(found[0], self._engine)
            if made:
                yield audit.entry("pause.create", pause.id, value, after=_told(pause))
            return pause, bool(made)

        return await self._engine.run(script)

    async def remove(self, project_id: ProjectId, kind: PauseKind, value: str) -> Pause | None:
        mark = {"project_id": project_id, "kind": kind, "value": value}
        audit = Audit(project_id=project_id)

        def script() -> Script[Pause | None]:
            yield One("bump_config", {"project_id": project_id})
            if not (yield One("remove_pause", mark)):
                return None
            yield One("flag_pauses", {"project_id": project_id})
            pause = pause_of((yield One("find_pause", mark))[0], self._engine)
            yield audit.entry("pause.delete", pause.id, value, before=_told(pause))
            return pause

        return await self._engine.run(script)

    async def list(self, project_id: ProjectId) -> Sequence[Pause]:
        rows = await self._engine.read(One("list_pauses", {"project_id": project_id}))
        return [pause_of(row, self._engine) for row in rows]

    async def unfinished(self) -> Sequence[Pause]:
        return [pause_of(row, self._engine) for row in await self._engine.read(One("unfinished_pauses"))]

    async def confirm(self, pause: Pause) -> None:
        known = {"project_id": pause.project_id, "pause_id": pause.id}
        if pause.removed_at is None:
            await self._engine.call(One("confirm_pause", {**known, "created_at": pause.created_at}))
        else:
            await self._engine.call(One("forget_pause", known))

    async def writers(self) -> frozenset[str]:
        return frozenset(row["holder"] for row in await self._engine.read(One("claims_under_way")))

    async def rehold_ready(
        self, project_id: ProjectId, queue_id: QueueId, after: tuple[int | str, UUID] | None, limit: int
    ) -> Window:
        rank, last = after or BEFORE_ALL
        place = {"queue_id": queue_id, "after_rank": rank, "after_id": last, "limit": limit}
        return await self._rehold(
            project_id, One("ready_jobs", {"project_id": project_id, **place}), "rank", limit
        )

    async def rehold_held(
        self, project_id: ProjectId, hold: Hold, after: tuple[int | str, UUID] | None, limit: int
    ) -> Window:
        job_type, last = after or BEFORE_ALL_TYPES
        place = {"hold": hold, "after_type": job_type, "after_id": last, "limit": limit}
        return await self._rehold(
            project_id, One("held_jobs", {"project_id": project_id, **place}), "job_type", limit
        )

    async def _rehold(self, project_id: ProjectId, window: Call, order: str, limit: int) -> Window:
        def script() -> Script[Window]:
            rows: Sequence[Any] = yield window
            if not rows:
                return Window(0, None)
            ids = [self._engine.identity(row["id"]) for row in rows]
            changed = yield One("rehold_jobs", {"project_id": project_id, "job_ids": ids})
            keys = {row["concurrency_key"] for row in changed} - {None}
            yield from give_places([ConcurrencyKey(project_id, key) for key in keys])
            return Window(len(changed), None if len(rows) < limit else (rows[-1][order], ids[-1]))

        return await self._engine.run(script)


def _told(pause: Pause) -> dict[str, str | None]:
    """What the audit log says of a pause."""
    return {"kind": pause.kind, "value": pause.value, "by": pause.by, "reason": pause.reason}
