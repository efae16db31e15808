"""Circuit breakers over SQL (``ports.breakers``)."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from taskforge.domain.breaker import Breaker, BreakerSettings, BreakerState, Probe
from taskforge.domain.execution import ExecutionStatus, Reason
from taskforge.domain.job import Hold, JobStatus
from taskforge.domain.keys import ConcurrencyKey
from taskforge.domain.metrics import MINUTE, ceiling
from taskforge.domain.pause import PauseKind
from taskforge.ports.acting import actor
from taskforge.ports.breakers import Turned
from taskforge.storage.auditing import Audit
from taskforge.storage.codec import from_json, pause_of
from taskforge.storage.engine import Engine, Many, One, Script, columns
from taskforge.storage.keys import give_places

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.breaker import Turn
    from taskforge.domain.ids import ProjectId, QueueId
    from taskforge.domain.pause import Pause

CANDIDATES = 100
_FIELDS = [field.name for field in fields(BreakerSettings)]
_VERBS = {BreakerState.OPEN: "open", BreakerState.HALF_OPEN: "half_open", BreakerState.CLOSED: "close"}


class SqlBreakerStore:
    """Implements ``BreakerStore`` for any engine; ``mint`` gives new ids."""

    def __init__(self, engine: Engine, mint: Callable[[], UUID]) -> None:
        self._engine = engine
        self._mint = mint

    async def now(self) -> datetime:
        moment: datetime = self._engine.moment((await self._engine.read(One("database_now")))[0]["now"])
        return moment

    async def create(self, project_id: ProjectId, job_type: str, settings: BreakerSettings) -> Breaker | None:
        audit = Audit(project_id=project_id)

        def script() -> Script[Breaker | None]:
            yield One("bump_config", {"project_id": project_id})
            new = {"id": self._mint(), "project_id": project_id, "job_type": job_type, **settings.to_json()}
            made = yield One("create_breaker", new)
            if not made:
                return None
            breaker_id = self._engine.identity(made[0]["id"])
            yield audit.entry("breaker.create", breaker_id, job_type, after=settings.to_json())
            found = yield One("get_breaker", {"project_id": project_id, "breaker_id": breaker_id})
            return self._breaker(found[0])

        return await self._engine.run(script)

    async def change(
        self, project_id: ProjectId, breaker_id: UUID, change: Callable[[Breaker], BreakerSettings]
    ) -> Breaker | None:
        audit = Audit(project_id=project_id)
        which = {"project_id": project_id, "breaker_id": breaker_id}

        def script() -> Script[Breaker | None]:
            rows = yield One("lock_breaker", which)
            if not rows:
                return None
            before = self._breaker(rows[0])
            wanted = change(before)
            if wanted == before.settings:
                return before
            yield One("update_breaker", {**which, **wanted.to_json()})
            told = {"before": before.settings.to_json(), "after": wanted.to_json()}
            yield audit.entry("breaker.update", breaker_id, before.job_type, **told)
            return self._breaker((yield One("get_breaker", which))[0])

        return await self._engine.run(script)

    async def delete(
        self, project_id: ProjectId, breaker_id: UUID, check: Callable[[Breaker], None]
    ) -> Turned | None:
        audit = Audit(project_id=project_id)
        which = {"project_id": project_id, "breaker_id": breaker_id}

        def script() -> Script[Turned | None]:
            yield One("bump_config", {"project_id": project_id})
            rows = yield One("lock_breaker", which)
            if not rows:
                return None
            gone = self._breaker(rows[0])
            check(gone)
            pause = None
            if gone.state is not BreakerState.CLOSED:
                pause = yield from self._resume(gone)
            yield One("delete_breaker", which)
            before = {**gone.settings.to_json(), "state": gone.state}
            yield audit.entry("breaker.delete", breaker_id, gone.job_type, before=before)
            return Turned(gone, pause)

        return await self._engine.run(script)

    async def list(self, project_id: ProjectId) -> Sequence[Breaker]:
        rows = await self._engine.read(One("list_breakers", {"project_id": project_id}))
        return [self._breaker(row) for row in rows]

    async def get(self, project_id: ProjectId, breaker_id: UUID) -> Breaker | None:
        which = {"project_id": project_id, "breaker_id": breaker_id}
        rows = await self._engine.read(One("get_breaker", which))
        return self._breaker(rows[0]) if rows else None

    async def standing(self) -> Sequence[Breaker]:
        return [self._breaker(row) for row in await self._engine.read(One("standing_breakers"))]

    async def attempts(self, breaker: Breaker, since: datetime) -> tuple[int, int]:
        window = {"start": since, "whole": ceiling(since, MINUTE)}
        asked = {"project_id": breaker.project_id, "job_type": breaker.job_type, **window}
        attempts = failures = 0
        for succeeded, failed, first_at, samples in map(
            tuple, await self._engine.read(One("breaker_attempts", asked))
        ):
            attempts += succeeded + failed
            failures += failed
            offset = 0
            if samples is not None:
                offset = (since - self._engine.moment(first_at)) // timedelta(microseconds=1)
            for after, *counts in from_json(samples) or ():
                if after >= offset:
                    attempts += counts[0] + counts[1]
                    failures += counts[1]
        return attempts, failures

    async def probes(self, breaker: Breaker) -> Sequence[Probe]:
        rows = await self._engine.read(One("list_probes", _which(breaker)))
        return [self._probe(row) for row in rows]

    async def turn(self, breaker: Breaker, turn: Turn) -> Turned | None:
        label = actor().principal.label
        audit = Audit(project_id=breaker.project_id)
        which = _which(breaker)

        def script() -> Script[Turned | None]:
            # first, since it locks the project: a queue that is made meanwhile sees the pause
            yield One("bump_config", {"project_id": breaker.project_id})
            after: dict[str, Any] = {"state": turn.state, "probe_at": turn.probe_at, "reason": turn.reason}
            turned = yield One(
                "turn_breaker", {**which, **after, "changed_by": label, "version": breaker.version}
            )
            if not turned:
                return None
            pause = None
            if turn.state is BreakerState.CLOSED:
                pause = yield from self._resume(breaker)
            elif breaker.state is BreakerState.CLOSED:
                pause = yield from self._pause(breaker, turn.reason, label)
            elif turn.state is BreakerState.OPEN:
                yield from self._hold_back(breaker, None)
            if turn.state is not BreakerState.HALF_OPEN:
                yield One("forget_probes", which)
            before = {"state": breaker.state, "probe_at": _text(breaker.probe_at), "reason": breaker.reason}
            after |= {"probe_at": _text(turn.probe_at)}
            action = f"breaker.{_VERBS[turn.state]}"
            yield audit.entry(action, breaker.id, breaker.job_type, before=before, after=after)
            return Turned(self._breaker((yield One("get_breaker", which))[0]), pause)

        return await self._engine.run(script)

    async def let_through(
        self, breaker: Breaker, count: int, void: Collection[UUID]
    ) -> Sequence[QueueId] | None:
        which = _which(breaker)

        def script() -> Script[Sequence[QueueId] | None]:
            rows = yield One("lock_breaker", which)
            if not rows or rows[0]["version"] != breaker.version:
                return None
            if void:
                yield from self._hold_back(breaker, void)
            queues: list[QueueId] = []
            for again in (False, True):  # what was in vain before is tried again when there is nothing else
                if len(queues) < count:
                    queues += yield from self._release(breaker, count - len(queues), again)
            if queues:
                yield One("count_probing", which)
            return queues

        return await self._engine.run(script)

    def _release(self, breaker: Breaker, count: int, again: bool) -> Script[Sequence[QueueId]]:
        asked = {**_which(breaker), "job_type": breaker.job_type, "again": again, "limit": CANDIDATES}
        candidates = sorted(
            (yield One("pick_probes", asked)), key=lambda row: (row["losses"] > 0, row["rank"])
        )
        queues: list[QueueId] = []
        for row in candidates:
            if len(queues) == count:
                break
            job = {"project_id": breaker.project_id, "job_id": self._engine.identity(row["id"])}
            if row["concurrency_key"] is not None:
                pairs = [(breaker.project_id, row["concurrency_key"])]
                yield Many("lock_keys", columns(("project_id", "key"), pairs))
            released = yield One("release_probe", {**job, "claim_seq": row["claim_seq"]})
            if released:
                yield One("note_probe", {**job, "breaker_id": breaker.id, "claim_seq": row["claim_seq"]})
                queues.append(self._engine.identity(released[0]["queue_id"]))
        return queues

    def _hold_back(self, breaker: Breaker, only: Collection[UUID] | None) -> Script[None]:
        """Probes that no worker has taken are held as the others."""
        rows = yield One("list_probes", _which(breaker))
        job_ids = [self._engine.identity(row["job_id"]) for row in rows]
        chosen = [job_id for job_id in job_ids if only is None or job_id in only]
        changed = yield One("rehold_jobs", {"project_id": breaker.project_id, "job_ids": chosen})
        keys = {row["concurrency_key"] for row in changed} - {None}
        yield from give_places([ConcurrencyKey(breaker.project_id, key) for key in keys])

    def _pause(self, breaker: Breaker, reason: str, label: str) -> Script[Pause]:
        mark = _mark(breaker)
        yield One("create_pause", {**mark, "id": self._mint(), "reason": reason, "paused_by": label})
        yield One("flag_pauses", {"project_id": breaker.project_id})
        return pause_of((yield One("find_pause", mark))[0], self._engine)

    def _resume(self, breaker: Breaker) -> Script[Pause | None]:
        mark = _mark(breaker)
        yield One("remove_pause", mark)
        yield One("flag_pauses", {"project_id": breaker.project_id})
        found = yield One("find_pause", mark)
        return pause_of(found[0], self._engine) if found else None

    def _breaker(self, row: Any) -> Breaker:
        identity, moment = self._engine.identity, self._engine.moment
        return Breaker(
            id=identity(row["id"]),
            project_id=identity(row["project_id"]),
            job_type=row["job_type"],
            settings=BreakerSettings(**{name: row[name] for name in _FIELDS}),
            state=BreakerState(row["state"]),
            version=int(row["version"]),
            probe_at=moment(row["probe_at"]),
            reason=row["reason"],
            changed_by=row["changed_by"],
            changed_at=moment(row["changed_at"]),
            created_at=moment(row["created_at"]),
            updated_at=moment(row["updated_at"]),
        )

    def _probe(self, row: Any) -> Probe:
        return Probe(
            self._engine.identity(row["job_id"]),
            row["claim_seq"],
            self._engine.moment(row["released_at"]),
            None if row["status"] is None else JobStatus(row["status"]),
            None if row["hold"] is None else Hold(row["hold"]),
            row["current_seq"],
            None if row["ended_as"] is None else ExecutionStatus(row["ended_as"]),
            None if row["reason"] is None else Reason(row["reason"]),
        )


def _which(breaker: Breaker) -> dict[str, UUID]:
    return {"project_id": breaker.project_id, "breaker_id": breaker.id}


def _mark(breaker: Breaker) -> dict[str, Any]:
    return {"project_id": breaker.project_id, "kind": PauseKind.BREAKER, "value": breaker.job_type}


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
