"""A worker on a fake platform, and tasks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from taskforge.domain.job_options import JobOptions
from taskforge.domain.worker import ProcessIdentity
from taskforge.runtime.worker.options import WorkerOptions
from taskforge.runtime.worker.worker import Worker
from taskforge.sdk.registry import Registry
from taskforge.sdk.task import make_task

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.runtime.fake_link import FakeLink


class Scene:
    """``scene.task`` registers a function under its own name, ``scene.worker(...)`` makes the worker."""

    def __init__(self, link: FakeLink) -> None:
        self.link = link
        self.registry = Registry()

    def task(self, function: Callable[..., Any]) -> Callable[..., Any]:
        self.registry.add(
            make_task(
                function,
                name=function.__name__,
                queue="default",
                pool=None,
                options=JobOptions(),
                backend=cast("Any", None),
            )
        )
        return function

    def worker(self, **options: Any) -> Worker:
        if not len(self.registry):
            self.task(nothing)  # a worker without tasks is refused by a server
        defaults: dict[str, Any] = {
            "name": "w",
            "queues": ["default"],
            "process": ProcessIdentity("host", "machine", 1, "now"),
            "concurrency": 4,
            "grace": 5.0,
            "stop_grace": 2.0,
        }
        return Worker(
            self.link.worker_end(), self.link.connect, self.registry, WorkerOptions(**(defaults | options))
        )


async def nothing() -> None:
    """Leave nothing behind."""
