"""Scaling policies of a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from taskforge.client.resources import Resource, synchronous

if TYPE_CHECKING:
    from uuid import UUID


class Scaling(Resource):
    """``client.scaling``: how many workers queues should have. All is as the API tells it: docs/autoscaling.md."""

    async def alist(self) -> list[dict[str, Any]]:
        """The policies by the names of their queues."""
        return await self._by_number(dict[str, Any], "/scaling-policies")

    async def acreate(self, /, queue_name: str, **values: Any) -> dict[str, Any]:
        """Give a queue a policy: min_workers, max_workers, ... Raises InvalidInput, NotFound, Conflict."""
        return await self._do(dict[str, Any], "/scaling-policies", {"queue_name": queue_name, **values})

    async def aget(self, queue_id: UUID) -> dict[str, Any]:
        """The policy of a queue. Raises NotFound."""
        return await self._get(dict[str, Any], f"/scaling-policies/{queue_id}")

    async def aupdate(self, /, queue_id: UUID, **values: Any) -> dict[str, Any]:
        """Change what is given; None goes back to the default."""
        return await self._do(dict[str, Any], f"/scaling-policies/{queue_id}", values, method="PATCH")

    async def adelete(self, queue_id: UUID) -> None:
        """Remove the policy; workers stay as they are."""
        await self._transport.ask("DELETE", f"/scaling-policies/{queue_id}")

    async def aevaluate(self, queue_name: str) -> dict[str, Any]:
        """How many workers a queue should have now: ``desired_workers``, and why. It changes nothing."""
        return await self._get(dict[str, Any], f"/autoscaling/{quote(queue_name, safe='')}")

    async def aevaluate_all(self) -> list[dict[str, Any]]:
        """The same for all queues with a policy."""
        return await self._do(list[dict[str, Any]], "/scaling-policies/evaluate", may_repeat=True)

    async def aexecute(self, queue_id: UUID) -> dict[str, Any]:
        """Carry out what is recommended now: ``recommendation``, and the ``decision``, None when nothing was to be done."""
        return await self._do(dict[str, Any], f"/scaling-policies/{queue_id}/execute")

    async def asimulate(self, /, queue_id: UUID, **request: Any) -> dict[str, Any]:
        """Replay ``arrivals`` (of ``at``, ``jobs``, ``work``), or the last ``hours``; ``policy``: what is to be otherwise."""
        path = f"/scaling-policies/{queue_id}/simulate"
        return await self._do(dict[str, Any], path, request, may_repeat=True)

    async def ahistory(self, /, *, limit: int = 20, queue_id: UUID | None = None) -> list[dict[str, Any]]:
        """What was decided and carried out, the latest first."""
        chosen = {} if queue_id is None else {"queue_id": str(queue_id)}
        return [found async for found in self._all(dict[str, Any], "/scaling-decisions", limit, **chosen)]

    list = synchronous(alist)
    create = synchronous(acreate)
    get = synchronous(aget)
    update = synchronous(aupdate)
    delete = synchronous(adelete)
    evaluate = synchronous(aevaluate)
    evaluate_all = synchronous(aevaluate_all)
    execute = synchronous(aexecute)
    simulate = synchronous(asimulate)
    history = synchronous(ahistory)
