"""Gates of queues: what they keep of a queue's plan, and how a new rule is waited in."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from taskforge.domain.balancing import Plan
from taskforge.storage.codec import assignment_of, queue_of, to_json
from taskforge.storage.engine import One

if TYPE_CHECKING:
    from taskforge.domain.ids import ProjectId, QueueId
    from taskforge.storage.engine import Engine, Script

LONGEST_CLAIM_SECONDS = 2.0


def draw_plan(engine: Engine, project_id: ProjectId, queue_id: QueueId) -> Script[None]:
    """Write at the gate, which the caller has shut, what the queue's settings and assignments say now."""
    queue = {"project_id": project_id, "queue_id": queue_id}
    rows = yield One("get_queue", queue)
    if not rows:
        return
    settings = queue_of(rows[0], engine).settings
    found = yield One("assignments_of_queue", queue)
    plan = Plan.of(settings.strategy, [assignment_of(row, engine) for row in found])
    yield One("put_plan", {**queue, "plan": None if plan is None else to_json(plan.to_json())})
    yield One("rule_queue", {**queue, "is_ruled": plan is not None or settings.has_rule})


async def outwait_claims(engine: Engine) -> None:
    """Let the claims end that do not know of a queue's rule, since they began before it was set.

    Transactions that change jobs for other reasons look the same; so there is a limit.
    """
    until = time.monotonic() + LONGEST_CLAIM_SECONDS
    holders = await _claims_under_way(engine)
    while holders and time.monotonic() < until:
        await asyncio.sleep(0.01)
        holders &= await _claims_under_way(engine)


async def _claims_under_way(engine: Engine) -> frozenset[str]:
    rows = await engine.read(One("claims_under_way"))
    return frozenset(row["holder"] for row in rows)
