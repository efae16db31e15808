"""How much of the machine this worker uses, with the processes that it started."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import psutil

from taskforge.domain.worker import Usage
from taskforge.runtime.worker.task_usage import TaskMeter

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLE_INTERVAL = 55.0
"""Asked at each heartbeat: once a minute."""


class UsageMeter:
    """Measures between one sample and the next: at once when it is asked first, then every ``interval`` seconds.

    The first tells of the process since it began: the moment since this object was made is shorter than the ticks in
    which the system counts. A sample takes some milliseconds: the child processes have to be looked for.
    """

    def __init__(
        self,
        interval: float = SAMPLE_INTERVAL,
        clock: Callable[[], float] = time.monotonic,
        tasks: TaskMeter | None = None,
    ) -> None:
        self._tasks = tasks or TaskMeter()
        self._interval = interval
        self._clock = clock
        self._process = psutil.Process()
        self._next = clock()
        self._since = self._next - max(0.0, time.time() - self._process.create_time())
        self._used = 0.0

    def take(self, *, is_last: bool = False) -> Usage | None:
        """What was used since the last sample; None while it is not time for one, or the system does not tell.

        The last one is taken at any time, if executions were measured since the one before.
        """
        now = self._clock()
        is_time = self._tasks.has_any if is_last else now >= self._next
        if not is_time or now == self._since:
            return None
        try:
            used, memory = self._measure()
        except psutil.Error:
            return None
        share = max(0.0, used - self._used) / (now - self._since)
        self._since, self._next, self._used = now, now + self._interval, used
        part = 100 * memory / psutil.virtual_memory().total
        return Usage(round(100 * share, 3), memory, round(part, 3), self._tasks.take())

    def _measure(self) -> tuple[float, int]:
        """Seconds of processor time so far, and bytes of memory now. Children that ended are in their parent's time."""
        times = self._process.cpu_times()
        seconds = times.user + times.system + times.children_user + times.children_system
        memory = self._process.memory_info().rss
        for child in self._process.children(recursive=True):
            try:
                own = child.cpu_times()
                memory += child.memory_info().rss
            except psutil.Error:  # it has just ended
                continue
            seconds += own.user + own.system
        return seconds, memory
