"""The HTTP API and the dashboard over a database: the application, and the recovery that every process does."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections import OrderedDict
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from taskforge.api.application import create_application
from taskforge.api.backend import ApiOptions
from taskforge.api.origins import parse_origins
from taskforge.dashboard.pages import serve_dashboard
from taskforge.domain.access import Permission, system
from taskforge.domain.errors import InvalidSetting
from taskforge.domain.organization import DEFAULT_NAME
from taskforge.housekeeping import Housekeeping
from taskforge.ports.acting import acting
from taskforge.runtime.loops.operate import operations_loop
from taskforge.runtime.loops.scale import scaling_loop
from taskforge.scheduler_session import scheduler_of
from taskforge.services.live import LiveEvents
from taskforge.services.readiness import Readiness
from taskforge.upkeep import upkeep

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from fastapi import FastAPI

    from taskforge.api.authentication import Authenticator
    from taskforge.domain.access import Principal
    from taskforge.domain.ids import OrganizationId, ProjectId, WorkerId
    from taskforge.platform import Platform
    from taskforge.services.security import Security
    from taskforge.wiring import Wiring

RECOVERY_ROUNDS = 6
"""A server whose recovery has failed so often, beyond a lease, is not ready."""
TRUST_SECONDS = 3.0
"""For so long what was looked up of an organization is believed."""
LOOKING = system("api")
SCRAPER = replace(system("metrics"), permissions=frozenset({Permission.METRICS_READ}))
"""Who shows the scrape token of the settings: it sees figures of all organizations, and nothing else."""
LEAST_TOKEN = 16
MOST_PROJECTS = 1000
"""Services of so many projects are kept; those not used for longest go first."""


class Installation:
    """Implements ``api.backend.Backend``."""

    def __init__(self, wiring: Wiring, housekeeping: Housekeeping, authenticator: Authenticator) -> None:
        platform, foundation = housekeeping.platform, housekeeping.platform.foundation
        self._wiring = wiring
        self._own = platform
        self._platforms: OrderedDict[ProjectId, Platform] = OrderedDict()
        self._projects: dict[OrganizationId, tuple[float, Sequence[ProjectId]]] = {}
        self.authenticator = authenticator
        self.live = LiveEvents(platform.signals)
        self.security = foundation.security
        self.audit = foundation.audit
        self.idempotency = foundation.idempotency
        self.exposition = housekeeping.exposition
        self.operating = operations_loop(housekeeping.operation_steps.take)
        settings = platform.settings
        self.readiness = Readiness(
            housekeeping.ticking.late,
            wiring.check_schema,
            patience=settings.lease_seconds + RECOVERY_ROUNDS * settings.recovery_interval_seconds,
            beside={} if foundation.redis is None else {"redis": foundation.redis.check},
        )

    async def project(self, project_id: ProjectId) -> Platform:
        platform = self._platforms.get(project_id)
        if platform is None:
            platform = self._platforms[project_id] = await self._wiring.platform_of(project_id)
            if len(self._platforms) > MOST_PROJECTS:
                self._platforms.popitem(last=False)
        self._platforms.move_to_end(project_id)
        return platform

    async def projects_of(self, organization_id: OrganizationId | None) -> Sequence[ProjectId]:
        if organization_id is None:
            return []
        until, found = self._projects.get(organization_id, (0.0, ()))
        if until < time.monotonic():
            with acting(LOOKING):
                projects = await self.security.projects.list(organization_id)
            projects = sorted(projects, key=lambda project: (project.name != DEFAULT_NAME, project.name))
            found = [project.id for project in projects]
            self._projects[organization_id] = (time.monotonic() + TRUST_SECONDS, found)
        return found

    def forget_projects(self, organization_id: OrganizationId) -> None:
        self._projects.pop(organization_id, None)

    async def worker_token(self, registrar: Principal, project_id: ProjectId, worker_id: WorkerId) -> str:
        return await self.authenticator.worker_token(registrar, project_id, worker_id)

    def wake_operations(self) -> None:
        self.operating.wake()

    async def check_ready(self) -> Mapping[str, str]:
        return await self.readiness.check()

    async def close(self) -> None:
        """Stop listening, and what was begun for other projects; the own one is the wiring's."""
        self.live.close()
        for platform in self._platforms.values():
            if platform is not self._own:
                await platform.close()


class Credentials:
    """Implements ``api.authentication.Authenticator``."""

    def __init__(self, security: Security, metrics_token: str | None = None) -> None:
        if metrics_token is not None and len(metrics_token) < LEAST_TOKEN:
            raise InvalidSetting(
                f"metrics_token must have at least {LEAST_TOKEN} characters", field="metrics_token"
            )
        self._security = security
        self._metrics_token = None if metrics_token is None else metrics_token.encode()

    async def authenticate(self, token: str, *, address: str | None) -> Principal:
        if self._metrics_token is not None and hmac.compare_digest(token.encode(), self._metrics_token):
            return SCRAPER
        return await self._security.access.authenticate(token, address=address)

    async def worker_token(self, registrar: Principal, project_id: ProjectId, worker_id: WorkerId) -> str:
        return await self._security.keys.issue_worker(project_id, worker_id)


def api_application(
    wiring: Wiring, authenticator: Authenticator | None = None, *, schedules: bool = False
) -> FastAPI:
    """The application over the database of ``wiring``, which it closes at its end; with a scheduler if wanted."""
    settings = wiring.settings
    secret = hashlib.sha256(b"cursor\0" + (settings.secret_key or "").encode()).digest()

    @asynccontextmanager
    async def open_backend() -> AsyncIterator[Installation]:
        try:
            housekeeping = Housekeeping(await wiring.platform())
            credentials = Credentials(housekeeping.platform.security, settings.metrics_token)
            installation = Installation(wiring, housekeeping, authenticator or credentials)
            async with AsyncExitStack() as stack:
                for loop in (
                    *upkeep(housekeeping, installation.readiness.noting),
                    installation.operating,
                    scaling_loop(housekeeping.autoscaling.round, settings.scaling_interval_seconds),
                ):
                    await stack.enter_async_context(loop)
                if schedules:
                    await stack.enter_async_context(scheduler_of(housekeeping))
                yield installation
            await housekeeping.autoscaling.resign()
            await installation.close()
        finally:
            await wiring.close()

    options = ApiOptions(
        secret=secret, root_path=settings.root_path, cors_origins=parse_origins(settings.cors_origins)
    )
    application = create_application(open_backend, options)
    serve_dashboard(application, settings.environment)
    return application
