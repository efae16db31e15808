"""The services of one project, put together: which class stands behind which port.

Each service is made, and its modules are imported, when it is first asked for: a program that only enqueues, or
a worker, starts without what only the API needs.
"""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING

from taskforge.services.patience import PATIENCE_SECONDS, answered_within
from taskforge.storage.codec import to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from taskforge.domain.ids import ProjectId
    from taskforge.domain.scaling_policy import ProvisionerKind
    from taskforge.domain.worker import TaskDescription
    from taskforge.foundation import Foundation
    from taskforge.ports.scaling import Provisioner
    from taskforge.services.agreement import Agreement
    from taskforge.services.alerting import Alerting
    from taskforge.services.assignments import Assignments
    from taskforge.services.backfill import Backfill
    from taskforge.services.breakers import Breakers
    from taskforge.services.browsing import Browsing
    from taskforge.services.bulk import Bulk
    from taskforge.services.control import Control
    from taskforge.services.direct_link import DirectLink
    from taskforge.services.directory import QueueDirectory
    from taskforge.services.dispatch import QueueDispatch
    from taskforge.services.error_groups import ErrorGroups
    from taskforge.services.explaining import Explaining
    from taskforge.services.health import Health
    from taskforge.services.insights import Insights
    from taskforge.services.leasing import Leasing
    from taskforge.services.metrics import Metrics
    from taskforge.services.offering import Offering
    from taskforge.services.operations import Operations
    from taskforge.services.pauses import Pauses
    from taskforge.services.payload_schemas import PayloadSchemas
    from taskforge.services.queues import Queues
    from taskforge.services.receivers import Receivers
    from taskforge.services.redis_health import RedisHealth
    from taskforge.services.remote_workers import RemoteWorkers
    from taskforge.services.results import Results
    from taskforge.services.scaling import Scaling
    from taskforge.services.schedules import Schedules
    from taskforge.services.security import Security
    from taskforge.services.simulating import Simulating
    from taskforge.services.submission import Submission
    from taskforge.services.ticking import FiringPlans
    from taskforge.services.tracing import TracedLink
    from taskforge.services.transactions import TransactionalSubmission
    from taskforge.services.workers import Workers


