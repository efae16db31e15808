"""TaskForge behind the names of Django's two backends, with what Django's tests ask of these alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.contrib.django import TaskForgeBackend
from taskforge.ports.history import JobFilter
from taskforge.testing import Harness

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_harnesses: dict[int, Harness] = {}


def close() -> None:
    """Close what was opened."""
    while _harnesses:
        _harnesses.popitem()[1].__exit__(None, None, None)


class Kept(TaskForgeBackend):
    """An application in memory."""

    def __init__(self, alias: str, params: Mapping[str, Any]) -> None:
        super().__init__(alias, params)
        if id(self.app) not in _harnesses:
            _harnesses[id(self.app)] = Harness(self.app).__enter__()


class DummyBackend(Kept):
    """Its jobs wait for ever; the tests look at all of them, and forget them."""

    @property
    def results(self) -> list[Any]:
        return [self.get_result(str(job.id)) for job in _harnesses[id(self.app)].jobs()]

    def clear(self) -> None:
        async def forget() -> None:
            platform = await self.app.platform()
            for job in await platform.insights.jobs(JobFilter(limit=1000)):
                await platform.control.cancel(job.id)
                await platform.control.delete(job.id)

        self.app.run_sync(forget)


class ImmediateBackend(Kept):
    """Its jobs have run when ``enqueue`` returns, and the result says how."""

    def enqueue(self, task: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        result = super().enqueue(task, args, kwargs)
        _harnesses[id(self.app)].drain()
        result.refresh()
        return result
