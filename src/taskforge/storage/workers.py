"""Workers and the task catalogue over SQL (``ports.workers``)."""

from __future__ import annotations

from dataclasses import astuple
from typing import TYPE_CHECKING, Any

from taskforge.domain.job_options import declared
from taskforge.domain.organization import exceeded
from taskforge.domain.requirements import abilities
from taskforge.ports.workers import Subscription
from taskforge.storage.auditing import Audit
from taskforge.storage.codec import from_json, process_of, task_of, to_json, worker_of
from taskforge.storage.engine import Engine, Many, One, Script, columns

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from taskforge.domain.ids import ProjectId, WorkerId
    from taskforge.domain.worker import ProcessIdentity, Registration, TaskDescription, Usage, Worker

_TASK_SAMPLES = ("queue_id", "job_type", "executions", "cpu_us", "most_cpu_us", "peak_memory_bytes")


class SqlWorkerStore:
    """Implements ``WorkerStore`` for any engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def register(
        self, project_id: ProjectId, worker_id: WorkerId, registration: Registration, lease_us: int
    ) -> ProcessIdentity | None:
        process = registration.process
        row = {
            "worker_id": worker_id,
            "project_id": project_id,
            "name": registration.name,
            "type": registration.type,
            "capabilities": to_json(registration.capabilities),
            "max_concurrent_jobs": registration.max_concurrent_jobs,
            "queues": to_json(list(registration.queues)),
            "job_types": to_json([task.name for task in registration.tasks]),
            "host": process.host,
            "machine": process.machine,
            "pid": process.pid,
            "process_started": process.started,
            "version": registration.version,
        }

        def script() -> Script[ProcessIdentity | None]:
            limits = yield One("lock_limits", {"project_id": project_id})
            yield One(
                "lock_project", {"project_id": project_id}
            )  # of two namesakes that start at once, one waits
            namesake = yield One(
                "live_namesake",
                {"project_id": project_id, "name": registration.name, "lease_us": lease_us},
            )
            if namesake:
                return process_of(namesake[0])
            if limits and limits[0]["max_workers"] is not None:
                yield from _check_limit(limits[0], project_id, registration.name, lease_us)
            yield One("supersede_workers", {"project_id": project_id, "name": registration.name})
            yield One("insert_worker", row)
            if registration.tasks:
                yield _tasks("upsert_tasks", project_id, registration.tasks)
            return None

        return await self._engine.run(script)

    async def declare(self, project_id: ProjectId, tasks: Sequence[TaskDescription]) -> None:
        await self._engine.call(_tasks("declare_tasks", project_id, tasks))

    async def stop(self, worker_id: WorkerId) -> None:
        await self._engine.call(One("stop_worker", {"worker_id": worker_id}))

    async def note_usage(self, worker_id: WorkerId, usage: Usage) -> None:
        process = {
            "worker_id": worker_id,
            "cpu_percent": usage.cpu_percent,
            "memory_bytes": usage.memory_bytes,
            "memory_percent": usage.memory_percent,
        }
        await self._engine.call(One("put_worker_sample", process))
        if usage.tasks:
            tasks = columns(_TASK_SAMPLES, map(astuple, usage.tasks))
            await self._engine.call(Many("put_task_samples", tasks, {"worker_id": worker_id}))

    async def forget(self, dead_workers: Sequence[WorkerId], silence_us: int) -> Sequence[WorkerId]:
        audit, identity = Audit(), self._engine.identity

        def script() -> Script[Sequence[WorkerId]]:
            rows = yield One("forget_workers", {"dead_workers": dead_workers, "silence_us": silence_us})
            for row in rows:
                told = audit.within(identity(row["project_id"]))
                yield told.entry("worker.lost", identity(row["id"]), row["name"])
            return [identity(row["id"]) for row in rows]

        return await self._engine.run(script)

    async def note_lost_suspects(self, worker_ids: Sequence[WorkerId]) -> None:
        await self._engine.call(One("note_lost_suspects", {"worker_ids": worker_ids}))

    async def list(self, project_id: ProjectId, *, stopped: bool = False) -> Sequence[Worker]:
        rows = await self._engine.read(One("list_workers", {"project_id": project_id, "stopped": stopped}))
        return [worker_of(row, self._engine) for row in rows]

    async def at_work(self, project_id: ProjectId, worker_id: WorkerId) -> Subscription | None:
        rows = await self._engine.read(
            One("worker_at_work", {"project_id": project_id, "worker_id": worker_id})
        )
        if not rows:
            return None
        [row] = rows
        able = abilities(from_json(row["capabilities"]), row["type"])
        return Subscription(row["name"], from_json(row["queues"]), from_json(row["job_types"]), able)

    async def get(self, project_id: ProjectId, worker_id: WorkerId) -> Worker | None:
        rows = await self._engine.read(One("get_worker", {"project_id": project_id, "worker_id": worker_id}))
        return worker_of(rows[0], self._engine) if rows else None

    async def set_drain(self, project_id: ProjectId, worker_id: WorkerId, *, drain: bool) -> bool:
        return await self._steer("drain_worker" if drain else "undrain_worker", project_id, worker_id)

    async def resize(self, project_id: ProjectId, worker_id: WorkerId, max_concurrent_jobs: int) -> bool:
        where = {"project_id": project_id, "worker_id": worker_id}
        audit = Audit(project_id=project_id)

        def script() -> Script[bool]:
            rows = yield One("resize_worker", {**where, "max_concurrent_jobs": max_concurrent_jobs})
            if rows:
                after = {"max_concurrent_jobs": max_concurrent_jobs}
                yield audit.entry("worker.update", worker_id, rows[0]["name"], after=after)
            return bool(rows)

        return await self._engine.run(script)

    async def deregister(self, project_id: ProjectId, worker_id: WorkerId) -> bool:
        return await self._steer("deregister_worker", project_id, worker_id)

    async def _steer(self, statement: str, project_id: ProjectId, worker_id: WorkerId) -> bool:
        audit = Audit(project_id=project_id)

        def script() -> Script[bool]:
            rows = yield One(statement, {"project_id": project_id, "worker_id": worker_id})
            if rows:
                yield audit.entry(f"worker.{statement.removesuffix('_worker')}", worker_id, rows[0]["name"])
            return bool(rows)

        return await self._engine.run(script)

    async def unstopped_on(self, machine: str) -> Sequence[tuple[WorkerId, ProcessIdentity]]:
        rows = await self._engine.read(One("workers_on_machine", {"machine": machine}))
        return [(self._engine.identity(row["id"]), process_of(row)) for row in rows]

    async def host_elsewhere(self, process: ProcessIdentity, since: datetime) -> str | None:
        rows = await self._engine.read(
            One(
                "worker_of_another_boot",
                {"boot": process.machine[:36], "host": process.host, "since": since},
            )
        )
        return rows[0]["host"] if rows else None

    async def tasks(self, project_id: ProjectId) -> Sequence[TaskDescription]:
        rows = await self._engine.read(One("list_tasks", {"project_id": project_id}))
        return [task_of(row) for row in rows]


def _check_limit(limits: Any, project_id: ProjectId, name: str, lease_us: int) -> Script[None]:
    """Raise LimitExceeded when the organization has its workers already; the one of this name makes room."""
    asked = {"organization_id": limits["organization_id"], "lease_us": lease_us}
    others = yield One("count_other_workers", {**asked, "project_id": project_id, "name": name})
    if others[0]["workers"] >= limits["max_workers"]:
        raise exceeded("workers", limits["max_workers"])


def _tasks(statement: str, project_id: ProjectId, tasks: Sequence[TaskDescription]) -> Many:
    """In the order of names, so that two processes never wait for each other in a circle."""
    ordered = sorted(tasks, key=lambda task: task.name)
    columns: dict[str, Sequence[object]] = {
        "name": [task.name for task in ordered],
        "queue": [task.queue for task in ordered],
        "schema": [None if task.schema is None else to_json(task.schema) for task in ordered],
        "description": [task.description for task in ordered],
        "options": [to_json(said) if (said := declared(task.options)) else None for task in ordered],
    }
    return Many(statement, columns, {"project_id": project_id})
