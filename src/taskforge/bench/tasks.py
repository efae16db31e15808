"""The two tasks that are measured, and the application that carries them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from taskforge import TaskForge

from .stamps import leave

if TYPE_CHECKING:
    from taskforge import Task

QUEUE = "bench"


async def noop(n: int) -> None:
    """Does nothing but leave the time of its run."""
    leave(time.time())


async def latency(sent: float) -> None:
    """Leaves how long ago it was sent, in seconds."""
    leave(time.time() - sent)


class BenchApp(NamedTuple):
    app: TaskForge
    noop: Task[[int], None]
    latency: Task[[float], None]


def build(database_url: str) -> BenchApp:
    """An application of its own for each database that is measured."""
    app = TaskForge(database_url=database_url)
    return BenchApp(app, app.task(queue=QUEUE)(noop), app.task(queue=QUEUE)(latency))
