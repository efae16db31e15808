"""The queues of a project as this process knows them; looked up again when the configuration changes."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from difflib import get_close_matches
from typing import TYPE_CHECKING

from taskforge.domain.attempt_policy import AttemptPolicy, attempt_policy
from taskforge.domain.errors import NotFound, TaskforgeError
from taskforge.domain.names import check_name
from taskforge.domain.queue import QueueSettings
from taskforge.domain.requirements import parse_requirements

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from uuid import UUID

    from taskforge.domain.breaker import BreakerState
    from taskforge.domain.ids import OrganizationId, ProjectId
    from taskforge.domain.job import ClaimedJob
    from taskforge.domain.queue import Queue
    from taskforge.domain.requirements import Requirements
    from taskforge.domain.retry import RetryPolicy
    from taskforge.ports.queues import Configuration, QueueStore

LONGEST_TRUST_SECONDS = 5.0


class QueueDirectory:
    """A cache of one project's queues by id and by name.

    ``decode_retry`` reads the backoff stored with a job.
    """

    def __init__(
        self,
        queues: QueueStore,
        project_id: ProjectId,
        decode_retry: Callable[[str], RetryPolicy | None],
    ) -> None:
        self._queues = queues
        self._decode_retry = decode_retry
        self.project_id = project_id
        self.organization_id: OrganizationId | None = None
        self.has_assignments = False
        """Whether any queue says which workers serve it."""
        self.watched: frozenset[UUID] = frozenset()
        """The queues of whose jobs somebody is told when they end."""
        self.requirements: Sequence[Requirements] = ()
        """All that jobs of the project have required of workers."""
        self.breakers: Mapping[str, BreakerState] = {}
        """The job types that have a circuit breaker, and how these stand."""
        self.on_made: Callable[[Sequence[Queue]], None] = lambda _: None
        """Is told of queues that did not exist until now, and so have no jobs."""
        self._version = -1
        self._read_at = 0.0
        self._confirmed_at = 0.0
        self._looking: asyncio.Task[None] | None = None
        self._by_id: dict[UUID, Queue] = {}
        self._by_name: dict[str, Queue] = {}
        self._standard: dict[UUID, AttemptPolicy] = {}
        self._latest: tuple[UUID, AttemptPolicy] | None = None

    async def refresh(self) -> None:
        """Read all queues again."""
        found = await self._configuration()
        self.breakers = await self._queues.breakers(self.project_id) if found.has_breakers else {}
        self._version = found.version
        self.requirements = [parse_requirements(t) for t in await self._queues.requirements(self.project_id)]
        self._keep(await self._queues.list(self.project_id))

    async def _configuration(self) -> Configuration:
        """Look at what holds for the whole project."""
        found = await self._queues.configuration(self.project_id)
        self.organization_id = found.organization_id
        return found

    def holds(self, version: int) -> bool:
        """Whether what is known is of this version of the configuration."""
        return version == self._version

    async def follow(self, version: int) -> bool:
        """Read again if the configuration has another version than the one read last; whether it had."""
        if version == self._version:
            self._confirmed_at = time.monotonic()
            return False
        await self.refresh()
        return True

    async def confirm(self) -> None:
        """Look whether what is known still holds, unless a claim has said so some seconds ago."""
        if time.monotonic() - self._confirmed_at > LONGEST_TRUST_SECONDS:
            await self.follow((await self._configuration()).version)

    async def named(self, name: str) -> Queue:
        """The queue of this name. Raises NotFound with the nearest names."""
        if name not in self._by_name or time.monotonic() - self._read_at > LONGEST_TRUST_SECONDS:
            await self.refresh()
        queue = self._by_name.get(name)
        if queue is None:
            raise NotFound(f"no queue is named {name!r}", hint=near(name, list(self._by_name)))
        return queue

    def lately(self, name: str) -> Queue | None:
        """The queue of this name as it stood some seconds ago: for those who never hear of a version.

        What is older is looked up again in the background.
        """
        if self._looking is None and time.monotonic() - self._read_at > LONGEST_TRUST_SECONDS:
            self._looking = asyncio.get_running_loop().create_task(self._look())
        return self._by_name.get(name)

    async def _look(self) -> None:
        try:
            with suppress(TaskforgeError):
                await self.follow((await self._configuration()).version)
            self._read_at = time.monotonic()
        finally:
            self._looking = None

    async def declared(self, names: Sequence[str]) -> Sequence[Queue]:
        """The queues that code names; those that do not exist are made. Raises InvalidInput, NotFound."""
        if any(name not in self._by_name for name in names):
            unique = list(dict.fromkeys(check_name(name, field="queue") for name in names))
            made = await self._queues.ensure(self.project_id, unique)
            await self.refresh()
            self.on_made(made)
            if any(name not in self._by_name for name in names):
                raise NotFound("a queue was deleted just now", hint="enqueue again to make it anew")
        return [self.lately(name) or self._by_name[name] for name in names]

    def known(self, name: str) -> Queue | None:
        """The queue of this name without looking it up."""
        return self._by_name.get(name)

    def all(self) -> Collection[Queue]:
        """All queues without looking them up."""
        return self._by_id.values()

    def by_id(self, queue_id: UUID) -> Queue | None:
        """The queue of this id without looking it up."""
        return self._by_id.get(queue_id)

    def policy(self, job: ClaimedJob) -> AttemptPolicy:
        """What holds for an attempt at this job; the built-in values where its queue is not known."""
        if (
            job.max_attempts is None
            and job.retry_policy is None
            and job.timeout_ms is None
            and not job.manual_retries
        ):
            latest = self._latest  # those of a batch share it, and its hash is slow
            if latest is None or latest[0] is not job.queue_id:
                standard = self._standard.get(job.queue_id)
                if standard is None:
                    standard = self._standard[job.queue_id] = self._policy(job)
                latest = self._latest = (job.queue_id, standard)
            return latest[1]
        return self._policy(job)

    def _policy(self, job: ClaimedJob) -> AttemptPolicy:
        queue = self._by_id.get(job.queue_id)
        return attempt_policy(
            QueueSettings() if queue is None else queue.settings,
            max_attempts=job.max_attempts,
            manual_retries=job.manual_retries,
            retry=None if job.retry_policy is None else self._decode_retry(job.retry_policy),
            timeout_ms=job.timeout_ms,
        )

    def _keep(self, queues: Sequence[Queue]) -> None:
        self._by_id = {queue.id: queue for queue in queues}
        self._by_name = {queue.name: queue for queue in queues}
        self.has_assignments = any(queue.plan is not None and queue.plan.rivals for queue in queues)
        self.watched = frozenset(queue.id for queue in queues if queue.settings.notify)
        self._standard = {}
        self._latest = None
        self._read_at = self._confirmed_at = time.monotonic()


def near(name: str, names: Sequence[str]) -> str:
    """A hint that names what was probably meant."""
    close = get_close_matches(name, names, n=3)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"there are: {', '.join(sorted(names)[:10])}" if names else "there are none yet"
