"""Runs handlers and turns how they end into Outcomes. Knows neither link nor store."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from contextvars import copy_context
from datetime import timedelta
from typing import TYPE_CHECKING

from taskforge.domain.errors import InvalidPayload, NotFound
from taskforge.domain.keys import schedule_in
from taskforge.domain.outcome import Succeeded
from taskforge.runtime.worker import judge
from taskforge.runtime.worker.running import Running, Stop
from taskforge.runtime.worker.surroundings import (
    ThreadSide,
    call_here,
    is_asynchronous,
    run_at_once,
    surrounded,
)
from taskforge.runtime.worker.task_usage import Metered, TaskMeter
from taskforge.runtime.worker.threads import HandlerThreads
from taskforge.runtime.worker.watchdog import RESOLUTION, Watchdog
from taskforge.sdk.context import Context, use_context

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextlib import AbstractContextManager
    from datetime import datetime
    from typing import Any

    from taskforge.domain.outcome import Outcome
    from taskforge.ports.link import Work
    from taskforge.runtime.worker.options import WorkerOptions
    from taskforge.runtime.worker.processes.pool import HandlerProcesses
    from taskforge.runtime.worker.slots import Slots
    from taskforge.sdk.registry import Registry
    from taskforge.sdk.task import Task

logger = logging.getLogger(__name__)

CANCEL_GRACE = 5.0
"""Seconds in which a thread or a child process may act on ``ctx.cancelled`` before it is interrupted."""
KILL_PART = 0.4
"""The part of the grace after an interrupt at which a child process is killed."""
ASK_AGAIN = 0.005

NO_RESULT = Succeeded(None)


class Executor:
    """Starts each attempt at once, watches its timeout, stops it when told, and hands its end to ``report``.

    To be made and used on the worker's event loop. Its methods cost nothing that grows with the number
    of jobs done: one task or thread hand-over each, one shared timer.
    """

    def __init__(
        self,
        registry: Registry,
        slots: Slots,
        report: Callable[[Running], None],
        options: WorkerOptions,
        *,
        on_stuck: Callable[[], None],
    ) -> None:
        self._registry = registry
        self._slots = slots
        self._report = report
        self._options = options
        self._on_stuck = on_stuck
        self._spans = options.spans
        self.usage = TaskMeter()
        self._stop_grace = options.stop_grace
        self._is_refusing = False
        self._loop = asyncio.get_running_loop()
        self._watchdog = Watchdog(slots.live, self._attend)
        self._threads = HandlerThreads(slots.concurrency, self._run_in_thread, self._thread_ended)
        self._processes: HandlerProcesses | None = None

    def start(self, work: Work, claimed: float, lease_until: float) -> None:
        """Run what was claimed; there must be room for it.

        After ``refuse`` it is handed back, and so is what was so long on its way that its lease is not
        to be trusted any more.
        """
        batch = [Running(attempt, claimed, lease_until) for attempt in work.attempts]
        timeout, deadline = math.nan, work.now
        self._slots.take(batch)
        for running in batch:
            if self._is_refusing or claimed >= lease_until:
                running.stop = Stop.RELEASE
                self._finish(running, None)
                continue
            try:
                if running.attempt.timeout != timeout:  # as a rule all of a batch have the same
                    deadline = work.now + timedelta(seconds=running.attempt.timeout)
                    timeout = running.attempt.timeout
                self._start(running, deadline)
            except Exception as error:
                logger.exception("could not start job %s", running.attempt.job.id)
                running.started = claimed
                self._finish(running, judge.raised(error, running.stop))

    def allow(self, more: int) -> None:
        """So many handlers more, or fewer, may run at once."""
        self._threads.allow(more)

    def stop(self, running: Running, reason: Stop) -> None:
        """Tell the handler to stop. A weaker reason than an earlier one changes nothing."""
        if running.ended or (running.stop is not None and running.stop <= reason):
            return
        running.stop = reason
        running.recorder.cancelled = True
        if reason is Stop.LOST:
            self._drop(running)
        if not running.has_started:
            return
        if reason is Stop.CANCEL and running.task is None:
            if self._processes is not None:
                self._processes.ask(running)
            self._attend_in(running, CANCEL_GRACE)
        else:
            self._interrupt(running)

    def refuse(self) -> None:
        """Hand back whatever is still given to ``start``."""
        self._is_refusing = True

    def release_all(self) -> None:
        """Stop every handler, so that its job can be handed back."""
        for running in tuple(self._slots.live):
            if running.ended:
                continue
            if running.stop is None:
                self.stop(running, Stop.RELEASE)
            elif running.has_started and not running.interrupted:
                self._interrupt(running)

    def abandon_all(self) -> None:
        """Report every handler that has not ended as it is; the process is about to leave it behind."""
        for running in tuple(self._slots.live):
            if not running.reported:
                if running.stop is None:
                    running.stop = Stop.RELEASE
                self._hand_over(running, judge.after_stop(running, None))

    async def close(self) -> None:
        """Let idle threads and child processes end, and watch no more."""
        self._watchdog.close()
        self._threads.close()
        if self._processes is not None:
            await self._processes.close(self._stop_grace)

    def _start(self, running: Running, deadline: datetime) -> None:
        attempt = running.attempt
        job = attempt.job
        task = self._registry.get(job.job_type)
        if task is None:
            raise NotFound(f"this worker has no task {job.job_type!r}, though it was given a job of it")
        running.context = Context(
            id=job.id,
            task=job.job_type,
            queue=attempt.queue_name,
            attempt=job.attempt,
            max_attempts=attempt.max_attempts,
            deadline=deadline,
            recorder=running.recorder,
            state=job.state,
            execution_id=job.execution_id,
            locking=self._options.locking if task.is_async else None,
            worker=self._options.name,
            schedule=schedule_in(job.concurrency_key),
        )
        if self._spans is not None:
            self._spans.begin(running)
        if task.is_async:
            running.task = self._loop.create_task(self._run(running, task, running.context))
            return
        if task.pool == "process":
            self._child_processes().submit(running, task)
            return
        running.in_thread = True
        running.variables = copy_context()
        self._threads.submit(running)
        self._attend_in(running, min(attempt.timeout, attempt.heartbeat_timeout or attempt.timeout))

    async def _run(self, running: Running, task: Task[..., Any], context: Context) -> None:
        running.started = time.monotonic()
        running.attention_at = deadline = running.deadline
        if deadline < self._watchdog.next_look:
            self._watchdog.watch(deadline)
        outcome: Outcome | None = None
        if running.stop is None and running.is_trusted:
            try:
                with self._scope(running, context):
                    work = self._call_of(running, task, context)
                    if self.usage.is_measured(task.name) and asyncio.iscoroutine(work):
                        work = self._measured(running, work)
                    result = await work
                outcome = NO_RESULT if result is None else self._success(task, result)
            except BaseException as error:
                outcome = judge.raised(error, running.stop)
        running.finished = time.monotonic()
        self._finish(running, outcome)

    def _scope(self, running: Running, context: Context) -> AbstractContextManager[object]:
        if self._spans is None or running.span is None:
            return use_context(context)
        return self._spans.inside(running, context)

    def _call_of(self, running: Running, task: Task[..., Any], context: Context) -> Any:
        payload, hooks = running.attempt.job.payload, self._options.hooks
        if task.dependencies is not None or hooks.middleware:
            return surrounded(task, payload, context, hooks)
        arguments, keywords = task.prepare(payload, context)
        return task.function(*arguments, **keywords)

    async def _measured(self, running: Running, work: Coroutine[Any, Any, Any]) -> Any:
        job = running.attempt.job
        metered = Metered(work)
        try:
            return await metered
        finally:
            self.usage.add(job.queue_id, job.job_type, metered.cpu_ns)

    def _run_in_thread(self, running: Running) -> None:
        running.started = time.monotonic()
        began = time.thread_time_ns()
        context = running.context
        task = self._registry.get(running.attempt.job.job_type)
        if running.stop is None and running.is_trusted and context is not None and task is not None:
            try:
                with self._scope(running, context):
                    if task.dependencies is not None or self._options.hooks.middleware:
                        result = self._surrounded_in_thread(running, task, context)
                    else:
                        arguments, keywords = task.prepare(running.attempt.job.payload, context)
                        result = self._threads.call(running, task.function, arguments, keywords)
                running.thread_outcome = NO_RESULT if result is None else self._success(task, result)
            except BaseException as error:
                running.thread_outcome = judge.raised(error, running.stop)
        if not running.reported:
            running.finished = time.monotonic()
        if running.stop is None:
            job = running.attempt.job
            self.usage.add(job.queue_id, job.job_type, time.thread_time_ns() - began)

    def _surrounded_in_thread(self, running: Running, task: Task[..., Any], context: Context) -> Any:
        payload, hooks = running.attempt.job.payload, self._options.hooks
        side = ThreadSide(self._loop) if is_asynchronous(task, hooks) else None
        call = call_here if side is None else side.call
        run = run_at_once if side is None else side.run
        return self._threads.call(running, run, [lambda: surrounded(task, payload, context, hooks, call)], {})

    def _thread_ended(self, running: Running) -> None:
        self._finish(running, running.thread_outcome)

    def _finish(self, running: Running, outcome: Outcome | None) -> None:
        """The handler is over. Without an outcome of its own it was told to stop before it began."""
        running.ended = True
        running.attention_at = math.inf
        if running.reported:
            self._slots.free_late(running)
        else:
            self._slots.free(running)
            if running.stop is not None or outcome is None:
                outcome = judge.after_stop(running, outcome)
            self._hand_over(running, outcome)
        running.task = running.context = running.variables = None

    def _hand_over(self, running: Running, outcome: Outcome) -> None:
        context = running.context
        if context is not None:
            try:
                running.recorder.save(context)
            except Exception as error:
                if isinstance(outcome, Succeeded):
                    outcome = judge.raised(error, running.stop)
        running.outcome = outcome
        running.reported = True
        running.attention_at = math.inf
        if math.isnan(running.finished):
            running.finished = time.monotonic()
        if self._spans is not None and running.span is not None:
            self._spans.end(running)
        self._report(running)

    def _drop(self, running: Running) -> None:
        running.reported = True
        if self._spans is not None and running.span is not None:
            self._spans.end(running)
        self._slots.settle((running,))

    def _interrupt(self, running: Running) -> None:
        if running.in_thread:
            if not self._threads.interrupt(running) and self._may_ask_again(running):
                return
        elif self._processes is not None and running.child is not None:
            self._processes.interrupt(running)
        elif running.task is not None:
            running.interrupted = True
            running.task.cancel()
        self._attend_in(running, self._stop_grace)

    def _may_ask_again(self, running: Running) -> bool:
        """The thread must not be interrupted just now; after the grace it goes on without that."""
        now = time.monotonic()
        running.patience_until = min(running.patience_until, now + self._stop_grace)
        if now < running.patience_until:
            self._attend_in(running, ASK_AGAIN)
            return True
        running.interrupted = True
        return False

    def _attend_in(self, running: Running, seconds: float) -> None:
        running.attention_at = time.monotonic() + seconds
        self._watchdog.watch(running.attention_at)

    def _attend(self, running: Running, now: float) -> None:
        """Called by the watchdog at ``attention_at``."""
        running.attention_at = math.inf
        if running.ended or running.stuck:
            return
        if running.stop is None and not running.has_started:
            attempt = running.attempt
            running.attention_at = now + min(attempt.timeout, attempt.heartbeat_timeout or attempt.timeout)
        elif running.stop is None and running.deadline > now + RESOLUTION:
            running.attention_at = running.deadline
        elif running.stop is None:
            self.stop(running, Stop.TIMEOUT)
        elif not running.interrupted:
            self._interrupt(running)
        else:
            self._give_up(running)

    def _give_up(self, running: Running) -> None:
        """It does not stop: report it without its end, and let another handler have its slot."""
        job = running.attempt.job
        logger.error("the handler of job %s (%s) does not stop; its slot is stuck", job.id, job.job_type)
        if not running.reported:
            self._hand_over(running, judge.after_stop(running, None))
        if running.in_thread:
            self._threads.interrupt(running)  # the first one may have been swallowed
            self._threads.allow()
        running.stuck = True
        self._slots.stick(running)
        self._on_stuck()

    def _child_processes(self) -> HandlerProcesses:
        if self._processes is None:
            from taskforge.runtime.worker.processes.pool import HandlerProcesses

            self._processes = HandlerProcesses(
                self._registry,
                self._options.processes,
                kill_grace=self._stop_grace * KILL_PART,
                capture_level=self._options.capture_level,
                capture_output=self._options.capture_output,
                result_bytes=self._options.result_bytes,
                began=self._child_began,
                ended=self._finish,
                usage=self.usage,
            )
        return self._processes

    def _child_began(self, running: Running) -> None:
        running.started = time.monotonic()
        running.attention_at = running.deadline
        self._watchdog.watch(running.deadline)

    def _success(self, task: Task[..., Any], result: object) -> Outcome:
        try:
            return Succeeded(task.dump_result(result, self._options.result_bytes))
        except InvalidPayload as error:
            return judge.invalid_result(error)
