"""An autoscaler of an application in this process, which starts and stops its workers on this host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskforge.domain.errors import InvalidSetting
from taskforge.domain.scaling_policy import ProvisionerKind
from taskforge.housekeeping import Housekeeping
from taskforge.runtime.local_workers import LocalWorkers
from taskforge.runtime.loops.scale import scaling_loop
from taskforge.upkeep import least_upkeep

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Self

    from taskforge.runtime.loop import Loop
    from taskforge.services.autoscaling import Autoscaling
    from taskforge.wiring import Wiring


class AutoscalerSession:
    """``async with``: started on entry; on exit it and the workers that it has started are ended.

    ``command`` gives the command line of a worker of this name for this queue. With ``alone`` no worker is in this
    process, and it does what every process does, and sees to the policies of other provisioners too.
    """

    def __init__(
        self, wiring: Wiring, command: Callable[[str, str], Sequence[str]], *, alone: bool = True
    ) -> None:
        self._wiring = wiring
        self._workers = LocalWorkers(command, grace=wiring.settings.grace_seconds)
        self._alone = alone
        self._autoscaling: list[Autoscaling] = []
        self._loops: list[Loop] = []

    async def __aenter__(self) -> Self:
        settings = self._wiring.settings
        if settings.server is not None:
            raise InvalidSetting(
                f"an autoscaler works on a database, not through the server {settings.server}", field="server"
            )
        housekeeping = Housekeeping(await self._wiring.platform())
        self._autoscaling = [housekeeping.local_autoscaling({ProvisionerKind.LOCAL: self._workers})]
        if self._alone:
            self._autoscaling.append(housekeeping.autoscaling)
            self._loops = least_upkeep(housekeeping)
        for autoscaling in self._autoscaling:
            self._loops.append(scaling_loop(autoscaling.round, settings.scaling_interval_seconds))
        for loop in self._loops:
            loop.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for loop in self._loops:
            await loop.stop()
        for autoscaling in self._autoscaling:
            await autoscaling.resign()
        await self._workers.close()
