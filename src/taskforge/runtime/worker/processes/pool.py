"""Child processes for the handlers of one worker: one attempt each at a time, started when they are needed."""

from __future__ import annotations

import asyncio
import inspect
import signal
import time
from typing import TYPE_CHECKING, Any

from taskforge.domain.errors import InvalidInput
from taskforge.domain.log_level import LogLevel
from taskforge.domain.outcome import Cancelled, ErrorReport, Failed, Outcome, Released, Snoozed, Succeeded
from taskforge.runtime.wakeup import Wakeup
from taskforge.runtime.worker.processes import messages
from taskforge.runtime.worker.processes.modules import Place, place_of
from taskforge.runtime.worker.processes.process import ChildProcess
from taskforge.runtime.worker.running import Stop
from taskforge.sdk.tracing import written

if TYPE_CHECKING:
    from collections.abc import Callable

    from taskforge.runtime.worker.processes.options import ProcessOptions
    from taskforge.runtime.worker.recorder import AttemptRecorder
    from taskforge.runtime.worker.running import Running
    from taskforge.runtime.worker.task_usage import TaskMeter
    from taskforge.sdk.context import Context
    from taskforge.sdk.registry import Registry
    from taskforge.sdk.task import Task

START_SECONDS = 60.0
"""How long a child may take to import the application."""
IDLE_SECONDS = 60.0
"""How long a child without work is kept."""


class HandlerProcesses:
    """Runs attempts in children. ``began`` is told when a handler starts, ``ended`` when it is over (without an
    outcome when it was told to stop and has none of its own). As many children live as handlers have run at a
    time; one that had to be stopped is not used again.
    """

    def __init__(
        self,
        registry: Registry,
        options: ProcessOptions,
        *,
        kill_grace: float,
        capture_level: int | None,
        capture_output: bool,
        result_bytes: int,
        began: Callable[[Running], None],
        ended: Callable[[Running, Outcome | None], None],
        usage: TaskMeter,
    ) -> None:
        self._options = options
        self._kill_grace = kill_grace
        self._capture_output = capture_output
        self._began = began
        self._ended = ended
        self._usage = usage
        self._loop = asyncio.get_running_loop()
        self._idle: list[ChildProcess] = []
        self._children: set[ChildProcess] = set()
        self._emptied: Wakeup | None = None
        self._tasks: dict[Running, Task[..., Any]] = {}
        self._hello = messages.Hello(_places(registry), dict(options.settings), capture_level, result_bytes)

    def submit(self, running: Running, task: Task[..., Any]) -> None:
        """Run it in a child that is idle, or in a new one. Raises OSError when none can be started."""
        child = self._idle.pop() if self._idle else self._start()
        child.running, running.child = running, child
        self._tasks[running] = task
        if self._capture_output:
            child.print_to(running.recorder.output)
        if child.is_ready:
            self._run(child, running)

    def ask(self, running: Running) -> None:
        """Have ``ctx.cancelled`` be true."""
        if running.child is not None:
            running.child.send(messages.Cancel(interrupt=False))

    def interrupt(self, running: Running) -> None:
        """Break the handler off, and kill its process group when that does not help soon (a lost one: now)."""
        child = running.child
        if child is None:
            return
        running.interrupted = True
        if running.stop is Stop.LOST:
            child.kill()
            return
        child.send(messages.Cancel(interrupt=True))

        def insist() -> None:
            if child.running is running:
                child.kill()

        self._loop.call_later(self._kill_grace, insist)

    async def close(self, grace: float) -> None:
        """Let idle children end within ``grace`` seconds; kill the others, and those whose handlers still run."""
        for child in tuple(self._children):
            if child.running is None:
                child.leave()
            else:
                child.kill()
        await self._empty(grace)
        for child in tuple(self._children):
            child.kill()
        await self._empty(grace)

    async def _empty(self, seconds: float) -> None:
        """Wait until no child is left."""
        if self._children:
            self._emptied = Wakeup()
            await self._emptied.wait(seconds)

    def _start(self) -> ChildProcess:
        child = ChildProcess(self._heard, self._exited)
        self._children.add(child)
        child.send(self._hello)

        def give_up() -> None:
            if not child.is_ready:
                child.kill_for(f"the application was not imported within {START_SECONDS:g} s")

        self._loop.call_later(START_SECONDS, give_up)
        return child

    def _run(self, child: ChildProcess, running: Running) -> None:
        context = running.context
        if running.stop is not None or context is None:
            self._finish(child, None)
            return
        child.jobs += 1
        try:
            child.send(_job(running, self._tasks[running], context))
        except messages.Garbage as error:
            self._finish(child, Failed(ErrorReport("TooLarge", str(error))))
            return
        self._began(running)

    def _heard(self, child: ChildProcess, message: messages.FromChild) -> None:
        running = child.running
        if isinstance(message, messages.Ready):
            child.is_ready = True
            if running is not None:
                self._run(child, running)
        elif running is None:
            return
        elif isinstance(message, messages.Broken):
            what = f"a child process cannot import the application: {message.type}: {message.message}"
            child.is_leaving = True
            self._finish(child, Failed(ErrorReport(message.type, what, message.traceback)))
        elif isinstance(message, messages.End):
            if running.stop is not None or self._is_worn(child, message):
                child.is_leaving = True
            job = running.attempt.job
            self._usage.add(job.queue_id, job.job_type, message.cpu_ns, message.peak_rss)
            self._finish(child, _outcome(message, running))
        else:
            _record(running.recorder, message)

    def _is_worn(self, child: ChildProcess, end: messages.End) -> bool:
        options = self._options
        return (
            (0 < options.max_jobs <= child.jobs)
            or (0 < options.max_rss < end.rss)
            or (isinstance(end, messages.Raised) and end.type == "MemoryError")
        )

    def _exited(self, child: ChildProcess) -> None:
        self._children.discard(child)
        if not self._children and self._emptied is not None:
            self._emptied.set()
        child.is_leaving = True
        if child in self._idle:
            self._idle.remove(child)
        running = child.running
        if running is not None:
            task = self._tasks[running]
            what = child.fault or _way_to_die(child.returncode, task.memory_limit)
            self._finish(
                child, None if running.stop is not None else Failed(ErrorReport("ProcessDied", what))
            )

    def _finish(self, child: ChildProcess, outcome: Outcome | None) -> None:
        """The attempt is over; the child rests, leaves, or has left."""
        running, child.running = child.running, None
        if running is None:
            return
        child.read_all()
        child.print_to(None)
        del self._tasks[running]
        running.child = None
        running.finished = time.monotonic()
        if child not in self._children:
            pass
        elif child.is_leaving:
            child.leave()
        else:
            self._idle.append(child)
            self._loop.call_later(IDLE_SECONDS, self._let_go, child, child.jobs)
        self._ended(running, outcome)

    def _let_go(self, child: ChildProcess, jobs: int) -> None:
        """It has had no job for a while."""
        if child in self._idle and child.jobs == jobs:
            self._idle.remove(child)
            child.leave()


