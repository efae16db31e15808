"""The scheduler of an application in this process: what its code declares, and due times of the whole database.

It sees to scaling policies too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskforge.domain.errors import InvalidSetting
from taskforge.housekeeping import Housekeeping
from taskforge.runtime.loops.scale import scaling_loop
from taskforge.runtime.scheduler import Scheduler
from taskforge.upkeep import least_upkeep

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType
    from typing import Self

    from taskforge.runtime.loop import Loop
    from taskforge.services.autoscaling import Autoscaling
    from taskforge.wiring import Wiring


def scheduler_of(housekeeping: Housekeeping) -> Scheduler:
    """A scheduler, not yet started."""
    settings, signals = housekeeping.platform.settings, housekeeping.platform.signals
    return Scheduler(
        housekeeping.ticking,
        signals,
        poll=settings.poll_seconds,
        poll_without_hints=settings.poll_without_hints_seconds,
    )


class SchedulerSession:
    """``async with``: started on entry, stopped on exit.

    ``declare`` makes known what code says. With ``alone`` no worker is in this process, and it does what every
    process does.
    """

    def __init__(
        self, wiring: Wiring, declare: Callable[[], Awaitable[object]], *, alone: bool = True
    ) -> None:
        self._wiring = wiring
        self._declare = declare
        self._alone = alone
        self._scheduler: Scheduler | None = None
        self._parts: list[Scheduler | Loop] = []
        self._autoscaling: Autoscaling | None = None

    def stalled(self) -> float:
        """For how many seconds due times could not be seen to; 0 when all is well."""
        return 0.0 if self._scheduler is None else self._scheduler.stalled()

    async def __aenter__(self) -> Self:
        settings = self._wiring.settings
        if settings.server is not None:
            raise InvalidSetting(
                f"a scheduler works on a database, not through the server {settings.server}",
                field="server",
                hint="taskforge serve --scheduler",
            )
        housekeeping = Housekeeping(await self._wiring.platform())
        await self._declare()
        self._autoscaling = housekeeping.autoscaling
        self._scheduler = scheduler_of(housekeeping)
        self._parts = [
            self._scheduler,
            scaling_loop(self._autoscaling.round, settings.scaling_interval_seconds),
        ]
        if self._alone:
            self._parts += least_upkeep(housekeeping)
        for part in self._parts:
            part.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for part in self._parts:
            await part.stop()
        if self._autoscaling is not None:
            await self._autoscaling.resign()
