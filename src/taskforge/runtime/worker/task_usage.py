"""What executions use of the processor and of memory, as far as it can be told apart.

A child process runs one execution at a time: its processor time and the most memory that it occupied are the
execution's. A thread's processor time is that of the handler in it. Handlers on the event loop take turns on one
thread, so each of their turns is measured, for one execution in ten.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar

from taskforge.domain.worker import TaskUsage

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator

    from taskforge.domain.ids import QueueId

T = TypeVar("T")

EACH = 10
"""Of the executions on the event loop each tenth is measured, the first one of a type among them."""


class TaskMeter:
    """Adds up what executions used, by queue and job type, until it is asked. Safe in threads."""

    def __init__(self) -> None:
        self._found: dict[tuple[QueueId, str], list[int]] = {}
        self._started: dict[str, int] = {}
        self._lock = threading.Lock()

    def is_measured(self, job_type: str) -> bool:
        """Whether the execution that starts now on the event loop is one of those that are measured."""
        started = self._started.get(job_type, 0)
        self._started[job_type] = started + 1
        return started % EACH == 0

    def add(self, queue_id: QueueId, job_type: str, cpu_ns: int, peak_memory_bytes: int = 0) -> None:
        """One execution."""
        cpu = max(0, cpu_ns) // 1000
        with self._lock:
            sums = self._found.get((queue_id, job_type))
            if sums is None:
                sums = self._found[queue_id, job_type] = [0, 0, 0, 0]
            sums[0] += 1
            sums[1] += cpu
            sums[2] = max(sums[2], cpu)
            sums[3] = max(sums[3], peak_memory_bytes)

    @property
    def has_any(self) -> bool:
        """Whether there is something to take."""
        return bool(self._found)

    def take(self) -> list[TaskUsage]:
        """What was added since the last time."""
        with self._lock:
            found, self._found = self._found, {}
        return [
            TaskUsage(queue_id, job_type, executions, cpu, most, peak or None)
            for (queue_id, job_type), (executions, cpu, most, peak) in found.items()
        ]


class Metered:
    """Awaits a coroutine and measures its turns on the event loop: ``cpu_ns`` is what they took so far.

    What the coroutine awaits is asked in its turn; tasks that it starts run in turns of their own.
    """

    __slots__ = ("_coroutine", "cpu_ns")

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._coroutine = coroutine
        self.cpu_ns = 0

    def __await__(self) -> Generator[Any, Any, Any]:
        send, throw, clock = self._coroutine.send, self._coroutine.throw, time.thread_time_ns
        error: BaseException | None = None
        while True:
            began = clock()
            try:
                waits_for = send(None) if error is None else throw(error)
            except StopIteration as stop:
                return stop.value
            finally:
                self.cpu_ns += clock() - began
            error = None
            try:
                yield waits_for
            except BaseException as raised:
                error = raised
