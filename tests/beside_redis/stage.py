"""The stage of the conformance tests, with a worker that gets its jobs from ready queues in Redis."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from taskforge.coordination.local import Hub, LocalSignals
from taskforge.coordination.redis_queues import RedisReadyQueues
from taskforge.coordination.redis_server import RedisServer
from taskforge.ports.jobs import ClaimBatch, ClaimRequest
from taskforge.services.agreement import Agreement
from taskforge.services.directory import QueueDirectory
from taskforge.services.dispatch import QueueDispatch
from taskforge.services.offering import Offering
from taskforge.storage.codec import retry_policy_of
from taskforge.storage.dispatch import SqlDispatchStore
from tests.conformance.stage import LEASE, WORKER, Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskforge.domain.ids import ProjectId, WorkerId
    from taskforge.domain.queue import Queue
    from taskforge.ports.dispatch import Pulled


class AlwaysMyTurn(RedisReadyQueues):
    """So that a test compares when it wants to. Without ``promotes`` it keeps to itself what is due."""

    promotes = True

    async def turn(self, project_id: ProjectId, name: str, seconds: float) -> bool:
        return True

    async def pull(self, *asked: Any, **how: Any) -> Pulled:
        pulled = await super().pull(*asked, **how)
        return pulled if self.promotes else pulled._replace(due={})


class Dispatching:
    """What a process has of one project: its ready queues and what makes them agree with the record."""

    def __init__(self, stage: Stage, server: RedisServer, project: ProjectId | None = None) -> None:
        project = project or stage.project
        hub = Hub()
        self.signals = LocalSignals(hub)
        self.store = SqlDispatchStore(stage.engine, stage.jobs)
        self.ready = AlwaysMyTurn(server, due_seconds=0.0)
        self.directory = QueueDirectory(stage.queues, project, retry_policy_of)
        self.agreement = Agreement(self.store, self.ready, stage.queues, self.signals, project, under_way=0.0)
        self.offering = Offering(self.ready, self.agreement, self.directory, self.signals)
        self.dispatch = QueueDispatch(
            stage.jobs, self.store, self.ready, self.directory, self.agreement, self.offering
        )
        hub.subscribe(self.dispatch.heard)


class RedisStage(Stage):
    """Claims by ready queues that were compared with the record just before, as the loop of any process does."""

    def __init__(self, url: str, server: RedisServer) -> None:
        super().__init__(url)
        self.server = server
        self._dispatching: dict[ProjectId, Dispatching] = {}

    def dispatching(self, project: ProjectId | None = None) -> Dispatching:
        """That of a project; its worker has asked the record once already."""
        project = project or self.project
        found = self._dispatching.get(project)
        if found is None:
            found = self._dispatching[project] = Dispatching(self, self.server, project)
            found.dispatch._record_has_more = False
        return found

    async def claim_batch(
        self,
        *queues: Queue,
        free: int = 10,
        suspects: int = 1,
        types: Sequence[str] = ("t",),
        worker: WorkerId = WORKER,
        lease: float = LEASE,
        project: ProjectId | None = None,
        is_expected: bool = True,
    ) -> ClaimBatch:
        here = self.dispatching(project)
        await here.agreement.round(1)
        await asyncio.sleep(0)
        await here.directory.refresh()
        served = sorted(queues, key=lambda queue: (-queue.priority, queue.id))
        return await here.dispatch.claim(
            ClaimRequest(
                project or self.project,
                worker,
                [queue.id for queue in served],
                types,
                free,
                suspects,
                round(lease * 1_000_000),
                [queue.id for queue in queues if queue.has_rule],
                is_expected=is_expected,
                fair=[queue.id for queue in queues if queue.settings.is_fair],
            )
        )

    async def close(self) -> None:
        for here in self._dispatching.values():
            await here.offering.close()
        await super().close()


class OwnRedisStage(RedisStage):
    """With a connection of its own."""

    def __init__(self, url: str, redis_url: str) -> None:
        super().__init__(url, RedisServer(redis_url))

    async def close(self) -> None:
        await super().close()
        await self.server.close()


class ModelStage(OwnRedisStage):
    """For the machine of `tests.model`, where claims promote nothing."""

    def dispatching(self, project: ProjectId | None = None) -> Dispatching:
        found = super().dispatching(project)
        found.ready.promotes = False
        return found
