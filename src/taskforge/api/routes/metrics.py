"""What attempts add up to, per project, queue, job type and worker, and over time."""

from dataclasses import asdict
from typing import Annotated

from fastapi import Depends, Query
from starlette.responses import Response

from taskforge.api.backend import ProjectServices
from taskforge.api.call import Calling
from taskforge.api.operation import Reach
from taskforge.api.pages import SortedPaging
from taskforge.api.routing import Resource
from taskforge.api.tenancy import OneProject, QueueHere, WorkerHere
from taskforge.api.values import Id, Moment
from taskforge.api.views.metrics import (
    DepthView,
    ProjectMetricsView,
    QueueDepthView,
    QueueMetricsView,
    ThroughputView,
    TrendView,
    TypeMetricsView,
    WorkerMetricsView,
    shown,
)
from taskforge.domain.access import Permission
from taskforge.domain.errors import InvalidInput
from taskforge.domain.ids import QueueId
from taskforge.domain.metrics import Period

metrics = Resource("/metrics", "metrics")
of_queues = Resource("/queues", "metrics")
of_workers = Resource("/workers", "metrics")

MOST_HOURS = 24 * 400
Hours = Annotated[
    float,
    Query(
        gt=0,
        le=MOST_HOURS,
        allow_inf_nan=False,
        description="So many hours until now, unless start and end are given.",
    ),
]
Bound = Annotated[Moment | None, Query()]


async def _over(project: OneProject, hours: Hours = 24, start: Bound = None, end: Bound = None) -> Period:
    return await _period(project, hours, start, end)


Over = Annotated[Period, Depends(_over)]
"""The period of a project that the query asks for, else the last day."""


@metrics.get("", permission=Permission.JOB_READ, name="metrics.project", answers=ProjectMetricsView)
async def project_metrics(call: Calling, project: OneProject, period: Over) -> Response:
    """A project: attempts, success rate, durations and waits."""
    found = await project.metrics.project(period)
    return call.figures(shown(ProjectMetricsView, found))


@metrics.get(
    "/queues", permission=Permission.JOB_READ, name="metrics.queues", answers=QueueMetricsView, is_list=True
)
async def metrics_of_queues(
    call: Calling,
    project: OneProject,
    page: SortedPaging,
    period: Over,
) -> Response:
    """Every queue of a project."""
    found = await project.metrics.queues(period)
    part, meta = page.cut([shown(QueueMetricsView, one) for one in found])
    return call.answer(part, "listed", meta=meta, count=len(found))


@metrics.get(
    "/job-types",
    permission=Permission.JOB_READ,
    name="metrics.job_types",
    answers=TypeMetricsView,
    is_list=True,
)
async def metrics_of_types(
    call: Calling,
    project: OneProject,
    page: SortedPaging,
    period: Over,
    queue_id: Annotated[Id | None, Query()] = None,
) -> Response:
    """Every job type that ended an attempt, in one queue or in all."""
    found = await project.metrics.job_types(period, queue_id=None if queue_id is None else QueueId(queue_id))
    part, meta = page.cut([shown(TypeMetricsView, one) for one in found])
    return call.answer(part, "listed", meta=meta, count=len(found))


@metrics.get(
    "/workers",
    permission=Permission.WORKER_READ,
    name="metrics.workers",
    answers=WorkerMetricsView,
    is_list=True,
)
async def metrics_of_workers(
    call: Calling,
    project: OneProject,
    page: SortedPaging,
    period: Over,
) -> Response:
    """Every worker that lived then; incarnations of one name stand together."""
    found = await project.metrics.workers(period)
    part, meta = page.cut([shown(WorkerMetricsView, one) for one in found])
    return call.answer(part, "listed", meta=meta, count=len(found))


