"""The services of one project, put together: which class stands behind which port.

Each service is made, and its modules are imported, when it is first asked for: a program that only enqueues, or
a worker, starts without what only the API needs.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING

from taskforge.domain.errors import InvalidInput, InvalidSetting
from taskforge.services.patience import PATIENCE_SECONDS, answered_within
from taskforge.storage.codec import to_json
from taskforge.stores import Stores

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from taskforge.coordination.redis_server import RedisServer
    from taskforge.domain.ids import ProjectId
    from taskforge.domain.scaling_policy import ProvisionerKind
    from taskforge.domain.worker import TaskDescription
    from taskforge.ports.clock import Clock
    from taskforge.ports.dispatch import ReadyQueues
    from taskforge.ports.outbound import Mailer, Poster
    from taskforge.ports.rates import RequestRates
    from taskforge.ports.scaling import Provisioner
    from taskforge.ports.signals import Signals
    from taskforge.ports.workers import WorkerStore
    from taskforge.services.agreement import Agreement
    from taskforge.services.alerting import Alerting
    from taskforge.services.assignments import Assignments
    from taskforge.services.audit import AuditLog
    from taskforge.services.autoscaling import Autoscaling
    from taskforge.services.backfill import Backfill
    from taskforge.services.breakers import Breakers
    from taskforge.services.breaking import Breaking
    from taskforge.services.browsing import Browsing
    from taskforge.services.bulk import Bulk
    from taskforge.services.control import Control
    from taskforge.services.delivering import Delivering
    from taskforge.services.direct_link import DirectLink
    from taskforge.services.directory import QueueDirectory
    from taskforge.services.dispatch import HandedOut, QueueDispatch
    from taskforge.services.error_groups import ErrorGroups
    from taskforge.services.evaluating import Evaluating
    from taskforge.services.explaining import Explaining
    from taskforge.services.exposition import Exposition
    from taskforge.services.health import Health
    from taskforge.services.idempotency import Idempotency
    from taskforge.services.insights import Insights
    from taskforge.services.leasing import Leasing
    from taskforge.services.limits import LimitGuard
    from taskforge.services.lookout import Lookout
    from taskforge.services.lull import Lull
    from taskforge.services.measuring import Measuring
    from taskforge.services.metrics import Metrics
    from taskforge.services.offering import Offering
    from taskforge.services.operations import Operations, OperationSteps
    from taskforge.services.pauses import Pauses, PauseWork
    from taskforge.services.payload_schemas import PayloadSchemas
    from taskforge.services.queues import Queues
    from taskforge.services.receivers import Receivers
    from taskforge.services.recording import Recording
    from taskforge.services.recovery import Recovery
    from taskforge.services.redis_health import RedisHealth
    from taskforge.services.remote_workers import RemoteWorkers
    from taskforge.services.results import Results
    from taskforge.services.retention import Pruning
    from taskforge.services.scaling import Scaling
    from taskforge.services.schedules import Schedules
    from taskforge.services.security import Security
    from taskforge.services.simulating import Simulating
    from taskforge.services.submission import Submission
    from taskforge.services.tick_keeping import TickKeeping
    from taskforge.services.ticking import FiringPlans, Ticking
    from taskforge.services.tracing import TracedLink
    from taskforge.services.transactions import TransactionalSubmission
    from taskforge.services.workers import Workers
    from taskforge.settings import Settings
    from taskforge.storage.engine import Engine
    from taskforge.storage.jobs import SqlJobStore

CALM = 6
"""So many times less often a worker asks where it watches the file itself, which no commit escapes."""


class Platform:
    """The services of one project, on one event loop. ``security`` is shared by the platforms of a process."""

    def __init__(
        self,
        project_id: ProjectId,
        settings: Settings,
        engine: Engine,
        signals: Signals,
        mint: Callable[[], UUID],
        *,
        clock: Clock | None = None,
        redis: RedisServer | None = None,
        security: Security | None = None,
        lookout: Lookout | None = None,
    ) -> None:
        self.project_id = project_id
        self.settings = settings
        self.engine = engine
        self.stores = Stores(engine, mint)
        self.signals = signals
        self.redis = redis
        self.declared_tasks = 0
        self._lookout = lookout
        self._mint = mint
        self._clock = clock
        if security is not None:
            self.security, self.limits = security, security.limits

    # What is stored

    @cached_property
    def jobs(self) -> SqlJobStore:
        return self.stores.jobs

    @cached_property
    def workers(self) -> WorkerStore:
        return self.stores.workers

    # Jobs on their way

    @cached_property
    def directory(self) -> QueueDirectory:
        from taskforge.services.directory import QueueDirectory
        from taskforge.storage.codec import retry_policy_of

        return QueueDirectory(self.stores.queues, self.project_id, retry_policy_of)

    @cached_property
    def submission(self) -> Submission:
        return self.submission_of(self._mint)

    @cached_property
    def ready_queues(self) -> ReadyQueues | None:
        """Those in Redis; None where the database alone says which job is next."""
        if self.redis is None or self.settings.dispatch != "redis":
            return None
        from taskforge.coordination.redis_opening import ready_queues_in

        return ready_queues_in(self.redis)

    @cached_property
    def agreement(self) -> Agreement | None:
        if self.ready_queues is None:
            return None
        from taskforge.services.agreement import Agreement

        return Agreement(
            self.stores.dispatch, self.ready_queues, self.stores.queues, self.signals, self.project_id
        )

    @cached_property
    def offering(self) -> Offering | None:
        if self.ready_queues is None or self.agreement is None:
            return None
        from taskforge.services.offering import Offering

        offering = Offering(self.ready_queues, self.agreement, self.directory, self.signals)
        self.directory.on_made = offering.made
        return offering

    @cached_property
    def handed_out(self) -> HandedOut:
        """Where the workers of this process got their jobs from; with ready queues only."""
        from taskforge.services.dispatch import HandedOut

        return HandedOut()

    def _dispatch(self) -> QueueDispatch | None:
        from taskforge.services.dispatch import QueueDispatch

        if self.ready_queues is None or self.agreement is None or self.offering is None:
            return None
        return QueueDispatch(
            self.jobs,
            self.stores.dispatch,
            self.ready_queues,
            self.directory,
            self.agreement,
            self.offering,
            self.handed_out,
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
            self._poll_seconds,
            self.settings.poll_without_hints_seconds,
        )
        link = partial(
            TracedLink,
            traces=self.stores.traces,
            jobs=self.jobs,
            workers=self.workers,
            directory=self.directory,
            signals=self.signals,
            mint=self._mint,
            options=options,
            breaking=self.breaking,
        )
        if self.ready_queues is None:
            return partial(link, lull=self._lull)
        return lambda **incarnation: link(dispatch=self._dispatch(), **incarnation)

    @cached_property
    def remote_workers(self) -> RemoteWorkers:
        from taskforge.services.remote_workers import RemoteWorkers

        return RemoteWorkers(self.project_id, self.workers, self.make_link)

    @cached_property
    def results(self) -> Results:
        from taskforge.services.results import Results

        return Results(self.stores.history, self.signals, self.project_id)

    # What every process does from time to time

    @cached_property
    def recovery(self) -> Recovery:
        from taskforge.services.recovery import Recovery

        return Recovery(
            jobs=self.jobs,
            queues=self.stores.queues,
            workers=self.workers,
            pauses=self._pause_work,
            breaking=self.breaking,
            signals=self.signals,
            lease=self.settings.lease_seconds,
            lull=self._lull,
            lookout=self._lookout,
        )

    @cached_property
    def _lull(self) -> Lull:
        from taskforge.services.lull import Lull

        return Lull(self._poll_seconds)

    @property
    def _poll_seconds(self) -> float:
        """How often a worker polls while it hears hints."""
        return self.settings.poll_seconds * (CALM if self.engine.dialect == "sqlite" else 1)

    @cached_property
    def recording(self) -> Recording:
        from taskforge.services.recording import Recording

        return Recording(self.stores.record, self.stores.error_keeper)

    @cached_property
    def pruning(self) -> Pruning:
        from taskforge.domain.retention import Retention
        from taskforge.services.partitions import Partitions
        from taskforge.services.retention import Pruning
        from taskforge.storage.archives import open_archive

        settings, partitions = self.settings, self.stores.partitions
        return Pruning(
            self.stores.retention,
            Retention(settings.keep_succeeded_days, settings.keep_cancelled_days, settings.keep_failed_days),
            partitions=None if partitions is None else Partitions(partitions),
            archive=None if settings.archive is None else open_archive(settings.archive),
            interval=settings.retention_interval_seconds,
            batch=settings.retention_batch,
            before=self._tick_keeping.keep,
        )

    @cached_property
    def _tick_keeping(self) -> TickKeeping:
        from taskforge.services.tick_keeping import TickKeeping

        return TickKeeping(self.stores.tick_keeper)

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

        return Pauses(self.stores.pauses, self._pause_work, self.directory)

    @cached_property
    def _pause_work(self) -> PauseWork:
        from taskforge.services.pauses import PauseWork

        return PauseWork(self.stores.pauses, self.stores.queues, self.signals)

    @cached_property
    def breakers(self) -> Breakers:
        from taskforge.services.breakers import Breakers

        return Breakers(self.stores.breakers, self.breaking, self.payloads, self.signals, self.project_id)

    @cached_property
    def breaking(self) -> Breaking:
        """Of all projects."""
        from taskforge.services.breaking import Breaking

        return Breaking(self.stores.breakers, self._pause_work, self.signals)

    @cached_property
    def control(self) -> Control:
        from taskforge.services.control import Control

        return Control(self.jobs, self.stores.bulk, self.stores.history, self.directory, self.signals)

    @cached_property
    def bulk(self) -> Bulk:
        return self._bulk_of(self.project_id)

    def _bulk_of(self, project_id: ProjectId) -> Bulk:
        from taskforge.services.bulk import Bulk

        return Bulk(self.stores.bulk, self.jobs, self.stores.history, self.signals, project_id)

    @cached_property
    def operations(self) -> Operations:
        from taskforge.services.operations import Operations

        return Operations(self.stores.operations, self.bulk, self.project_id, self._mint)

    @cached_property
    def errors(self) -> ErrorGroups:
        from taskforge.services.error_groups import ErrorGroups

        return ErrorGroups(
            self.stores.errors, self.stores.queues, self.recording, self.operations, self.project_id
        )

    @cached_property
    def operation_steps(self) -> OperationSteps:
        """Of all projects."""
        from taskforge.services.operations import OperationSteps

        return OperationSteps(self.stores.operations, self.stores.queues, self._bulk_of, self._backfill_of)

    @cached_property
    def insights(self) -> Insights:
        from taskforge.services.insights import Insights

        return Insights(self.stores.history, self.workers, self.project_id)

    @cached_property
    def browsing(self) -> Browsing:
        from taskforge.services.browsing import Browsing

        return Browsing(self.stores.history)

    @cached_property
    def metrics(self) -> Metrics:
        from taskforge.services.metrics import Metrics

        return Metrics(self.stores.metrics, self.stores.queues, self.project_id)

    @cached_property
    def exposition(self) -> Exposition:
        """Of all projects, or of those that are named."""
        from taskforge.services.exposition import Exposition

        return Exposition(
            self.stores.exposition, self.recording, self.settings.lease_seconds, self.ticking.late
        )

    @cached_property
    def health(self) -> Health:
        return self._health_of(self.project_id)

    def _health_of(self, project_id: ProjectId) -> Health:
        from taskforge.services.health import Health

        return Health(
            self.stores.health,
            self.workers,
            self.stores.queues,
            project_id,
            lease=self.settings.lease_seconds,
            interval=self.settings.recovery_interval_seconds,
            ticks=self.stores.ticks,
            partitions=self.stores.partitions,
        )

    @cached_property
    def redis_health(self) -> RedisHealth:
        from taskforge.services.redis_health import RedisHealth

        return RedisHealth(self.redis, self.agreement)

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
            self.workers, self.stores.history, self.health, self.project_id, lease=self.settings.lease_seconds
        )

    @cached_property
    def payloads(self) -> PayloadSchemas:
        from taskforge.services.payload_schemas import PayloadSchemas

        return PayloadSchemas(self.workers, self.project_id)

    # Schedules

    @cached_property
    def schedules(self) -> Schedules:
        from taskforge.services.schedules import Schedules

        return Schedules(
            self.stores.schedules,
            self.stores.ticks,
            self._firing_plans,
            self.payloads,
            self.signals,
            self.project_id,
            timezone=self.settings.timezone,
        )

    @cached_property
    def ticking(self) -> Ticking:
        from taskforge.services.ticking import Ticking

        return Ticking(self.stores.ticks, self._firing_plans)

    @cached_property
    def backfill(self) -> Backfill:
        return self._backfill_of(self.project_id)

    def _backfill_of(self, project_id: ProjectId) -> Backfill:
        from taskforge.services.backfill import Backfill

        return Backfill(self.stores.schedules, self.stores.ticks, self._firing_plans, project_id)

    @cached_property
    def _firing_plans(self) -> FiringPlans:
        from taskforge.services.ticking import FiringPlans

        return FiringPlans(self.submission, self.signals, to_json)

    # How many workers there are

    @cached_property
    def scaling(self) -> Scaling:
        return self._scaling_of(self.project_id)

    @cached_property
    def simulating(self) -> Simulating:
        from taskforge.services.simulating import Simulating

        return Simulating(self.scaling, self.metrics)

    @cached_property
    def autoscaling(self) -> Autoscaling:
        """Of all projects, by every provisioner but the one that starts processes on its own host."""
        from taskforge.domain.scaling_policy import ProvisionerKind
        from taskforge.services.autoscaling import REMOTE_LOCK, Autoscaling
        from taskforge.services.leadership import Leadership

        leadership = Leadership(self.stores.leases, REMOTE_LOCK, self._mint())
        kinds = set(ProvisionerKind) - {ProvisionerKind.LOCAL}
        return Autoscaling(self.stores.scaling, leadership, self._scaling_of, kinds)

    def _scaling_of(
        self,
        project_id: ProjectId,
        *,
        provisioners: Mapping[ProvisionerKind, Provisioner] | None = None,
    ) -> Scaling:
        from taskforge.services.scaling import Scaling, ScalingStores

        stores = ScalingStores(self.stores.scaling, self.stores.metrics, self.stores.queues, self.workers)
        return Scaling(
            stores, self._health_of(project_id), self.signals, project_id, provisioners or self._provisioners
        )

    def local_autoscaling(self, provisioners: Mapping[ProvisionerKind, Provisioner]) -> Autoscaling:
        """Of this project, by the provisioners of this process alone."""
        from taskforge.services.autoscaling import LOCAL_LOCK, Autoscaling
        from taskforge.services.leadership import Leadership

        leadership = Leadership(self.stores.leases, LOCAL_LOCK, self._mint())
        scaling_of = partial(self._scaling_of, provisioners=provisioners)
        return Autoscaling(self.stores.scaling, leadership, scaling_of, provisioners, self.project_id)

    @cached_property
    def _provisioners(self) -> Mapping[ProvisionerKind, Provisioner]:
        """Those that can be ordered from anywhere."""
        from taskforge.domain.scaling_policy import ProvisionerKind
        from taskforge.provisioning.opening import kubernetes_provisioner, webhook_provisioner

        settings = self.settings
        return {
            ProvisionerKind.WEBHOOK: webhook_provisioner(
                lambda: self.poster, settings.scaling_webhook_url, settings.scaling_webhook_secret
            ),
            ProvisionerKind.KUBERNETES: kubernetes_provisioner(
                settings.scaling_kubernetes_namespace,
                settings.scaling_kubernetes_deployment,
                settings.scaling_kubernetes_config,
            ),
        }

    # Who is told what

    @cached_property
    def poster(self) -> Poster:
        """Sends requests to servers of others."""
        from taskforge.domain.outbound import parse_networks
        from taskforge.outbound.poster import CheckedPoster

        return CheckedPoster(parse_networks(self.settings.outbound_networks, "outbound_networks"))

    @cached_property
    def mailer(self) -> Mailer:
        """Hands messages to the mail server of the installation."""
        from taskforge.outbound.mail import SmtpMailer

        return SmtpMailer(self.settings.smtp_url, self.settings.smtp_from)

    @cached_property
    def alerting(self) -> Alerting:
        from taskforge.services.alerting import Alerting

        return Alerting(self.stores.alerts, self.stores.receivers, self.directory)

    @cached_property
    def receivers(self) -> Receivers:
        from taskforge.services.receivers import Receivers

        return Receivers(
            self.stores.receivers,
            self.workers,
            self.directory,
            self.control,
            self.signals,
            lambda: self.poster,
            self._now,
            self.stores.notices,
        )

    @cached_property
    def evaluating(self) -> Evaluating:
        """Of all projects."""
        from taskforge.services.evaluating import Evaluating

        return Evaluating(self.stores.alerts, self._measuring_of, self.settings.alert_interval_seconds)

    def _measuring_of(self, project_id: ProjectId) -> Measuring:
        from taskforge.services.measuring import Measuring
        from taskforge.services.metrics import Metrics

        record = self.stores.metrics
        return Measuring(
            self.stores.measures,
            record,
            self.stores.queues,
            Metrics(record, self.stores.queues, project_id),
            project_id,
            timedelta(seconds=self.settings.lease_seconds),
            self._scaling_of(project_id),
        )

    @cached_property
    def delivering(self) -> Delivering:
        """Of all projects."""
        from taskforge.services.delivering import Delivering

        return Delivering(
            self.stores.receivers,
            self._delivery_link,
            lambda: self.poster,
            lambda: self.mailer,
            lambda: self._now().timestamp(),
            self.stores.notices,
        )

    def _delivery_link(self, project_id: ProjectId) -> DirectLink:
        """Always by the database: what is to be told is in its transaction, and rare."""
        from taskforge.services.delivering import LEASE_SECONDS
        from taskforge.services.direct_link import DirectLink, LinkOptions
        from taskforge.services.directory import QueueDirectory
        from taskforge.storage.codec import retry_policy_of

        return DirectLink(
            jobs=self.jobs,
            workers=self.workers,
            directory=QueueDirectory(self.stores.queues, project_id, retry_policy_of),
            signals=self.signals,
            mint=self._mint,
            options=LinkOptions(LEASE_SECONDS),
        )

    # Who may do what, and what was done

    @cached_property
    def limits(self) -> LimitGuard:
        """What the organizations of this database may use."""
        from taskforge.services.limits import LimitGuard, OwnRates

        rates: RequestRates = OwnRates()
        if self.redis is not None:
            from taskforge.coordination.redis_opening import rates_in

            rates = rates_in(self.redis, rates)
        return LimitGuard(self.stores.tenants, rates=rates)

    @cached_property
    def security(self) -> Security:
        import secrets

        from taskforge.services.security import Security

        return Security(
            self.stores.security,
            self.limits,
            secret=self.settings.secret_key,
            previous_secret=self.settings.previous_secret_key,
            now=self._now,
            mint=self._mint,
            random=secrets.token_bytes,
        )

    def _now(self) -> datetime:
        moved = None if self._clock is None else self._clock.now()
        return moved or datetime.now(UTC)

    @cached_property
    def audit(self) -> AuditLog:
        from taskforge.services.audit import AuditLog

        return AuditLog(self.stores.audit)

    @cached_property
    def idempotency(self) -> Idempotency:
        from taskforge.services.idempotency import Idempotency

        return Idempotency(self.stores.requests, self._mint)

    # Locks

    @cached_property
    def leasing(self) -> Leasing:
        from taskforge.services.leasing import Leasing

        return Leasing(self.stores.leases, self.project_id, self._mint)

    @cached_property
    def redis_leasing(self) -> Leasing | None:
        if self.redis is None:
            return None
        from taskforge.coordination.redis_opening import leases_in
        from taskforge.services.leasing import Leasing

        return Leasing(leases_in(self.redis), self.project_id, self._mint)

    async def close(self) -> None:
        """End what was made; the engine belongs to who opened it."""
        made = self.__dict__
        if "results" in made:
            await self.results.close()
        offering: Offering | None = made.get("offering")
        if offering is not None:
            await offering.close()
        await self.audit.seal_own()
        if "security" in made:
            self.security.close()
        for provisioner in made.get("_provisioners", {}).values():
            await provisioner.close()
        await self.signals.close()

    def submission_of(self, mint: Callable[[], UUID]) -> Submission:
        """Accepts jobs under ids of the caller's choice: doing it again changes nothing."""
        from taskforge.services.tracing import TracedSubmission

        return TracedSubmission(
            self.jobs,
            self.directory,
            self.signals,
            mint=mint,
            encode=to_json,
            limits=self.limits,
            offers=self.offering,
            now=self._now,
            traces=self.stores.traces,
        )

    def locks(self, by: str) -> Leasing:
        """Named locks in the ``database`` or in ``redis``. Raises InvalidInput, InvalidSetting (there is none)."""
        if by == "database":
            return self.leasing
        if by != "redis":
            raise InvalidInput(f"a lock cannot be kept in {by!r}", field="by", hint="database or redis")
        if self.redis_leasing is None:
            raise InvalidSetting(
                "a lock in Redis needs the setting redis_url",
                field="redis_url",
                hint="TASKFORGE_REDIS_URL=redis://host:6379/0",
            )
        return self.redis_leasing

    async def declare(self, tasks: Sequence[TaskDescription]) -> None:
        """Make known the tasks of an application that enqueues; what workers said of them stays."""
        async with answered_within(PATIENCE_SECONDS):
            await self.workers.declare(self.project_id, tasks)
        self.declared_tasks = len(tasks)

    def link(self, worker_id: UUID | None = None) -> DirectLink:
        """A link for one worker in this process."""
        return self.make_link(worker_id=worker_id, lookout=self._lookout)
