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
    from taskforge.services.ticking import FiringPlans, Ticking
    from taskforge.services.tracing import TracedLink
    from taskforge.services.transactions import TransactionalSubmission
    from taskforge.services.workers import Workers
    from taskforge.settings import Settings
    from taskforge.storage.breakers import SqlBreakerStore
    from taskforge.storage.bulk import SqlBulkStore
    from taskforge.storage.dispatch import SqlDispatchStore
    from taskforge.storage.engine import Engine
    from taskforge.storage.history import SqlHistoryStore
    from taskforge.storage.jobs import SqlJobStore
    from taskforge.storage.notices import SqlNoticeStore
    from taskforge.storage.operations import SqlOperationStore
    from taskforge.storage.partitions import SqlPartitionStore
    from taskforge.storage.pauses import SqlPauseStore
    from taskforge.storage.queues import SqlQueueStore
    from taskforge.storage.receivers import SqlReceiverStore
    from taskforge.storage.scaling import SqlScalingStore
    from taskforge.storage.schedules import SqlScheduleStore
    from taskforge.storage.telling import Telling
    from taskforge.storage.ticks import SqlTickStore
    from taskforge.storage.traces import SqlTraceStore

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
        from taskforge.storage.jobs import SqlJobStore

        return SqlJobStore(self.engine)

    @cached_property
    def workers(self) -> WorkerStore:
        from taskforge.storage.workers import SqlWorkerStore

        return SqlWorkerStore(self.engine)

    @cached_property
    def _trace_store(self) -> SqlTraceStore:
        from taskforge.storage.traces import SqlTraceStore

        return SqlTraceStore(self.engine)

    @cached_property
    def _bulk_store(self) -> SqlBulkStore:
        from taskforge.storage.bulk import SqlBulkStore

        return SqlBulkStore(self.engine)

    @cached_property
    def _operation_store(self) -> SqlOperationStore:
        from taskforge.storage.operations import SqlOperationStore

        return SqlOperationStore(self.engine)

    @cached_property
    def _queue_store(self) -> SqlQueueStore:
        from taskforge.storage.queues import SqlQueueStore

        return SqlQueueStore(self.engine, self._mint)

    @cached_property
    def _history(self) -> SqlHistoryStore:
        from taskforge.storage.history import SqlHistoryStore

        return SqlHistoryStore(self.engine)

    @cached_property
    def _pause_store(self) -> SqlPauseStore:
        from taskforge.storage.pauses import SqlPauseStore

        return SqlPauseStore(self.engine, self._mint)

    @cached_property
    def _partition_store(self) -> SqlPartitionStore | None:
        if self.engine.dialect != "postgres":
            return None
        from taskforge.storage.partitions import SqlPartitionStore

        return SqlPartitionStore(self.engine)

    @cached_property
    def _tick_store(self) -> SqlTickStore:
        from taskforge.storage.ticks import SqlTickStore

        return SqlTickStore(self.engine, self.jobs, self._queue_store, self._mint)

    @cached_property
    def _schedule_store(self) -> SqlScheduleStore:
        from taskforge.storage.schedules import SqlScheduleStore

        return SqlScheduleStore(self.engine, self._mint)

    # Jobs on their way

    @cached_property
    def directory(self) -> QueueDirectory:
        from taskforge.services.directory import QueueDirectory
        from taskforge.storage.codec import retry_policy_of

        return QueueDirectory(self._queue_store, self.project_id, retry_policy_of)

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
    def _dispatch_store(self) -> SqlDispatchStore:
        from taskforge.storage.dispatch import SqlDispatchStore

        return SqlDispatchStore(self.engine, self.jobs)

    @cached_property
    def agreement(self) -> Agreement | None:
        if self.ready_queues is None:
            return None
        from taskforge.services.agreement import Agreement

        return Agreement(
            self._dispatch_store, self.ready_queues, self._queue_store, self.signals, self.project_id
        )

    @cached_property
    def offering(self) -> Offering | None:
        if self.ready_queues is None or self.agreement is None:
            return None
        from taskforge.services.offering import Offering

        return Offering(self.ready_queues, self.agreement, self.directory, self.signals)

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
            self._dispatch_store,
            self.ready_queues,
            self.directory,
            self.agreement,
            self.offering,
            self.handed_out,
        )

    @cached_property
    def transactions(self) -> TransactionalSubmission:
        from taskforge.services.transactions import TransactionalSubmission
        from taskforge.storage.transactions import SqlTransactionStore

        store = SqlTransactionStore(self.engine, self.jobs, self._queue_store)
        return TransactionalSubmission(store, self.submission, self.directory, self.signals)

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
            traces=self._trace_store,
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

        return Results(self._history, self.signals, self.project_id)

    # What every process does from time to time

    @cached_property
    def recovery(self) -> Recovery:
        from taskforge.services.recovery import Recovery

        return Recovery(
            jobs=self.jobs,
            queues=self._queue_store,
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
        from taskforge.storage.errors import SqlErrorKeeper
        from taskforge.storage.recording import SqlRecordKeeper

        return Recording(SqlRecordKeeper(self.engine), SqlErrorKeeper(self.engine, self._mint))

    @cached_property
    def pruning(self) -> Pruning:
        from taskforge.domain.retention import Retention
        from taskforge.services.partitions import Partitions
        from taskforge.services.retention import Pruning
        from taskforge.storage.archives import open_archive
        from taskforge.storage.retention import SqlRetentionStore

        settings, partitions = self.settings, self._partition_store
        return Pruning(
            SqlRetentionStore(self.engine),
            Retention(settings.keep_succeeded_days, settings.keep_cancelled_days, settings.keep_failed_days),
            partitions=None if partitions is None else Partitions(partitions),
            archive=None if settings.archive is None else open_archive(settings.archive),
            interval=settings.retention_interval_seconds,
            batch=settings.retention_batch,
            before=self._keep_ticks,
        )

    async def _keep_ticks(self) -> None:
        await self.ticking.keep()

    # What people and programs ask for and change

    @cached_property
    def queues(self) -> Queues:
        from taskforge.services.queues import Queues

        return Queues(self._queue_store, self._history, self.directory, self.signals, self._receiver_store)

    @cached_property
    def assignments(self) -> Assignments:
        from taskforge.services.assignments import Assignments
        from taskforge.storage.assignments import SqlAssignmentStore

        store = SqlAssignmentStore(self.engine, self._mint)
        return Assignments(store, self.queues, self.worker_fleet, self.health, self.signals)

    @cached_property
    def pauses(self) -> Pauses:
        from taskforge.services.pauses import Pauses

        return Pauses(self._pause_store, self._pause_work, self.directory)

    @cached_property
    def _pause_work(self) -> PauseWork:
        from taskforge.services.pauses import PauseWork

        return PauseWork(self._pause_store, self._queue_store, self.signals)

    @cached_property
    def breakers(self) -> Breakers:
        from taskforge.services.breakers import Breakers

        return Breakers(self._breaker_store, self.breaking, self.payloads, self.signals, self.project_id)

    @cached_property
    def breaking(self) -> Breaking:
        """Of all projects."""
        from taskforge.services.breaking import Breaking

        return Breaking(self._breaker_store, self._pause_work, self.signals)

    @cached_property
    def _breaker_store(self) -> SqlBreakerStore:
        from taskforge.storage.breakers import SqlBreakerStore

        return SqlBreakerStore(self.engine, self._mint)

    @cached_property
    def control(self) -> Control:
        from taskforge.services.control import Control

        return Control(self.jobs, self._bulk_store, self._history, self.directory, self.signals)

    @cached_property
    def bulk(self) -> Bulk:
        return self._bulk_of(self.project_id)

    def _bulk_of(self, project_id: ProjectId) -> Bulk:
        from taskforge.services.bulk import Bulk

        return Bulk(self._bulk_store, self.jobs, self._history, self.signals, project_id)

    @cached_property
    def operations(self) -> Operations:
        from taskforge.services.operations import Operations

        return Operations(self._operation_store, self.bulk, self.project_id, self._mint)

    @cached_property
    def errors(self) -> ErrorGroups:
        from taskforge.services.error_groups import ErrorGroups
        from taskforge.storage.errors import SqlErrorStore

        store = SqlErrorStore(self.engine)
        return ErrorGroups(store, self._queue_store, self.recording, self.operations, self.project_id)

    @cached_property
    def operation_steps(self) -> OperationSteps:
        """Of all projects."""
        from taskforge.services.operations import OperationSteps

        return OperationSteps(self._operation_store, self._queue_store, self._bulk_of, self._backfill_of)

    @cached_property
    def insights(self) -> Insights:
        from taskforge.services.insights import Insights

        return Insights(self._history, self.workers, self.project_id)

    @cached_property
    def browsing(self) -> Browsing:
        from taskforge.services.browsing import Browsing

        return Browsing(self._history)

    @cached_property
    def metrics(self) -> Metrics:
        from taskforge.services.metrics import Metrics
        from taskforge.storage.metrics import SqlMetricsStore

        return Metrics(SqlMetricsStore(self.engine), self._queue_store, self.project_id)

    @cached_property
    def exposition(self) -> Exposition:
        """Of all projects, or of those that are named."""
        from taskforge.services.exposition import Exposition
        from taskforge.storage.exposition import SqlExpositionStore

        store = SqlExpositionStore(self.engine)
        return Exposition(store, self.recording, self.settings.lease_seconds, self.ticking.late)

    @cached_property
    def health(self) -> Health:
        return self._health_of(self.project_id)

    def _health_of(self, project_id: ProjectId) -> Health:
        from taskforge.services.health import Health
        from taskforge.storage.health import SqlHealthStore

        return Health(
            SqlHealthStore(self.engine),
            self.workers,
            self._queue_store,
            project_id,
            lease=self.settings.lease_seconds,
            interval=self.settings.recovery_interval_seconds,
            ticks=self._tick_store,
            partitions=self._partition_store,
        )

    @cached_property
    def redis_health(self) -> RedisHealth:
        from taskforge.services.redis_health import RedisHealth

        return RedisHealth(self.redis, self.agreement)

    @cached_property
    def explaining(self) -> Explaining:
        from taskforge.services.explaining import Explaining

        return Explaining(
            self._history,
            self._queue_store,
            self._pause_store,
            self._breaker_store,
            self.health,
            self.project_id,
        )

    @cached_property
    def worker_fleet(self) -> Workers:
        from taskforge.services.workers import Workers

        return Workers(
            self.workers, self._history, self.health, self.project_id, lease=self.settings.lease_seconds
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
            self._schedule_store,
            self._tick_store,
            self._firing_plans,
            self.payloads,
            self.signals,
            self.project_id,
            timezone=self.settings.timezone,
        )

    @cached_property
    def ticking(self) -> Ticking:
        from taskforge.services.ticking import Ticking

        return Ticking(self._tick_store, self._firing_plans)

    @cached_property
    def backfill(self) -> Backfill:
        return self._backfill_of(self.project_id)

    def _backfill_of(self, project_id: ProjectId) -> Backfill:
        from taskforge.services.backfill import Backfill

        return Backfill(self._schedule_store, self._tick_store, self._firing_plans, project_id)

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
        from taskforge.storage.leases import SqlLeaseStore

        leadership = Leadership(SqlLeaseStore(self.engine), REMOTE_LOCK, self._mint())
        kinds = set(ProvisionerKind) - {ProvisionerKind.LOCAL}
        return Autoscaling(self._scaling_store, leadership, self._scaling_of, kinds)

    @cached_property
    def _scaling_store(self) -> SqlScalingStore:
        from taskforge.storage.scaling import SqlScalingStore

        return SqlScalingStore(self.engine, self._mint)

    def _scaling_of(
        self,
        project_id: ProjectId,
        *,
        provisioners: Mapping[ProvisionerKind, Provisioner] | None = None,
    ) -> Scaling:
        from taskforge.services.scaling import Scaling, ScalingStores
        from taskforge.storage.metrics import SqlMetricsStore

        stores = ScalingStores(
            self._scaling_store, SqlMetricsStore(self.engine), self._queue_store, self.workers
        )
        return Scaling(
            stores, self._health_of(project_id), self.signals, project_id, provisioners or self._provisioners
        )

    def local_autoscaling(self, provisioners: Mapping[ProvisionerKind, Provisioner]) -> Autoscaling:
        """Of this project, by the provisioners of this process alone."""
        from taskforge.services.autoscaling import LOCAL_LOCK, Autoscaling
        from taskforge.services.leadership import Leadership
        from taskforge.storage.leases import SqlLeaseStore

        leadership = Leadership(SqlLeaseStore(self.engine), LOCAL_LOCK, self._mint())
        scaling_of = partial(self._scaling_of, provisioners=provisioners)
        return Autoscaling(self._scaling_store, leadership, scaling_of, provisioners, self.project_id)

    @cached_property
    def _provisioners(self) -> Mapping[ProvisionerKind, Provisioner]:
        """Those that can be ordered from anywhere."""
        from taskforge.domain.scaling_policy import ProvisionerKind

        return {
            ProvisionerKind.WEBHOOK: self._webhook_provisioner(),
            ProvisionerKind.KUBERNETES: self._kubernetes_provisioner(),
        }

    def _webhook_provisioner(self) -> Provisioner:
        from taskforge.provisioning.unready import UnreadyProvisioner

        url, secret = self.settings.scaling_webhook_url, self.settings.scaling_webhook_secret
        if url is None or secret is None:
            return UnreadyProvisioner("scaling_webhook_url and scaling_webhook_secret are not both set")
        from taskforge.domain.webhook import check_secret
        from taskforge.provisioning.webhook import WebhookProvisioner

        return WebhookProvisioner(self.poster, url, check_secret(secret))

    def _kubernetes_provisioner(self) -> Provisioner:
        from importlib.util import find_spec

        from taskforge.provisioning.unready import UnreadyProvisioner

        settings = self.settings
        if settings.scaling_kubernetes_namespace is None:
            return UnreadyProvisioner("scaling_kubernetes_namespace is not set")
        if find_spec("kubernetes") is None:
            return UnreadyProvisioner("the extra kubernetes is not installed")
        from taskforge.provisioning.kubernetes import KubernetesProvisioner

        return KubernetesProvisioner(
            settings.scaling_kubernetes_namespace,
            settings.scaling_kubernetes_deployment,
            settings.scaling_kubernetes_config,
        )

    # Who is told what

    @cached_property
    def _telling(self) -> Telling:
        from taskforge.storage.telling import Telling

        return Telling(self.jobs, self._queue_store, self._mint)

    @cached_property
    def _receiver_store(self) -> SqlReceiverStore:
        from taskforge.storage.receivers import SqlReceiverStore

        return SqlReceiverStore(self.engine, self._telling, self._mint)

    @cached_property
    def poster(self) -> Poster:
        """Sends requests to servers of others."""
        from taskforge.domain.outbound import parse_networks
        from taskforge.outbound.poster import CheckedPoster

        return CheckedPoster(parse_networks(self.settings.outbound_networks, "outbound_networks"))

    @cached_property
    def _notice_store(self) -> SqlNoticeStore:
        from taskforge.storage.notices import SqlNoticeStore

        return SqlNoticeStore(self.engine, self._telling)

    @cached_property
    def mailer(self) -> Mailer:
        """Hands messages to the mail server of the installation."""
        from taskforge.outbound.mail import SmtpMailer

        return SmtpMailer(self.settings.smtp_url, self.settings.smtp_from)

    @cached_property
    def alerting(self) -> Alerting:
        from taskforge.services.alerting import Alerting
        from taskforge.storage.alerts import SqlAlertStore

        store = SqlAlertStore(self.engine, self._telling, self._mint)
        return Alerting(store, self._receiver_store, self.directory)

    @cached_property
    def receivers(self) -> Receivers:
        from taskforge.services.receivers import Receivers

        return Receivers(
            self._receiver_store,
            self.workers,
            self.directory,
            self.control,
            self.signals,
            lambda: self.poster,
            self._now,
            self._notice_store,
        )

    @cached_property
    def evaluating(self) -> Evaluating:
        """Of all projects."""
        from taskforge.services.evaluating import Evaluating
        from taskforge.storage.alerts import SqlAlertStore

        store = SqlAlertStore(self.engine, self._telling, self._mint)
        return Evaluating(store, self._measuring_of, self.settings.alert_interval_seconds)

    def _measuring_of(self, project_id: ProjectId) -> Measuring:
        from taskforge.services.measuring import Measuring
        from taskforge.services.metrics import Metrics
        from taskforge.storage.measures import SqlMeasureStore
        from taskforge.storage.metrics import SqlMetricsStore

        record = SqlMetricsStore(self.engine)
        return Measuring(
            SqlMeasureStore(self.engine),
            record,
            self._queue_store,
            Metrics(record, self._queue_store, project_id),
            project_id,
            timedelta(seconds=self.settings.lease_seconds),
            self._scaling_of(project_id),
        )

    @cached_property
    def delivering(self) -> Delivering:
        """Of all projects."""
        from taskforge.services.delivering import Delivering

        return Delivering(
            self._receiver_store,
            self._delivery_link,
            lambda: self.poster,
            lambda: self.mailer,
            lambda: self._now().timestamp(),
            self._notice_store,
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
            directory=QueueDirectory(self._queue_store, project_id, retry_policy_of),
            signals=self.signals,
            mint=self._mint,
            options=LinkOptions(LEASE_SECONDS),
        )

    # Who may do what, and what was done

    @cached_property
    def limits(self) -> LimitGuard:
        """What the organizations of this database may use."""
        from taskforge.services.limits import LimitGuard, OwnRates
        from taskforge.storage.tenants import SqlTenantStore

        rates: RequestRates = OwnRates()
        if self.redis is not None:
            from taskforge.coordination.redis_opening import rates_in

            rates = rates_in(self.redis, rates)
        return LimitGuard(SqlTenantStore(self.engine, self._mint), rates=rates)

    @cached_property
    def security(self) -> Security:
        import secrets

        from taskforge.services.security import Security, SecurityStores
        from taskforge.storage.credentials import SqlCredentialStore, SqlKeyStore
        from taskforge.storage.logins import SqlAttemptStore, SqlSessionStore
        from taskforge.storage.people import SqlPeopleStore
        from taskforge.storage.tenants import SqlTenantStore

        return Security(
            SecurityStores(
                SqlTenantStore(self.engine, self._mint),
                SqlPeopleStore(self.engine, self._mint),
                SqlKeyStore(self.engine),
                SqlCredentialStore(self.engine),
                SqlSessionStore(self.engine),
                SqlAttemptStore(self.engine),
                self._queue_store,
            ),
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
        from taskforge.storage.audit import SqlAuditStore

        return AuditLog(SqlAuditStore(self.engine))

    @cached_property
    def idempotency(self) -> Idempotency:
        from taskforge.services.idempotency import Idempotency
        from taskforge.storage.requests import SqlRequestStore

        return Idempotency(SqlRequestStore(self.engine), self._mint)

    # Locks

    @cached_property
    def leasing(self) -> Leasing:
        from taskforge.services.leasing import Leasing
        from taskforge.storage.leases import SqlLeaseStore

        return Leasing(SqlLeaseStore(self.engine), self.project_id, self._mint)

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
            traces=self._trace_store,
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