def check_process_tasks(registry: Registry) -> None:
    """Raise InvalidInput when a process task could not be found by a child."""
    for task in registry:
        if task.pool == "process":
            place_of(task)


def _places(registry: Registry) -> list[tuple[str, str | None]]:
    """The modules of all tasks: the one of a process task may be imported by that of another."""
    places: dict[Place, None] = {}
    for task in registry:
        try:
            places[place_of(task)] = None
        except InvalidInput:
            if task.pool == "process":
                raise
    return [(place.module, place.file) for place in places]


def _job(running: Running, task: Task[..., Any], context: Context) -> messages.Run:
    job = running.attempt.job
    deadline = context.deadline
    assert deadline is not None  # noqa: S101 - the executor has made this context
    return messages.Run(
        id=job.id,
        execution_id=job.execution_id,
        task=job.job_type,
        module=place_of(task).module,
        qualname=inspect.unwrap(task.function).__qualname__,
        queue=context.queue,
        attempt=context.attempt,
        max_attempts=context.max_attempts,
        deadline=deadline.isoformat(),
        payload=job.payload,
        state=job.state,
        memory_limit=task.memory_limit,
        worker=context.worker,
        schedule=context.schedule,
        trace=None if running.span is None else written(running.span.get_span_context()),
    )


def _record(recorder: AttemptRecorder, message: messages.Said) -> None:
    match message:
        case messages.Line(level, text, metadata):
            recorder.encoded_line(LogLevel(level), text, metadata)
        case messages.Progress(text):
            recorder.progress(text)
        case messages.Beat():
            recorder.heartbeat()
        case messages.State(text):
            recorder.keep_state(text)


def _outcome(end: messages.End, running: Running) -> Outcome:
    match end:
        case messages.Returned(output=output):
            return Succeeded(output)
        case messages.Snoozed(seconds=seconds):
            return Snoozed(seconds)
        case messages.Cancelled(cause=cause):
            return Cancelled(cause)
        case messages.Raised() if end.by_itself and running.stop is Stop.RELEASE:
            return Released()
        case messages.Raised():
            report = ErrorReport(end.type, end.message, end.traceback)
            return Failed(report, retry_after=end.retry_after, final=end.final)


def _way_to_die(returncode: int | None, memory_limit: int | None) -> str:
    if returncode == messages.LOST_LINE:
        return "the task closed its process's connection to the worker"
    if returncode is None or returncode >= 0:
        return f"its process ended with exit code {returncode} before the task returned"
    try:
        name = signal.Signals(-returncode).name
    except ValueError:
        name = f"signal {-returncode}"
    limit = "" if memory_limit is None else f" (its memory_limit is {memory_limit:,} bytes)"
    return f"its process was killed by {name}{limit}"
