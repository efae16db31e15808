"""What the API needs of the platform; `wiring` hands it over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from taskforge.api.authentication import Authenticator
    from taskforge.domain.access import Principal
    from taskforge.domain.ids import OrganizationId, ProjectId, WorkerId
    from taskforge.ports.signals import Signals
    from taskforge.services.alerting import Alerting
    from taskforge.services.assignments import Assignments
    from taskforge.services.audit import AuditLog
    from taskforge.services.backfill import Backfill
    from taskforge.services.breakers import Breakers
    from taskforge.services.browsing import Browsing
    from taskforge.services.control import Control
    from taskforge.services.directory import QueueDirectory
    from taskforge.services.error_groups import ErrorGroups
    from taskforge.services.explaining import Explaining
    from taskforge.services.exposition import Exposition
    from taskforge.services.health import Health
    from taskforge.services.idempotency import Idempotency
    from taskforge.services.insights import Insights
    from taskforge.services.live import LiveEvents
    from taskforge.services.metrics import Metrics
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
    from taskforge.services.workers import Workers


class ProjectServices(Protocol):
    """The services of one project."""

    project_id: ProjectId
    signals: Signals

    @property
    def directory(self) -> QueueDirectory: ...
    @property
    def submission(self) -> Submission: ...
    @property
    def queues(self) -> Queues: ...
    @property
    def assignments(self) -> Assignments: ...
    @property
    def pauses(self) -> Pauses: ...
    @property
    def breakers(self) -> Breakers: ...
    @property
    def control(self) -> Control: ...
    @property
    def operations(self) -> Operations: ...
    @property
    def errors(self) -> ErrorGroups: ...
    @property
    def backfill(self) -> Backfill: ...
    @property
    def insights(self) -> Insights: ...
    @property
    def results(self) -> Results: ...
    @property
    def health(self) -> Health: ...
    @property
    def redis_health(self) -> RedisHealth: ...
    @property
    def explaining(self) -> Explaining: ...
    @property
    def remote_workers(self) -> RemoteWorkers: ...
    @property
    def browsing(self) -> Browsing: ...
    @property
    def worker_fleet(self) -> Workers: ...
    @property
    def payloads(self) -> PayloadSchemas: ...
    @property
    def metrics(self) -> Metrics: ...
    @property
    def schedules(self) -> Schedules: ...
    @property
    def scaling(self) -> Scaling: ...
    @property
    def simulating(self) -> Simulating: ...
    @property
    def alerting(self) -> Alerting: ...
    @property
    def receivers(self) -> Receivers: ...
    def submission_of(self, mint: Callable[[], UUID]) -> Submission:
        """Accepts jobs under ids of the caller's choice."""
        ...


class Backend(Protocol):
    """The whole installation, on the running event loop."""

    @property
    def authenticator(self) -> Authenticator:
        """Tells who calls."""
        ...

    @property
    def live(self) -> LiveEvents:
        """What changes, as it does."""
        ...

    @property
    def exposition(self) -> Exposition:
        """What is told to monitoring systems."""
        ...

    async def project(self, project_id: ProjectId) -> ProjectServices:
        """The services of a project that the caller may use."""
        ...

    async def projects_of(self, organization_id: OrganizationId | None) -> Sequence[ProjectId]:
        """The projects of an organization, the default one first; none of no organization."""
        ...

    async def worker_token(self, registrar: Principal, project_id: ProjectId, worker_id: WorkerId) -> str:
        """A credential for this incarnation of a worker and no other, no longer good than the registrar's own."""
        ...

    @property
    def security(self) -> Security:
        """Organizations, people and credentials."""
        ...

    @property
    def idempotency(self) -> Idempotency:
        """Requests that are carried out once, however often they come."""
        ...

    @property
    def audit(self) -> AuditLog:
        """The audit logs of all organizations."""
        ...

    def forget_projects(self, organization_id: OrganizationId) -> None:
        """Look up again which projects it has."""
        ...

    def wake_operations(self) -> None:
        """A bulk operation has begun: its steps are to be taken."""
        ...

    async def check_ready(self) -> Mapping[str, str]:
        """What requests need, and how it is. Raises Unavailable, SchemaMismatch when they cannot be served."""
        ...


@dataclass(frozen=True, slots=True)
class ApiOptions:
    """How the API answers. ``secret`` signs cursors; ``body_seconds`` is how long a body may take to arrive.

    ``cors_origins``: sites whose pages may read answers; cookies are never taken from there.
    """

    secret: bytes
    body_seconds: float = 30.0
    max_body_bytes: int = 1024 * 1024
    root_path: str = ""
    cors_origins: frozenset[str] = frozenset()
