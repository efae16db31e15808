"""What the commands `scaling` do with the services of a project, or with a server, and how they print it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.cli.show import plain
from taskforge.cli.tables import print_fields, print_table
from taskforge.cli.text import stamp
from taskforge.domain.errors import NotFound
from taskforge.domain.scaling_policy import ScalingPolicy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from taskforge.client import Client
    from taskforge.client.views import Queue
    from taskforge.platform import Platform

    Document = dict[str, Any]

FIELDS = (
    "queue_name", "enabled", "min_workers", "max_workers", "target_queue_length", "target_worker_utilization",
    "target_age_seconds", "scale_up_threshold", "scale_down_threshold", "scale_up_cooldown", "scale_down_cooldown",
    "provisioner", "target", "confirmed_workers", "last_scaled_at", "failures",
)  # fmt: skip


class LocalScaling:
    """Implements ``ScalingDesk`` over the services of a project."""

    def __init__(self, platform: Platform) -> None:
        self._scaling = platform.scaling

    async def all(self) -> list[Document]:
        from taskforge.services.scaling_records import policy_record

        return [plain(policy_record(stored)) for stored in await self._scaling.list()]

    async def put(self, queue: str, values: Mapping[str, Any]) -> Document:
        from taskforge.services.scaling_records import policy_record

        known = {stored.queue_name for stored in await self._scaling.list()}
        change = self._scaling.change if queue in known else self._scaling.create
        document: Document = plain(policy_record(await change(queue, values)))
        return document

    async def remove(self, queue: str) -> None:
        await self._scaling.delete(queue)

    async def evaluate(self, queue: str | None) -> list[Document]:
        from taskforge.services.scaling_records import recommendation_record

        found = await self._scaling.evaluate_all() if queue is None else [await self._scaling.evaluate(queue)]
        return [plain(recommendation_record(evaluation)) for evaluation in found]

    async def execute(self, queue: str) -> Document:
        from taskforge.services.scaling_records import execution_result

        document: Document = plain(execution_result(*await self._scaling.execute(queue)))
        return document

    async def history(self, queue: str | None, limit: int) -> list[Document]:
        from taskforge.services.scaling_records import decision_record

        found = await self._scaling.decisions(queue, limit=limit)
        return [plain(decision_record(decision)) for decision in found]


class RemoteScaling:
    """Implements ``ScalingDesk`` over the HTTP API; ``queue`` finds a queue by its name."""

    def __init__(self, client: Client, queue: Callable[[str], Awaitable[Queue]]) -> None:
        self._scaling = client.scaling
        self._queue = queue

    async def all(self) -> list[Document]:
        return await self._scaling.alist()

    async def put(self, queue: str, values: Mapping[str, Any]) -> Document:
        known = {found["queue_name"]: found for found in await self._scaling.alist()}
        if queue not in known:
            ScalingPolicy.parse(values)
            return await self._scaling.acreate((await self._queue(queue)).name, **values)
        before = {name: known[queue][name] for name in ScalingPolicy().to_json()}
        ScalingPolicy.parse(before).changed(values)
        return await self._scaling.aupdate(known[queue]["queue_id"], **values)

    async def remove(self, queue: str) -> None:
        await self._scaling.adelete((await self._queue(queue)).id)

    async def evaluate(self, queue: str | None) -> list[Document]:
        if queue is None:
            return await self._scaling.aevaluate_all()
        return [await self._scaling.aevaluate((await self._queue(queue)).name)]

    async def execute(self, queue: str) -> Document:
        return await self._scaling.aexecute((await self._queue(queue)).id)

    async def history(self, queue: str | None, limit: int) -> list[Document]:
        queue_id = None if queue is None else (await self._queue(queue)).id
        return await self._scaling.ahistory(limit=limit, queue_id=queue_id)


def policy_named(found: Sequence[Document], queue: str) -> Document:
    """The policy of this queue. Raises NotFound."""
    for policy in found:
        if policy["queue_name"] == queue:
            return policy
    raise NotFound(
        f"queue {queue!r} has no scaling policy", hint=f"taskforge scaling set {queue} max_workers=4"
    )


def print_policies(found: Sequence[Document]) -> None:
    """A table of policies."""
    print_table(
        ("QUEUE", "WORKERS", "LENGTH", "USE", "AGE", "UP", "DOWN", "COOLDOWNS", "PROVISIONER", "STATE"),
        [
            (
                one["queue_name"],
                f"{one['min_workers']}-{one['max_workers']}",
                one["target_queue_length"],
                f"{one['target_worker_utilization']} %",
                "" if one["target_age_seconds"] is None else f"{one['target_age_seconds']} s",
                f"> {one['scale_up_threshold']}",
                f"< {one['scale_down_threshold']}",
                f"{one['scale_up_cooldown']}/{one['scale_down_cooldown']} s",
                one["provisioner"],
                _state(one),
            )
            for one in found
        ],
        empty="no queue has a scaling policy; make one: taskforge scaling set QUEUE max_workers=4",
    )


def print_policy(policy: Document) -> None:
    """All fields of a policy, one a line."""
    print_fields((name, _shown(policy[name])) for name in FIELDS)


def print_recommendations(found: Sequence[Document]) -> None:
    """What is recommended, and why."""
    print_table(
        ("QUEUE", "ACTION", "WORKERS", "REASON", ""),
        [
            (
                one["queue_name"],
                one["action"] or "-",
                f"{one['current_workers']} -> {one['desired_workers']}",
                one["reason"],
                one["message"],
            )
            for one in found
        ],
        empty="no queue has a scaling policy",
    )


def print_decisions(found: Sequence[Document]) -> None:
    """Decisions, a line each."""
    print_table(
        ("TIME", "QUEUE", "ACTION", "WORKERS", "OUTCOME", "WHY", "WHAT"),
        [
            (
                stamp(one["created_at"]),
                one["queue_name"],
                one["action"],
                f"{one['from_workers']} -> {one['to_workers']}",
                one["outcome"],
                one["message"],
                one["detail"] or "",
            )
            for one in found
        ],
        empty="nothing was decided yet",
    )


def _state(policy: Document) -> str:
    if not policy["enabled"]:
        return "off"
    return f"failed {policy['failures']}x" if policy["failures"] else "on"


def _shown(value: Any) -> Any:
    return "no" if value is False else "yes" if value is True else value
