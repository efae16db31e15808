"""What the projects of one database share: its stores, hints, Redis, the rules of access, servers of others.

Each part is made, and its modules are imported, when it is first asked for: a program that only enqueues, or
a worker, starts without what only the API needs.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from taskforge.domain.errors import InvalidInput, InvalidSetting
from taskforge.stores import Stores

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from taskforge.coordination.redis_server import RedisServer
    from taskforge.domain.scaling_policy import ProvisionerKind
    from taskforge.ports.clock import Clock
    from taskforge.ports.dispatch import ReadyQueues
    from taskforge.ports.leases import LeaseStore
    from taskforge.ports.outbound import Poster
    from taskforge.ports.rates import RequestRates
    from taskforge.ports.scaling import Provisioner
    from taskforge.ports.signals import Signals
    from taskforge.services.audit import AuditLog
    from taskforge.services.breaking import Breaking
    from taskforge.services.dispatch import HandedOut
    from taskforge.services.idempotency import Idempotency
    from taskforge.services.limits import LimitGuard
    from taskforge.services.lookout import Lookout
    from taskforge.services.lull import Lull
    from taskforge.services.pauses import PauseWork
    from taskforge.services.recording import Recording
    from taskforge.services.security import Security
    from taskforge.settings import Settings
    from taskforge.storage.engine import Engine

CALM = 6
"""So many times less often a worker asks where it watches the file itself, which no commit escapes."""


class Foundation:
    """What the platforms of all projects stand on, on one event loop."""

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        signals: Signals,
        mint: Callable[[], UUID],
        *,
        clock: Clock | None = None,
        redis: RedisServer | None = None,
        lookout: Lookout | None = None,
    ) -> None:
        self.settings = settings
        self.engine = engine
        self.stores = Stores(engine, mint)
        self.signals = signals
        self.redis = redis
        self.mint = mint
        self.lookout = lookout
        self._clock = clock

    def now(self) -> datetime:
        moved = None if self._clock is None else self._clock.now()
        return moved or datetime.now(UTC)

    # Workers and their jobs

    @cached_property
    def ready_queues(self) -> ReadyQueues | None:
        """Those in Redis; None where the database alone says which job is next."""
        if self.redis is None or self.settings.dispatch != "redis":
            return None
        from taskforge.coordination.redis_opening import ready_queues_in

        return ready_queues_in(self.redis)

    @cached_property
    def handed_out(self) -> HandedOut:
        """Where the workers of this process got their jobs from; with ready queues only."""
        from taskforge.services.dispatch import HandedOut

        return HandedOut()

    @cached_property
    def lull(self) -> Lull:
        from taskforge.services.lull import Lull

        return Lull(self.poll_seconds)

    @property
    def poll_seconds(self) -> float:
        """How often a worker polls while it hears hints."""
        return self.settings.poll_seconds * (CALM if self.engine.dialect == "sqlite" else 1)

    @cached_property
    def breaking(self) -> Breaking:
        from taskforge.services.breaking import Breaking

        return Breaking(self.stores.breakers, self.pause_work, self.signals)

    @cached_property
    def pause_work(self) -> PauseWork:
        from taskforge.services.pauses import PauseWork

        return PauseWork(self.stores.pauses, self.stores.queues, self.signals)

    @cached_property
    def recording(self) -> Recording:
        from taskforge.services.recording import Recording

        return Recording(self.stores.record, self.stores.error_keeper)

    # Locks

    def leases(self, by: str) -> LeaseStore:
        """Kept in the ``database`` or in ``redis``. Raises InvalidInput, InvalidSetting (there is none)."""
        if by == "database":
            return self.stores.leases
        if by != "redis":
            raise InvalidInput(f"a lock cannot be kept in {by!r}", field="by", hint="database or redis")
        if self._redis_leases is None:
            raise InvalidSetting(
                "a lock in Redis needs the setting redis_url",
                field="redis_url",
                hint="TASKFORGE_REDIS_URL=redis://host:6379/0",
            )
        return self._redis_leases

    @cached_property
    def _redis_leases(self) -> LeaseStore | None:
        if self.redis is None:
            return None
        from taskforge.coordination.redis_opening import leases_in

        return leases_in(self.redis)

    # Servers of others

    @cached_property
    def poster(self) -> Poster:
        """Sends requests to servers of others."""
        from taskforge.domain.outbound import parse_networks
        from taskforge.outbound.poster import CheckedPoster

        return CheckedPoster(parse_networks(self.settings.outbound_networks, "outbound_networks"))

    @cached_property
    def provisioners(self) -> Mapping[ProvisionerKind, Provisioner]:
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
            now=self.now,
            mint=self.mint,
            random=secrets.token_bytes,
        )

    @cached_property
    def audit(self) -> AuditLog:
        from taskforge.services.audit import AuditLog

        return AuditLog(self.stores.audit)

    @cached_property
    def idempotency(self) -> Idempotency:
        from taskforge.services.idempotency import Idempotency

        return Idempotency(self.stores.requests, self.mint)

    async def close(self) -> None:
        """End what was made; the engine belongs to who opened it."""
        await self.audit.seal_own()
        if "security" in self.__dict__:
            self.security.close()
        for provisioner in self.__dict__.get("provisioners", {}).values():
            await provisioner.close()
        await self.signals.close()
