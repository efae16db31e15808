"""What is stored: which class stands behind which port of storage.

Each is made, and its module is imported, when it is first asked for.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from taskforge.services.security import SecurityStores
    from taskforge.storage.alerts import SqlAlertStore
    from taskforge.storage.assignments import SqlAssignmentStore
    from taskforge.storage.audit import SqlAuditStore
    from taskforge.storage.breakers import SqlBreakerStore
    from taskforge.storage.bulk import SqlBulkStore
    from taskforge.storage.dispatch import SqlDispatchStore
    from taskforge.storage.engine import Engine
    from taskforge.storage.errors import SqlErrorKeeper, SqlErrorStore
    from taskforge.storage.exposition import SqlExpositionStore
    from taskforge.storage.health import SqlHealthStore
    from taskforge.storage.history import SqlHistoryStore
    from taskforge.storage.jobs import SqlJobStore
    from taskforge.storage.leases import SqlLeaseStore
    from taskforge.storage.measures import SqlMeasureStore
    from taskforge.storage.metrics import SqlMetricsStore
    from taskforge.storage.notices import SqlNoticeStore
    from taskforge.storage.operations import SqlOperationStore
    from taskforge.storage.partitions import SqlPartitionStore
    from taskforge.storage.pauses import SqlPauseStore
    from taskforge.storage.queues import SqlQueueStore
    from taskforge.storage.receivers import SqlReceiverStore
    from taskforge.storage.recording import SqlRecordKeeper
    from taskforge.storage.requests import SqlRequestStore
    from taskforge.storage.retention import SqlRetentionStore
    from taskforge.storage.scaling import SqlScalingStore
    from taskforge.storage.schedules import SqlScheduleStore
    from taskforge.storage.telling import Telling
    from taskforge.storage.tenants import SqlTenantStore
    from taskforge.storage.tick_keeping import SqlTickKeeper
    from taskforge.storage.ticks import SqlTickStore
    from taskforge.storage.traces import SqlTraceStore
    from taskforge.storage.transactions import SqlTransactionStore
    from taskforge.storage.workers import SqlWorkerStore


class Stores:
    """Those of one database, on one event loop; of all its projects."""

    def __init__(self, engine: Engine, mint: Callable[[], UUID]) -> None:
        self.engine = engine
        self._mint = mint

    @cached_property
    def jobs(self) -> SqlJobStore:
        from taskforge.storage.jobs import SqlJobStore

        return SqlJobStore(self.engine)

    @cached_property
    def workers(self) -> SqlWorkerStore:
        from taskforge.storage.workers import SqlWorkerStore

        return SqlWorkerStore(self.engine)

    @cached_property
    def queues(self) -> SqlQueueStore:
        from taskforge.storage.queues import SqlQueueStore

        return SqlQueueStore(self.engine, self._mint)

    @cached_property
    def pauses(self) -> SqlPauseStore:
        from taskforge.storage.pauses import SqlPauseStore

        return SqlPauseStore(self.engine, self._mint)

    @cached_property
    def breakers(self) -> SqlBreakerStore:
        from taskforge.storage.breakers import SqlBreakerStore

        return SqlBreakerStore(self.engine, self._mint)

    @cached_property
    def dispatch(self) -> SqlDispatchStore:
        from taskforge.storage.dispatch import SqlDispatchStore

        return SqlDispatchStore(self.engine, self.jobs)

    @cached_property
    def history(self) -> SqlHistoryStore:
        from taskforge.storage.history import SqlHistoryStore

        return SqlHistoryStore(self.engine)

    @cached_property
    def traces(self) -> SqlTraceStore:
        from taskforge.storage.traces import SqlTraceStore

        return SqlTraceStore(self.engine)

    @cached_property
    def bulk(self) -> SqlBulkStore:
        from taskforge.storage.bulk import SqlBulkStore

        return SqlBulkStore(self.engine)

    @cached_property
    def operations(self) -> SqlOperationStore:
        from taskforge.storage.operations import SqlOperationStore

        return SqlOperationStore(self.engine)

    @cached_property
    def schedules(self) -> SqlScheduleStore:
        from taskforge.storage.schedules import SqlScheduleStore

        return SqlScheduleStore(self.engine, self._mint)

    @cached_property
    def ticks(self) -> SqlTickStore:
        from taskforge.storage.ticks import SqlTickStore

        return SqlTickStore(self.engine, self.jobs, self.queues, self._mint)

    @cached_property
    def scaling(self) -> SqlScalingStore:
        from taskforge.storage.scaling import SqlScalingStore

        return SqlScalingStore(self.engine, self._mint)

    @cached_property
    def receivers(self) -> SqlReceiverStore:
        from taskforge.storage.receivers import SqlReceiverStore

        return SqlReceiverStore(self.engine, self._telling, self._mint)

    @cached_property
    def notices(self) -> SqlNoticeStore:
        from taskforge.storage.notices import SqlNoticeStore

        return SqlNoticeStore(self.engine, self._telling)

    @cached_property
    def alerts(self) -> SqlAlertStore:
        from taskforge.storage.alerts import SqlAlertStore

        return SqlAlertStore(self.engine, self._telling, self._mint)

    @cached_property
    def metrics(self) -> SqlMetricsStore:
        from taskforge.storage.metrics import SqlMetricsStore

        return SqlMetricsStore(self.engine)

    @cached_property
    def measures(self) -> SqlMeasureStore:
        from taskforge.storage.measures import SqlMeasureStore

        return SqlMeasureStore(self.engine)

    @cached_property
    def leases(self) -> SqlLeaseStore:
        from taskforge.storage.leases import SqlLeaseStore

        return SqlLeaseStore(self.engine)

    @cached_property
    def tenants(self) -> SqlTenantStore:
        from taskforge.storage.tenants import SqlTenantStore

        return SqlTenantStore(self.engine, self._mint)

    @cached_property
    def health(self) -> SqlHealthStore:
        from taskforge.storage.health import SqlHealthStore

        return SqlHealthStore(self.engine)

    @cached_property
    def errors(self) -> SqlErrorStore:
        from taskforge.storage.errors import SqlErrorStore

        return SqlErrorStore(self.engine)

    @cached_property
    def exposition(self) -> SqlExpositionStore:
        from taskforge.storage.exposition import SqlExpositionStore

        return SqlExpositionStore(self.engine)

    @cached_property
    def assignments(self) -> SqlAssignmentStore:
        from taskforge.storage.assignments import SqlAssignmentStore

        return SqlAssignmentStore(self.engine, self._mint)

    @cached_property
    def requests(self) -> SqlRequestStore:
        from taskforge.storage.requests import SqlRequestStore

        return SqlRequestStore(self.engine)

    @cached_property
    def audit(self) -> SqlAuditStore:
        from taskforge.storage.audit import SqlAuditStore

        return SqlAuditStore(self.engine)

    @cached_property
    def record(self) -> SqlRecordKeeper:
        from taskforge.storage.recording import SqlRecordKeeper

        return SqlRecordKeeper(self.engine)

    @cached_property
    def error_keeper(self) -> SqlErrorKeeper:
        from taskforge.storage.errors import SqlErrorKeeper

        return SqlErrorKeeper(self.engine, self._mint)

    @cached_property
    def retention(self) -> SqlRetentionStore:
        from taskforge.storage.retention import SqlRetentionStore

        return SqlRetentionStore(self.engine)

    @cached_property
    def transactions(self) -> SqlTransactionStore:
        from taskforge.storage.transactions import SqlTransactionStore

        return SqlTransactionStore(self.engine, self.jobs, self.queues)

    @cached_property
    def tick_keeper(self) -> SqlTickKeeper:
        from taskforge.storage.tick_keeping import SqlTickKeeper

        return SqlTickKeeper(self.engine)

    @cached_property
    def security(self) -> SecurityStores:
        from taskforge.services.security import SecurityStores
        from taskforge.storage.credentials import SqlCredentialStore, SqlKeyStore
        from taskforge.storage.logins import SqlAttemptStore, SqlSessionStore
        from taskforge.storage.people import SqlPeopleStore

        return SecurityStores(
            self.tenants,
            SqlPeopleStore(self.engine, self._mint),
            SqlKeyStore(self.engine),
            SqlCredentialStore(self.engine),
            SqlSessionStore(self.engine),
            SqlAttemptStore(self.engine),
            self.queues,
        )

    @cached_property
    def partitions(self) -> SqlPartitionStore | None:
        """Where tables have any."""
        if self.engine.dialect != "postgres":
            return None
        from taskforge.storage.partitions import SqlPartitionStore

        return SqlPartitionStore(self.engine)

    @cached_property
    def _telling(self) -> Telling:
        from taskforge.storage.telling import Telling

        return Telling(self.jobs, self.queues, self._mint)
