"""The tasks of huey, in a module of their own: it names a task by the module that defines it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from huey import SqliteHuey

from taskforge.bench.stamps import leave

if TYPE_CHECKING:
    from collections.abc import Callable


class HueyApp(NamedTuple):
    huey: SqliteHuey
    noop: Callable[[int], object]
    latency: Callable[[float], object]


def build(path: str) -> HueyApp:
    huey = SqliteHuey("bench", filename=path, results=False)

    def noop(n: int) -> None:
        leave(time.time())

    def latency(sent: float) -> None:
        leave(time.time() - sent)

    return HueyApp(huey, huey.task(name="noop")(noop), huey.task(name="latency")(latency))
