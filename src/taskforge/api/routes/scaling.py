"""How many workers queues should have: policies, what they recommend, what was decided."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Query
from starlette.responses import Response

from taskforge.api.backend import ProjectServices
from taskforge.api.call import Calling
from taskforge.api.etags import check_match, etag_of
from taskforge.api.operation import Reach
from taskforge.api.pages import Paging, SortedPaging
from taskforge.api.routing import Resource
from taskforge.api.tenancy import Everywhere, OneProject, ProjectChoice, QueueHere, queue_beside, reachable
from taskforge.api.values import Id
from taskforge.api.views.scaling import NewPolicy, PolicyChange, SimulationRequest
from taskforge.domain.access import Permission
from taskforge.domain.errors import InvalidInput, NotFound
from taskforge.domain.queue import Queue
from taskforge.domain.scaling import StoredPolicy
from taskforge.services.scaling_records import (
    DecisionRecord,
    ExecutionResult,
    PolicyRecord,
    RecommendationRecord,
    SimulationRecord,
    decision_record,
    execution_result,
    policy_record,
    recommendation_record,
    simulation_record,
)

policies = Resource("/scaling-policies", "scaling")
decisions = Resource("/scaling-decisions", "scaling")
autoscaling = Resource("/autoscaling", "scaling")


@dataclass(frozen=True, slots=True)
class ScaledQueue:
    """A queue, and the services of its project."""

    services: ProjectServices
    queue: Queue


async def _scaled_queue(
    queue_name: Annotated[str, Path(description="The queue's name, or its id.")],
    call: Calling,
    project_id: ProjectChoice = None,
) -> ScaledQueue:
    for found in await reachable(call, project_id):
        services = await call.backend.project(found)
        for queue in await services.queues.list():
            if queue_name in (queue.name, str(queue.id)) and call.principal.reaches_queue(queue.id):
                return ScaledQueue(services, queue)
    raise NotFound("there is no queue of this name")


ScaledQueueHere = Annotated[ScaledQueue, Depends(_scaled_queue)]


@policies.get(
    "", permission=Permission.SCALING_READ, name="scaling_policies.list", answers=PolicyRecord, is_list=True
)
async def list_policies(call: Calling, everywhere: Everywhere, page: SortedPaging) -> Response:
    """The policies of all queues that have one, by the names of the queues."""
    found = [policy_record(stored) for services in everywhere for stored in await services.scaling.list()]
    part, meta = page.cut(sorted(found, key=lambda policy: (policy.queue_name, policy.id)))
    return call.answer(part, "listed", meta=meta, count=len(found))


@policies.post(
    "",
    permission=Permission.SCALING_WRITE,
    name="scaling_policies.create",
    answers=PolicyRecord,
    status=201,
    problems=(404, 409),
)
async def create_policy(call: Calling, project: OneProject, body: NewPolicy) -> Response:
    """Give a queue a policy."""
    queue = await queue_beside(call, project, *body.queue)
    if queue is None:
        raise InvalidInput("say which queue: queue_id or queue_name", field="queue_name")
    stored = await project.scaling.create(queue.id, body.given())
    location = f"/api/v1/scaling-policies/{queue.id}"
    return call.created(policy_record(stored), location, "scaling_policies.created", headers=_version(stored))


@policies.post(
    "/evaluate",
    permission=Permission.SCALING_READ,
    name="scaling_policies.evaluate_all",
    answers=list[RecommendationRecord],
    problems=(404,),
)
async def evaluate_policies(call: Calling, project: OneProject) -> Response:
    """What every policy of a project recommends now. It changes nothing."""
    found = [recommendation_record(evaluation) for evaluation in await project.scaling.evaluate_all()]
    return call.answer(found, "listed", count=len(found))


@policies.get(
    "/{queue_id}", permission=Permission.SCALING_READ, name="scaling_policies.get", answers=PolicyRecord
)
async def get_policy(call: Calling, here: QueueHere) -> Response:
    """The policy of a queue."""
    stored = await here.services.scaling.get(here.queue.id)
    return call.answer(policy_record(stored), headers=_version(stored))


@policies.patch(
    "/{queue_id}",
    permission=Permission.SCALING_WRITE,
    name="scaling_policies.update",
    answers=PolicyRecord,
    status=204,
    problems=(412,),
)
async def update_policy(call: Calling, here: QueueHere, body: PolicyChange) -> Response:
    """Change what the body names. With If-Match only the version that was seen."""

    def check(stored: StoredPolicy) -> None:
        check_match(call.request, etag_of(stored.updated_at))

    stored = await here.services.scaling.change(here.queue.id, body.given(), check=check)
    return call.done(policy_record(stored), "updated", headers=_version(stored))


@policies.delete(
    "/{queue_id}",
    permission=Permission.SCALING_WRITE,
    name="scaling_policies.delete",
    status=204,
    problems=(412,),
)
async def delete_policy(call: Calling, here: QueueHere) -> Response:
    """Remove the policy of a queue; its workers stay as they are."""
    await here.services.scaling.delete(
        here.queue.id, check=lambda stored: check_match(call.request, etag_of(stored.updated_at))
    )
    return call.done(None, "deleted")


@policies.post(
    "/{queue_id}/evaluate",
    permission=Permission.SCALING_READ,
    name="scaling_policies.evaluate",
    answers=RecommendationRecord,
)
async def evaluate_policy(call: Calling, here: QueueHere) -> Response:
    """What the policy of a queue recommends now. It changes nothing."""
    return call.answer(recommendation_record(await here.services.scaling.evaluate(here.queue.id)))


@policies.post(
    "/{queue_id}/execute",
    permission=Permission.SCALING_WRITE,
    name="scaling_policies.execute",
    answers=ExecutionResult,
    problems=(409,),
)
async def execute_policy(call: Calling, here: QueueHere) -> Response:
    """Carry out what the policy recommends now, if anything; bounds and cooldowns hold as they do by themselves."""
    result = execution_result(*await here.services.scaling.execute(here.queue.id))
    return call.answer(result, "found" if result.decision is None else "scaling_policies.executed")


@policies.post(
    "/{queue_id}/simulate",
    permission=Permission.SCALING_READ,
    name="scaling_policies.simulate",
    answers=SimulationRecord,
)
async def simulate_policy(call: Calling, here: QueueHere, body: SimulationRequest) -> Response:
    """Replay arrivals against the policy of a queue, or one that it might have. It changes nothing."""
    if (body.arrivals is None) == (body.hours is None):
        raise InvalidInput("say what is to be replayed: either arrivals or hours", field="arrivals")
    simulating = here.services.simulating
    arrivals = body.named() or await simulating.past(here.queue.id, body.hours or 1)
    found = await simulating.replay(here.queue.id, body.otherwise, arrivals, body.fleet)
    return call.answer(simulation_record(found))


@decisions.get(
    "",
    permission=Permission.SCALING_READ,
    name="scaling_decisions.list",
    answers=DecisionRecord,
    is_list=True,
    problems=(404,),
)
async def list_decisions(
    call: Calling,
    project: OneProject,
    page: Paging,
    queue_id: Annotated[Id | None, Query(description="Only those for this queue.")] = None,
) -> Response:
    """What was decided and carried out in a project, the latest first. Deeper than the first page: by cursor."""
    read = await project.scaling.decisions(queue_id, before=page.after, limit=page.wanted)
    part, meta = page.newest(read, lambda decision: decision.id)
    data = [decision_record(decision) for decision in part]
    return call.answer(data, "listed", meta=meta, count=len(data))


@autoscaling.get(
    "/{queue_name}",
    permission=Permission.SCALING_READ,
    name="autoscaling.get",
    answers=RecommendationRecord,
    reach=Reach.QUEUE,
)
async def get_autoscaling(call: Calling, here: ScaledQueueHere) -> Response:
    """How many workers a queue should have now: `data.desired_workers`, for the metrics-api scaler of KEDA."""
    return call.answer(recommendation_record(await here.services.scaling.evaluate(here.queue.id)))


def _version(stored: StoredPolicy) -> dict[str, str]:
    return {"ETag": etag_of(stored.updated_at)}
