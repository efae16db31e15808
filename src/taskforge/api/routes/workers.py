"""Workers as operators see them, and the catalogue of tasks. What workers themselves say: `worker_protocol`."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from taskforge.api.call import Calling
from taskforge.api.pages import SortedPaging
from taskforge.api.routing import Resource
from taskforge.api.tenancy import Everywhere, WorkerHere
from taskforge.api.values import Flag
from taskforge.api.views.workers import (
    TaskView,
    WorkerChange,
    WorkerStatsView,
    WorkerView,
    task_view_of,
    view_of,
)
from taskforge.domain.access import Permission
from taskforge.domain.errors import NotFound
from taskforge.domain.worker import WorkerStatus, WorkerType

workers = Resource("/workers", "workers")
tasks = Resource("/tasks", "tasks")


@workers.get("", permission=Permission.WORKER_READ, name="workers.list", answers=WorkerView, is_list=True)
async def list_workers(
    call: Calling,
    everywhere: Everywhere,
    page: SortedPaging,
    worker_type: WorkerType | None = None,
    status: WorkerStatus | None = None,
    stopped: Annotated[Flag, Query(description="Also those that have left.")] = False,
) -> Response:
    """Workers, newest first: all, of one type, or of one status (`online`: the healthy ones)."""
    found = [
        view_of(*pair)
        for services in everywhere
        for pair in await services.worker_fleet.list(type=worker_type, status=status, stopped=stopped)
    ]
    part, meta = page.cut(sorted(found, key=lambda worker: worker.id, reverse=True))
    return call.answer(part, "listed", meta=meta, count=len(found))


@workers.get(
    "/healthy", permission=Permission.WORKER_READ, name="workers.healthy", answers=WorkerView, is_list=True
)
async def healthy_workers(call: Calling, everywhere: Everywhere, page: SortedPaging) -> Response:
    """The workers whose heartbeats come in time, draining ones as well."""
    healthy = (WorkerStatus.ONLINE, WorkerStatus.DRAINING)
    found = [
        view_of(*pair)
        for services in everywhere
        for pair in await services.worker_fleet.list()
        if pair[1] in healthy
    ]
    part, meta = page.cut(found)
    return call.answer(part, "listed", meta=meta, count=len(found))


@workers.get("/{worker_id}", permission=Permission.WORKER_READ, name="workers.get", answers=WorkerView)
async def get_worker(call: Calling, here: WorkerHere) -> Response:
    """One worker."""
    return call.answer(view_of(here.worker, here.status))


@workers.get(
    "/{worker_id}/stats", permission=Permission.WORKER_READ, name="workers.stats", answers=WorkerStatsView
)
async def worker_stats(call: Calling, here: WorkerHere) -> Response:
    """What it does and has done."""
    stats = await here.services.worker_fleet.stats(here.worker.id)
    return call.figures(
        WorkerStatsView(
            stats.worker_id,
            stats.active_jobs,
            stats.completed_jobs,
            stats.failed_jobs,
            stats.status,
            stats.last_heartbeat,
        )
    )


@workers.patch(
    "/{worker_id}",
    permission=Permission.WORKER_WRITE,
    name="workers.update",
    answers=WorkerView,
    status=204,
    problems=(409,),
)
async def update_worker(call: Calling, here: WorkerHere, body: WorkerChange) -> Response:
    """Have it run more or fewer jobs at once."""
    await here.services.worker_fleet.resize(here.worker.id, body.max_concurrent_jobs)
    return call.done(view_of(*await here.services.worker_fleet.get(here.worker.id)))


@workers.post(
    "/{worker_id}/drain",
    permission=Permission.WORKER_WRITE,
    name="workers.drain",
    answers=WorkerView,
    status=204,
    problems=(409,),
)
async def drain_worker(call: Calling, here: WorkerHere) -> Response:
    """Let it end what it runs and leave; it hears of it with its next heartbeat."""
    await here.services.worker_fleet.drain(here.worker.id)
    return call.done(view_of(*await here.services.worker_fleet.get(here.worker.id)))


@workers.delete(
    "/{worker_id}/drain",
    permission=Permission.WORKER_WRITE,
    name="workers.undrain",
    answers=WorkerView,
    status=204,
    problems=(409,),
)
async def undrain_worker(call: Calling, here: WorkerHere) -> Response:
    """Take a drain back; a process that has heard of it leaves all the same."""
    await here.services.worker_fleet.undrain(here.worker.id)
    return call.done(view_of(*await here.services.worker_fleet.get(here.worker.id)))


@workers.delete(
    "/{worker_id}", permission=Permission.WORKER_WRITE, name="workers.deregister", status=204, problems=(409,)
)
async def deregister_worker(call: Calling, here: WorkerHere) -> Response:
    """Forget a worker that runs nothing; if its process lives, it leaves."""
    await here.services.worker_fleet.deregister(here.worker.id)
    return call.done(None, "deleted")


@tasks.get("", permission=Permission.JOB_READ, name="tasks.list", answers=TaskView, is_list=True)
async def list_tasks(call: Calling, everywhere: Everywhere, page: SortedPaging) -> Response:
    """The catalogue of tasks by name, with the schemas of their parameters."""
    found = [task_view_of(task) for services in everywhere for task in await services.insights.tasks()]
    part, meta = page.cut(sorted(found, key=lambda task: task.name))
    return call.answer(part, "listed", meta=meta, count=len(found))


@tasks.get("/{name}", permission=Permission.JOB_READ, name="tasks.get", answers=TaskView)
async def get_task(call: Calling, everywhere: Everywhere, name: str) -> Response:
    """One task by name."""
    for services in everywhere:
        for task in await services.insights.tasks():
            if task.name == name:
                return call.answer(task_view_of(task))
    raise NotFound(f"no task is named {name!r:.100}")