@metrics.get("/depths", permission=Permission.QUEUE_READ, name="metrics.depths", answers=list[QueueDepthView])
async def depths(call: Calling, project: OneProject) -> Response:
    """What each queue of a project holds now; one that is missing holds nothing."""
    names = {queue.id: queue.name for queue in await project.queues.list()}
    found = await project.metrics.depths_now()
    return call.figures(
        [
            QueueDepthView(queue_id=queue_id, queue_name=names[queue_id], **asdict(depth))
            for queue_id, depth in found.items()
            if queue_id in names
        ]
    )


@metrics.get(
    "/throughput", permission=Permission.JOB_READ, name="metrics.throughput", answers=list[ThroughputView]
)
async def throughput(
    call: Calling, project: OneProject, hours: Hours = 1, start: Bound = None, end: Bound = None
) -> Response:
    """What ended in each minute (over longer periods: hour or day) of a project."""
    found = await project.metrics.throughput(await _period(project, hours, start, end))
    return call.figures([shown(ThroughputView, one) for one in found])


@metrics.get("/trends", permission=Permission.JOB_READ, name="metrics.trends", answers=list[TrendView])
async def trends(call: Calling, project: OneProject) -> Response:
    """The last hour of each queue in which something ended, in steps of five minutes."""
    found = await project.metrics.trends()
    return call.figures(
        [
            TrendView(one.queue_id, one.starts_at, one.step.total_seconds(), one.succeeded, one.failed)
            for one in found
        ]
    )


@of_queues.get(
    "/{queue_id}/metrics",
    permission=Permission.JOB_READ,
    name="queues.metrics",
    answers=QueueMetricsView,
    reach=Reach.QUEUE,
)
async def queue_metrics(
    call: Calling, here: QueueHere, hours: Hours = 24, start: Bound = None, end: Bound = None
) -> Response:
    """One queue: attempts, success rate, durations and waits."""
    period = await _period(here.services, hours, start, end)
    return call.figures(shown(QueueMetricsView, await here.services.metrics.queue(here.queue.id, period)))


@of_queues.get(
    "/{queue_id}/throughput",
    permission=Permission.JOB_READ,
    name="queues.throughput",
    answers=list[ThroughputView],
    reach=Reach.QUEUE,
)
async def queue_throughput(
    call: Calling, here: QueueHere, hours: Hours = 1, start: Bound = None, end: Bound = None
) -> Response:
    """What ended in each minute (over longer periods: hour or day) in one queue."""
    period = await _period(here.services, hours, start, end)
    found = await here.services.metrics.throughput(period, queue_id=here.queue.id)
    return call.figures([shown(ThroughputView, one) for one in found])


@of_queues.get(
    "/{queue_id}/depths",
    permission=Permission.QUEUE_READ,
    name="queues.depths",
    answers=list[DepthView],
    reach=Reach.QUEUE,
)
async def queue_depths(
    call: Calling, here: QueueHere, hours: Hours = 1, start: Bound = None, end: Bound = None
) -> Response:
    """What a queue held in each minute; one that is missing: it was empty, or no process ran."""
    period = await _period(here.services, min(hours, 24 * 7), start, end)
    found = await here.services.metrics.depths(here.queue.id, period)
    return call.figures([shown(DepthView, one) for one in found])


@of_workers.get(
    "/{worker_id}/metrics",
    permission=Permission.WORKER_READ,
    name="workers.metrics",
    answers=WorkerMetricsView,
)
async def worker_metrics(
    call: Calling, here: WorkerHere, hours: Hours = 24, start: Bound = None, end: Bound = None
) -> Response:
    """One worker: what it did, and what it used."""
    period = await _period(here.services, hours, start, end)
    return call.figures(shown(WorkerMetricsView, await here.services.metrics.worker(here.worker.id, period)))


async def _period(project: ProjectServices, hours: float, start: Moment | None, end: Moment | None) -> Period:
    last = await project.metrics.last(hours)
    if start is None and end is None:
        return last
    if start is None or end is None or not start < end or (end - start).days > MOST_HOURS // 24:
        raise InvalidInput("give both start and end, the end later, at most 400 days apart", field="start")
    return Period(start, end)
