"""What the commands of `assignments` ask the services, as documents, and how they are printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.cli.show import plain, print_json
from taskforge.cli.tables import print_fields, print_table
from taskforge.domain.balancing import effective_strategy, load_of
from taskforge.domain.errors import NotFound
from taskforge.domain.worker import WorkerStatus
from taskforge.services.directory import near

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from taskforge.domain.assignment import Assignment
    from taskforge.domain.worker import Worker
    from taskforge.platform import Platform
    from taskforge.services.assignments import Servant

    Document = dict[str, Any]
    Present = Sequence[tuple[Worker, WorkerStatus]]


class LocalAssignments:
    """Implements ``AssignmentDesk`` over the services of a project."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._service = platform.assignments

    async def all(self, queue: str | None, worker: str | None) -> list[Document]:
        return [await self._document(found) for found in await self._service.list(queue=queue, worker=worker)]

    async def create(self, queue: str, worker: str, weight: int, *, is_active: bool) -> Document:
        made = await self._service.create(queue, worker, weight=weight, is_active=is_active)
        return await self._document(made)

    async def change(self, queue: str, worker: str, values: Mapping[str, Any]) -> Document:
        found = await self._service.between(queue, worker)
        return await self._document(await self._service.update(found.id, **values))

    async def remove(self, queue: str, worker: str) -> Document:
        found = await self._service.between(queue, worker)
        return await self._document(await self._service.remove(found.id))

    async def workers_of(self, queue: str) -> list[Document]:
        return [_servant(found) for found in await self._service.servants(queue)]

    async def queues_of(self, worker: str) -> list[Document]:
        present = await self._platform.health.workers()
        names = {found.name: found.id for found, status in present if status.is_live}
        if worker not in names:
            raise NotFound(f"no live worker is named {worker!r}", hint=near(worker, sorted(names)))
        return [
            {
                "queue_id": str(found.queue.id),
                "queue_name": found.queue.name,
                "strategy": found.strategy.value,
                "weight": found.weight,
            }
            for found in await self._service.services(names[worker])
        ]

    async def matrix(self) -> Document:
        found = await self._service.matrix()
        return {
            "queues": [
                {
                    "id": str(queue.id),
                    "name": queue.name,
                    "strategy": effective_strategy(queue).value,
                    "is_open": queue.plan is None or queue.plan.rivals is None,
                }
                for queue in found.queues
            ],
            "workers": [
                {"id": str(w.id), "name": w.name, "status": status.value, **_load(w)}
                for w, status in found.workers
            ],
            "assignments": {
                str(i): [_document(a, found.workers) for a in of] for i, of in found.assignments.items()
            },
            "serving": {str(i): [_servant(s) for s in of] for i, of in found.servants.items()},
        }

    async def _document(self, assignment: Assignment) -> Document:
        return _document(assignment, await self._platform.health.workers())


def _document(assignment: Assignment, present: Present) -> Document:
    worker = assignment.live_worker(present)
    document: Document = plain(assignment)
    names = list(document)
    there = {
        **document,
        "worker_id": None if worker is None else str(worker.id),
        "is_pattern": assignment.is_pattern,
    }
    names.insert(names.index("worker_name"), "worker_id")
    names.insert(names.index("weight"), "is_pattern")
    return {name: there[name] for name in names}


def _servant(servant: Servant) -> Document:
    return {
        "worker_id": str(servant.worker.id),
        "worker_name": servant.worker.name,
        "status": servant.status.value,
        "weight": servant.weight,
        **_load(servant.worker),
    }


def _load(worker: Any) -> Document:
    load = load_of(worker)
    return {
        "active_jobs": load.active_jobs,
        "max_concurrent_jobs": load.max_concurrent_jobs,
        "load_percentage": load.percent,
    }


def print_assignment(found: Document, *, as_json: bool) -> None:
    """One assignment."""
    if as_json:
        print_json(found)
        return
    print_fields(
        (
            ("queue", found["queue_name"]),
            ("worker", found["worker_name"]),
            ("weight", found["weight"]),
            ("active", _yes(found["is_active"])),
            ("id", found["id"]),
        )
    )


def print_assignments(found: Sequence[Document]) -> None:
    """Assignments as a table."""
    print_table(
        ("QUEUE", "WORKER", "WEIGHT", "ACTIVE"),
        [(a["queue_name"], a["worker_name"], a["weight"], _yes(a["is_active"])) for a in found],
        empty="there are none: every worker serves the queues that it subscribes to",
        right=("WEIGHT",),
    )


def print_servants(queue: str, found: Sequence[Document]) -> None:
    """The workers of a queue with their load."""
    print_table(
        ("WORKER", "STATUS", "WEIGHT", "JOBS", "LOAD"),
        [
            (
                s["worker_name"],
                s["status"],
                s["weight"],
                f"{s['active_jobs']}/{s['max_concurrent_jobs']}",
                f"{s['load_percentage']:g} %",
            )
            for s in found
        ],
        empty=f"no live worker serves queue {queue}",
        right=("WEIGHT", "JOBS", "LOAD"),
    )


def print_services(worker: str, found: Sequence[Document]) -> None:
    """The queues of a worker."""
    print_table(
        ("QUEUE", "STRATEGY", "WEIGHT"),
        [(s["queue_name"], s["strategy"], s["weight"]) for s in found],
        empty=f"worker {worker} serves no queue",
        right=("WEIGHT",),
    )


def print_matrix(found: Document) -> None:
    """Queues as rows, live workers as columns; a cell is the weight where the worker serves the queue."""
    alive = [w for w in found["workers"] if w["status"] != WorkerStatus.OFFLINE]
    rows = []
    for queue in found["queues"]:
        weights = {s["worker_id"]: s["weight"] for s in found["serving"][queue["id"]]}
        cells = [weights.get(worker["id"], "-") for worker in alive]
        rows.append((queue["name"], queue["strategy"], *cells))
    print_table(("QUEUE", "STRATEGY", *(w["name"] for w in alive)), rows, empty="there are no queues yet")


def _yes(value: bool) -> str:
    return "yes" if value else "no"