class Platform:
    """The services of one project, on one event loop."""

    def __init__(self, project_id: ProjectId, foundation: Foundation) -> None:
        self.project_id = project_id
        self.foundation = foundation
        self.settings = foundation.settings
        self.stores = foundation.stores
        self.signals = foundation.signals
        self.declared_tasks = 0

    # Jobs on their way

    @cached_property
    def directory(self) -> QueueDirectory:
        from taskforge.services.directory import QueueDirectory
        from taskforge.storage.codec import retry_policy_of

        return QueueDirectory(self.stores.queues, self.project_id, retry_policy_of)

    @cached_property
    def submission(self) -> Submission:
        return self.submission_of(self.foundation.mint)

    @cached_property
    def agreement(self) -> Agreement | None:
        if self.foundation.ready_queues is None:
            return None
        from taskforge.services.agreement import Agreement

        return Agreement(
            self.stores.dispatch,
            self.foundation.ready_queues,
            self.stores.queues,
            self.signals,
            self.project_id,
        )

    @cached_property
    def offering(self) -> Offering | None:
        if self.foundation.ready_queues is None or self.agreement is None:
            return None
        from taskforge.services.offering import Offering

        offering = Offering(self.foundation.ready_queues, self.agreement, self.directory, self.signals)
        self.directory.on_made = offering.made
        return offering

    def _dispatch(self) -> QueueDispatch | None:
        from taskforge.services.dispatch import QueueDispatch

        if self.foundation.ready_queues is None or self.agreement is None or self.offering is None:
            return None
        return QueueDispatch(
            self.stores.jobs,
            self.stores.dispatch,
            self.foundation.ready_queues,
            self.directory,
            self.agreement,
            self.offering,
            self.foundation.handed_out,
        )

    @cached_property
    def transactions(self) -> TransactionalSubmission:
        from taskforge.services.transactions import TransactionalSubmission

        return TransactionalSubmission(
            self.stores.transactions, self.submission, self.directory, self.signals
        )

    @cached_property
    def make_link(self) -> Callable[..., TracedLink]:
        """Makes the link of a worker: of a new incarnation, or of ``worker_id``."""
        from taskforge.services.direct_link import LinkOptions
        from taskforge.services.tracing import TracedLink

        options = LinkOptions(
            self.settings.lease_seconds,
            self.foundation.poll_seconds,
            self.settings.poll_without_hints_seconds,
        )
        link = partial(
            TracedLink,
            traces=self.stores.traces,
            jobs=self.stores.jobs,
            workers=self.stores.workers,
            directory=self.directory,
            signals=self.signals,
            mint=self.foundation.mint,
            options=options,
            breaking=self.foundation.breaking,
        )
        if self.foundation.ready_queues is None:
            return partial(link, lull=self.foundation.lull)
        return lambda **incarnation: link(dispatch=self._dispatch(), **incarnation)

    @cached_property
    def remote_workers(self) -> RemoteWorkers:
        from taskforge.services.remote_workers import RemoteWorkers

        return RemoteWorkers(self.project_id, self.stores.workers, self.make_link)

    @cached_property
    def results(self) -> Results:
        from taskforge.services.results import Results

        return Results(self.stores.history, self.signals, self.project_id)

    # What people and programs ask for and change

    @cached_property
    def queues(self) -> Queues:
        from taskforge.services.queues import Queues

        return Queues(
            self.stores.queues, self.stores.history, self.directory, self.signals, self.stores.receivers
        )

    @cached_property
    def assignments(self) -> Assignments:
        from taskforge.services.assignments import Assignments

        return Assignments(self.stores.assignments, self.queues, self.worker_fleet, self.health, self.signals)

    @cached_property
    def pauses(self) -> Pauses:
        from taskforge.services.pauses import Pauses

        return Pauses(self.stores.pauses, self.foundation.pause_work, self.directory)

    @cached_property
    def breakers(self) -> Breakers:
        from taskforge.services.breakers import Breakers

        return Breakers(
            self.stores.breakers, self.foundation.breaking, self.payloads, self.signals, self.project_id
        )

    @cached_property
    def control(self) -> Control:
        from taskforge.services.control import Control

        return Control(self.stores.jobs, self.stores.bulk, self.stores.history, self.directory, self.signals)

    @cached_property
    def bulk(self) -> Bulk:
        from taskforge.services.bulk import Bulk

        return Bulk(self.stores.bulk, self.stores.jobs, self.stores.history, self.signals, self.project_id)

    @cached_property
    def operations(self) -> Operations:
        from taskforge.services.operations import Operations

        return Operations(self.stores.operations, self.bulk, self.project_id, self.foundation.mint)

    @cached_property
    def errors(self) -> ErrorGroups:
        from taskforge.services.error_groups import ErrorGroups

        return ErrorGroups(
            self.stores.errors,
            self.stores.queues,
            self.foundation.recording,
            self.operations,
            self.project_id,
        )

    @cached_property
    def insights(self) -> Insights:
        from taskforge.services.insights import Insights

        return Insights(self.stores.history, self.stores.workers, self.project_id)

    @cached_property
    def browsing(self) -> Browsing:
        from taskforge.services.browsing import Browsing

        return Browsing(self.stores.history)

    @cached_property
    def metrics(self) -> Metrics:
        from taskforge.services.metrics import Metrics

        return Metrics(self.stores.metrics, self.stores.queues, self.project_id)

    @cached_property
    def health(self) -> Health:
        from taskforge.services.health import Health
        from taskforge.storage.address import parse_address

        return Health(
            self.stores.health,
            self.stores.workers,
            self.stores.queues,
            self.project_id,
            lease=self.settings.lease_seconds,
            interval=self.settings.recovery_interval_seconds,
            ticks=self.stores.ticks,
            partitions=self.stores.partitions,
            folder=parse_address(self.settings.database_url).folder,
        )

    @cached_property
    def redis_health(self) -> RedisHealth:
        from taskforge.services.redis_health import RedisHealth

        return RedisHealth(self.foundation.redis, self.agreement)

    @cached_property
    def explaining(self) -> Explaining:
        from taskforge.services.explaining import Explaining

        return Explaining(
            self.stores.history,
            self.stores.queues,
            self.stores.pauses,
            self.stores.breakers,
            self.health,
            self.project_id,
        )

    @cached_property
    def worker_fleet(self) -> Workers:
        from taskforge.services.workers import Workers

        return Workers(
            self.stores.workers,
            self.stores.history,
            self.health,
            self.project_id,
            lease=self.settings.lease_seconds,
        )

    @cached_property
    def payloads(self) -> PayloadSchemas:
        from taskforge.services.payload_schemas import PayloadSchemas

        return PayloadSchemas(self.stores.workers, self.project_id)

    # Schedules

    @cached_property
    def schedules(self) -> Schedules:
        from taskforge.services.schedules import Schedules

        return Schedules(
            self.stores.schedules,
            self.stores.ticks,
            self.firing_plans,
            self.payloads,
            self.signals,
            self.project_id,
            timezone=self.settings.timezone,
        )

    @cached_property
    def backfill(self) -> Backfill:
        from taskforge.services.backfill import Backfill

        return Backfill(self.stores.schedules, self.stores.ticks, self.firing_plans, self.project_id)

    @cached_property
    def firing_plans(self) -> FiringPlans:
        from taskforge.services.ticking import FiringPlans

        return FiringPlans(self.submission, self.signals, to_json)

    # Who may do what

    @property
    def security(self) -> Security:
        """Of all projects."""
        return self.foundation.security

    # How many workers there are

    @cached_property
    def scaling(self) -> Scaling:
        return self.scaling_by(self.foundation.provisioners)

    def scaling_by(self, provisioners: Mapping[ProvisionerKind, Provisioner]) -> Scaling:
        from taskforge.services.scaling import Scaling, ScalingStores

        stores = ScalingStores(
            self.stores.scaling, self.stores.metrics, self.stores.queues, self.stores.workers
        )
        return Scaling(stores, self.health, self.signals, self.project_id, provisioners)

    @cached_property
    def simulating(self) -> Simulating:
        from taskforge.services.simulating import Simulating

        return Simulating(self.scaling, self.metrics)

    # Who is told what

    @cached_property
    def alerting(self) -> Alerting:
        from taskforge.services.alerting import Alerting

        return Alerting(self.stores.alerts, self.stores.receivers, self.directory)

    @cached_property
    def receivers(self) -> Receivers:
        from taskforge.services.receivers import Receivers

        return Receivers(
            self.stores.receivers,
            self.stores.workers,
            self.directory,
            self.control,
            self.signals,
            lambda: self.foundation.poster,
            self.foundation.now,
            self.stores.notices,
        )

    def locks(self, by: str) -> Leasing:
        """Named locks in the ``database`` or in ``redis``. Raises InvalidInput, InvalidSetting (there is none)."""
        from taskforge.services.leasing import Leasing

        return Leasing(self.foundation.leases(by), self.project_id, self.foundation.mint)

    async def close(self) -> None:
        """End what was made; what it stands on belongs to who opened that."""
        made = self.__dict__
        if "results" in made:
            await self.results.close()
        offering: Offering | None = made.get("offering")
        if offering is not None:
            await offering.close()

    def submission_of(self, mint: Callable[[], UUID]) -> Submission:
        """Accepts jobs under ids of the caller's choice: doing it again changes nothing."""
        from taskforge.services.tracing import TracedSubmission

        return TracedSubmission(
            self.stores.jobs,
            self.directory,
            self.signals,
            mint=mint,
            encode=to_json,
            limits=self.foundation.limits,
            offers=self.offering,
            now=self.foundation.now,
            traces=self.stores.traces,
        )

    async def declare(self, tasks: Sequence[TaskDescription]) -> None:
        """Make known the tasks of an application that enqueues; what workers said of them stays."""
        with answered_within(PATIENCE_SECONDS):
            await self.stores.workers.declare(self.project_id, tasks)
        self.declared_tasks = len(tasks)

    def link(self, worker_id: UUID | None = None) -> DirectLink:
        """A link for one worker in this process."""
        return self.make_link(worker_id=worker_id, lookout=self.foundation.lookout)
