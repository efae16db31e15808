"""Queues over SQL (``ports.queues``)."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from taskforge.domain.breaker import BreakerState
from taskforge.domain.errors import Conflict, PreconditionFailed, Unavailable
from taskforge.domain.job import JobStatus
from taskforge.domain.organization import DEFAULT_NAME
from taskforge.domain.queue import Queue, QueueSettings, QueueState, check_dead_letters
from taskforge.ports.queues import Configuration
from taskforge.storage.auditing import Audit
from taskforge.storage.codec import queue_of, to_json
from taskforge.storage.engine import Engine, One, Rows, Script
from taskforge.storage.gates import draw_plan, outwait_claims

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from taskforge.domain.ids import ProjectId, QueueId

DELETION_PATIENCE_SECONDS = 2.0
DELETION_LOOK_SECONDS = 0.01


class SqlQueueStore:
    """Implements ``QueueStore`` for any engine; ``mint`` gives new ids."""

    def __init__(self, engine: Engine, mint: Callable[[], UUID]) -> None:
        self._engine = engine
        self._mint = mint

    async def project(self, name: str) -> ProjectId | None:
        organization, slash, project = name.rpartition("/")
        named = {"organization": organization if slash else DEFAULT_NAME, "name": project}
        rows = await self._engine.read(One("find_project", named))
        return self._engine.identity(rows[0]["id"]) if rows else None

    async def configuration(self, project_id: ProjectId) -> Configuration:
        rows = await self._engine.read(One("project_configuration", {"project_id": project_id}))
        if not rows:
            return Configuration(0, None)
        [row] = rows
        return Configuration(
            int(row["config_version"]),
            self._engine.identity(row["organization_id"]),
            has_breakers=bool(row["has_breakers"]),
        )

    async def ensure(self, project_id: ProjectId, names: Sequence[str]) -> Sequence[Queue]:
        known = {queue.name for queue in await self.list(project_id)}
        new = [name for name in names if name not in known]
        made = [
            await self.create(project_id, name, None, 0, QueueState.ACTIVE, QueueSettings()) for name in new
        ]
        return [queue for queue in made if queue is not None]

    async def create(
        self,
        project_id: ProjectId,
        name: str,
        description: str | None,
        priority: int,
        state: QueueState,
        settings: QueueSettings,
    ) -> Queue | None:
        values = _values(project_id, name, description, priority, state, settings)
        audit = Audit(project_id=project_id)
        return await self._engine.run(lambda: self._creating(values, settings, audit))

    def declaring(self, project_id: ProjectId, name: str) -> Script[Queue | None]:
        """The queue of this name, made if need be, for whoever has a transaction."""
        rows = yield One("find_queue", {"project_id": project_id, "name": name})
        if rows:
            return queue_of(rows[0], self._engine)
        settings = QueueSettings()
        values = _values(project_id, name, None, 0, QueueState.ACTIVE, settings)
        return (yield from self._creating(values, settings, Audit(project_id=project_id)))

    def declared(self, project_id: ProjectId, name: str) -> Script[Queue]:
        """As `declaring`, in a transaction that sees what others commit meanwhile. Raises Unavailable."""
        for _ in range(2):  # the first may find that someone else has made it just now
            queue = yield from self.declaring(project_id, name)
            if queue is not None:
                return queue
        raise Unavailable(f"queue {name!r} is made and removed by others just now")

    def _creating(
        self, values: Mapping[str, Any], settings: QueueSettings, audit: Audit
    ) -> Script[Queue | None]:
        known = yield from self._known(values["project_id"])
        check_dead_letters(None, settings, known)
        rows = yield One("create_queue", {**values, "id": self._mint()})
        if not rows:
            return None
        made = queue_of(rows[0], self._engine)
        if settings.has_rule:
            yield One("shut_gate", {"project_id": made.project_id, "queue_id": made.id})
        yield audit.entry("queue.create", made.id, made.name, after=_told(made))
        if settings.has_rule:
            yield from draw_plan(self._engine, made.project_id, made.id)
        return made

    async def breakers(self, project_id: ProjectId) -> Mapping[str, BreakerState]:
        rows = await self._engine.read(One("breaker_states", {"project_id": project_id}))
        return {row["job_type"]: BreakerState(row["state"]) for row in rows}

    async def requirements(self, project_id: ProjectId) -> Sequence[str]:
        rows = await self._engine.read(One("list_requirements", {"project_id": project_id}))
        return [row["content"] for row in rows]

    async def list(self, project_id: ProjectId) -> Sequence[Queue]:
        rows = await self._engine.read(One("list_queues", {"project_id": project_id}))
        return [queue_of(row, self._engine) for row in rows]

    async def get(self, project_id: ProjectId, queue_id: QueueId) -> Queue | None:
        rows = await self._engine.read(One("get_queue", {"project_id": project_id, "queue_id": queue_id}))
        return queue_of(rows[0], self._engine) if rows else None

    async def find(self, project_id: ProjectId, name: str) -> Queue | None:
        rows = await self._engine.read(One("find_queue", {"project_id": project_id, "name": name}))
        return queue_of(rows[0], self._engine) if rows else None

    async def change(
        self, project_id: ProjectId, queue_id: QueueId, change: Callable[[Queue], Queue]
    ) -> Queue | None:
        where = {"project_id": project_id, "queue_id": queue_id}
        audit = Audit(project_id=project_id)

        def script() -> Script[tuple[Queue, Queue] | None]:
            known = yield from self._known(project_id)
            if queue_id not in known:
                return None
            before = known[queue_id]
            wanted = change(before)
            if any(queue.name == wanted.name for queue in known.values() if queue.id != queue_id):
                raise Conflict(f"another queue is named {wanted.name!r}")
            check_dead_letters(queue_id, wanted.settings, known)
            if before.has_rule or wanted.settings.has_rule:
                yield One("shut_gate", where)
            values = _values(
                project_id, wanted.name, wanted.description, wanted.priority, wanted.state, wanted.settings
            )
            values |= {"paused_by": wanted.paused_by, "pause_reason": wanted.pause_reason}
            rows = yield One("update_queue", {**values, **where})
            if wanted.settings.is_fair and not before.settings.is_fair:
                yield One("join_common_line", where)
            after = queue_of(rows[0], self._engine)
            yield audit.entry(
                _verb(before, after), queue_id, before.name, before=_told(before), after=_told(after)
            )
            if before.has_rule or wanted.settings.has_rule:
                yield from draw_plan(self._engine, project_id, queue_id)
                after = queue_of((yield One("get_queue", where))[0], self._engine)
            return before, after

        changed = await self._engine.run(script)
        if changed is None:
            return None
        before, after = changed
        if after.has_rule and not before.has_rule:
            await outwait_claims(self._engine)
        if after.settings.is_fair and not before.settings.is_fair:
            await self._engine.call(One("join_common_line", where))  # those who came meanwhile
        return after

    def _known(self, project_id: ProjectId) -> Script[dict[QueueId, Queue]]:
        """The queues of the project, while nobody else can change its configuration.

        The version is bumped first: that locks the project's row until the transaction ends.
        """
        yield One("bump_config", {"project_id": project_id})
        rows = yield One("list_queues", {"project_id": project_id})
        return {queue.id: queue for row in rows if (queue := queue_of(row, self._engine))}

    async def delete(
        self, project_id: ProjectId, queue_id: QueueId, check: Callable[[Queue], None] | None = None
    ) -> dict[JobStatus, int]:
        queue = {"project_id": project_id, "queue_id": queue_id}
        unfinished = _counts(await self._engine.read(One("count_unfinished", queue)))
        if unfinished:
            return unfinished
        audit = Audit(project_id=project_id)
        before = await self._engine.run(lambda: self._close(queue, check))
        if before is None:
            return {}
        try:
            await self._let_writers_end()
            unfinished = await self._engine.run(lambda: self._remove(queue, before["state"], audit, check))
        except PreconditionFailed:
            await self._reopen(before)
            raise
        except Conflict:
            await self._reopen(before)
            raise Conflict("another queue names it as its dead-letter queue") from None
        except BaseException:
            await self._reopen(before)
            raise
        if unfinished:
            await self._reopen(before)
        return unfinished

    def _close(
        self, queue: Mapping[str, Any], check: Callable[[Queue], None] | None
    ) -> Script[dict[str, Any] | None]:
        """From the commit on nobody who looks at it puts a job in; answers what brings its state back."""
        rows = yield One("get_queue", queue)
        if not rows:
            return None
        before = {**queue, "state": rows[0]["state"], "paused_at": rows[0]["paused_at"]}
        change = {**before, "was": before["state"], "state": QueueState.CLOSED}
        if not (yield One("set_queue_state", change)):
            raise Unavailable("the queue was changed just now", hint="try again")
        yield from self._look(queue, check)  # from now on the row is ours until the commit
        yield One("bump_config", {"project_id": queue["project_id"]})
        return {**before, "was": QueueState.CLOSED}

    def _look(self, queue: Mapping[str, Any], check: Callable[[Queue], None] | None) -> Script[Queue | None]:
        rows = yield One("get_queue", queue)
        found = queue_of(rows[0], self._engine) if rows else None
        if check is not None and found is not None:
            check(found)
        return found

    async def _let_writers_end(self) -> None:
        """Those who may have seen it open, and will have left their jobs or none when they are gone."""
        deadline = time.monotonic() + DELETION_PATIENCE_SECONDS
        left = await self._writers()
        while left:
            if time.monotonic() > deadline:
                raise Unavailable(
                    "transactions that write jobs have not ended", hint="try again when they have"
                )
            await asyncio.sleep(DELETION_LOOK_SECONDS)
            left &= await self._writers()

    async def _writers(self) -> set[str]:
        return {row["writer"] for row in await self._engine.read(One("short_writers_of_jobs"))}

    def _remove(
        self,
        queue: Mapping[str, Any],
        state: str,
        audit: Audit,
        check: Callable[[Queue], None] | None,
    ) -> Script[dict[JobStatus, int]]:
        yield One("wait_briefly")
        yield One("lock_queue", queue)
        unfinished = _counts((yield One("count_unfinished", queue)))
        gone = yield from self._look(queue, check)
        if gone is not None and not unfinished:
            yield One("forget_starts", queue)
            yield One("delete_queue", queue)
            yield audit.entry("queue.delete", gone.id, gone.name, before={**_told(gone), "state": state})
            yield One("bump_config", {"project_id": queue["project_id"]})
        return unfinished

    async def _reopen(self, before: Mapping[str, Any]) -> None:
        def script() -> Script[None]:
            yield One("set_queue_state", before)
            yield One("bump_config", {"project_id": before["project_id"]})

        await self._engine.run(script)


def _told(queue: Queue) -> dict[str, Any]:
    """What the audit log says of a queue."""
    return {
        "name": queue.name,
        "description": queue.description,
        "priority": queue.priority,
        "state": queue.state,
        "settings": queue.settings.to_json(),
        "paused_by": queue.paused_by,
        "pause_reason": queue.pause_reason,
    }


def _verb(before: Queue, after: Queue) -> str:
    if before.state is after.state:
        return "queue.update"
    return {
        QueueState.PAUSED: "queue.pause",
        QueueState.ACTIVE: "queue.resume",
        QueueState.CLOSED: "queue.close",
    }[after.state]


def _counts(rows: Rows) -> dict[JobStatus, int]:
    return {JobStatus(row["status"]): int(row["jobs"]) for row in rows if row["jobs"]}


def _values(
    project_id: ProjectId,
    name: str,
    description: str | None,
    priority: int,
    state: QueueState,
    settings: QueueSettings,
) -> dict[str, Any]:
    return {
        "project_id": project_id,
        "name": name,
        "description": description,
        "priority": priority,
        "state": state,
        "settings": to_json(settings.to_json()),
        "aging_us": settings.aging_microseconds,
        "is_ruled": settings.has_rule,
        "common_line": "" if settings.is_fair else None,
        "max_concurrent_jobs": settings.max_concurrent_jobs,
        "rate_limit": settings.rate_limit,
        "dead_letter_queue_id": settings.dead_letter_queue_id,
        "paused_by": None,
        "pause_reason": None,
        "notify": to_json(list(settings.notify)) if settings.notify else None,
        "notify_on": ",".join(settings.notify_on) if settings.notify and settings.notify_on else None,
    }
