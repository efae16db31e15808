"""The program of a child process: imports the application, runs one attempt after the other, says how each ended.

The main thread runs handlers. A second one listens to the worker, and ends the process when the worker is gone.
"""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import os
import select
import signal
import socket
import sys
import threading
from contextvars import copy_context
from datetime import datetime
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from taskforge.domain import outcome as outcomes
from taskforge.domain.errors import InvalidPayload
from taskforge.domain.ids import JobId
from taskforge.runtime.correlation import stamp_records
from taskforge.runtime.worker import judge
from taskforge.runtime.worker.failure import error_report
from taskforge.runtime.worker.log_capture import LogCapture, handlers_of
from taskforge.runtime.worker.processes import messages
from taskforge.runtime.worker.processes.memory import ChildMeter, resident_bytes
from taskforge.runtime.worker.processes.modules import Place, find_task, import_places
from taskforge.runtime.worker.running import Interrupt
from taskforge.sdk.codec import encode_metadata
from taskforge.sdk.context import Context, find_current_job, use_context
from taskforge.sdk.outcomes import TaskOutcome
from taskforge.sdk.secrets import SECRETS
from taskforge.sdk.tracing import within

if TYPE_CHECKING:
    from collections.abc import Iterator

    from taskforge.domain.log_level import LogLevel
    from taskforge.runtime.worker.processes.messages import End, Message
    from taskforge.sdk.task import Task

LOOK_SECONDS = 1.0
"""How often it looks whether its worker lives and whether the checkpoint changed."""
EXIT_SECONDS = 5.0


def main() -> None:
    """Serve the worker at the other end of the socket whose descriptor is the first argument."""
    faulthandler.enable()
    child = Child(int(sys.argv[1]), int(sys.argv[2]))
    child.serve()


class Channel:
    """The child's end of the connection. What cannot be sent ends the process."""

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)
        self._socket = socket.socket(fileno=descriptor)
        self._descriptor = descriptor
        self._inode = os.fstat(descriptor).st_ino
        self._lock = threading.Lock()
        self._is_ours = True
        self.interrupts = Interrupts()
        os.register_at_fork(after_in_child=self._forget)

    def send(self, message: Message) -> None:
        """Send it whole; an interrupt waits for that."""
        data = messages.encode(message)
        with self.interrupts.held(), self._lock:
            if not self._is_ours:
                return
            try:
                self._check()
                self._socket.sendall(data)
            except OSError:
                os._exit(messages.LOST_LINE)

    def receive(self, seconds: float) -> bytes | None:
        """What came; None when nothing did, nothing when the worker is gone."""
        poller = select.poll()
        poller.register(self._descriptor, select.POLLIN)
        if not poller.poll(seconds * 1000):
            return None
        self._check()
        return self._socket.recv(65536)

    def _check(self) -> None:
        """A task may have closed every descriptor, and have opened a file that has ours now."""
        if os.fstat(self._descriptor).st_ino != self._inode:
            raise OSError("the connection's descriptor is another file's")

    def _forget(self) -> None:
        """In a copy of this process that a task has forked: the connection is not its own."""
        self._is_ours = False
        self._lock = threading.Lock()
        with contextlib.suppress(OSError):
            self._socket.close()


class Interrupts:
    """Raises Interrupt in the main thread, only while a handler runs there, never while a message is sent."""

    def __init__(self) -> None:
        self._is_asked = False
        self._is_armed = False
        self._holds = 0
        signal.signal(signal.SIGTERM, self._act)

    def ask(self) -> None:
        """Break the handler off. From another thread; a SIGTERM from elsewhere does nothing."""
        self._is_asked = True
        os.kill(os.getpid(), signal.SIGTERM)

    @contextlib.contextmanager
    def armed(self) -> Iterator[None]:
        """A handler runs."""
        self._is_armed = True
        try:
            self._act()
            yield
        finally:
            self._is_armed = False

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Not now."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1
            self._act()

    def _act(self, *_: object) -> None:
        if self._is_asked and self._is_armed and not self._holds:
            self._is_armed = False
            raise Interrupt


class ChannelRecorder:
    """Passes what a handler says on to the worker."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.cancelled = False

    def line(self, level: LogLevel, message: str, metadata: dict[str, Any] | None = None) -> None:
        encoded = None if metadata is None else encode_metadata(SECRETS.value(metadata))
        text = SECRETS.text(message[: messages.MAX_TEXT])
        self._channel.send(messages.Line(level.value, text, encoded))

    def progress(self, text: str) -> None:
        self._channel.send(messages.Progress(text))

    def heartbeat(self) -> None:
        self._channel.send(messages.Beat())

    def output(self, stream: str, text: str) -> None:
        """The worker reads it from the process itself."""

    def is_cancelled(self) -> bool:
        return self.cancelled

    def save(self, context: Context) -> None:
        """Send the checkpoint, if it changed. Raises InvalidPayload when it is not JSON."""
        text = context.take_state()
        if text is not None:
            self._channel.send(messages.State(text))


class Child:
    """Serves one worker until it is gone or has closed the connection."""

    def __init__(self, descriptor: int, worker: int) -> None:
        self._worker = worker
        self._pid = os.getpid()
        self._channel = Channel(descriptor)
        self._jobs: SimpleQueue[messages.Hello | messages.Run | None] = SimpleQueue()
        self._recorder: ChannelRecorder | None = None
        self._context: Context | None = None

    def serve(self) -> None:
        """Import the application, then run what comes."""
        threading.Thread(target=self._listen, name="taskforge-listener", daemon=True).start()
        hello = self._jobs.get()
        if not isinstance(hello, messages.Hello):
            return
        try:
            import_places([Place(*place) for place in hello.modules])
        except BaseException as error:
            report = error_report(error)
            self._channel.send(messages.Broken(report.type, report.message, report.traceback))
            return
        stamp_records()
        with contextlib.ExitStack() as stack:
            if hello.capture_level is not None:
                stack.enter_context(LogCapture(hello.capture_level, is_last_resort=False))
                _say_once(hello.capture_level)
            self._channel.send(messages.Ready())
            while isinstance(job := self._jobs.get(), messages.Run):
                self._channel.send(copy_context().run(self._run, job, hello))

    def _run(self, job: messages.Run, hello: messages.Hello) -> End:
        recorder = self._recorder = ChannelRecorder(self._channel)
        context = self._context = Context(
            id=JobId(job.id),
            task=job.task,
            queue=job.queue,
            attempt=job.attempt,
            max_attempts=job.max_attempts,
            deadline=datetime.fromisoformat(job.deadline),
            recorder=recorder,
            state=job.state,
            execution_id=job.execution_id,
            worker=job.worker,
            schedule=job.schedule,
        )
        meter = ChildMeter()
        try:
            end = self._call(job, context, hello)
            self._leave_copy(0)
            sys.stdout.flush()
            sys.stderr.flush()
            recorder.save(context)
        except BaseException as error:
            self._leave_copy(1)
            end = _raised(error)
        end.cpu_ns, end.peak_rss = meter.take()
        self._context = self._recorder = None
        return end

    def _call(self, job: messages.Run, context: Context, hello: messages.Hello) -> End:
        try:
            task = find_task(job.task, job.module, job.qualname)
            configure = getattr(task.backend, "configure", None)
            if configure is not None and hello.settings:
                with contextlib.suppress(Exception):  # it has been used already, so it has them
                    configure(**hello.settings)
            with use_context(context), within(job.trace):
                result = self._result(task, job, context)
        except BaseException as error:
            return _raised(error)
        try:
            return messages.Returned(resident_bytes(), output=task.dump_result(result, hello.result_bytes))
        except InvalidPayload as error:
            return _message(judge.invalid_result(error))

    def _result(self, task: Task[..., Any], job: messages.Run, context: Context) -> Any:
        hooks = getattr(task.backend, "hooks", None)
        limits = (self._channel.interrupts.armed(), _limited(job.memory_limit))
        if task.dependencies is None and not (hooks and hooks.middleware):
            arguments, keywords = task.prepare(job.payload, context)
            with limits[0], limits[1]:
                return task.function(*arguments, **keywords)
        from taskforge.runtime.worker.surroundings import is_asynchronous, run_at_once, surrounded
        from taskforge.sdk.hooks import Hooks

        hooks = hooks or Hooks()
        with limits[0], limits[1]:
            if not is_asynchronous(task, hooks):
                return run_at_once(lambda: surrounded(task, job.payload, context, hooks))
            import asyncio

            return asyncio.run(surrounded(task, job.payload, context, hooks))

    def _leave_copy(self, code: int) -> None:
        """The handler has forked, and this is the copy: what it returned is no result."""
        if os.getpid() != self._pid:
            os._exit(code)

    def _listen(self) -> None:
        frames = messages.Frames(to_child=True)
        while True:
            try:
                data = self._channel.receive(LOOK_SECONDS)
                if os.getppid() != self._worker:
                    self._die()
                if data is None:
                    self._save()
                elif not data:
                    self._jobs.put(None)
                    if self._context is not None:
                        self._die()
                    threading.Event().wait(EXIT_SECONDS)
                    self._die()
                else:
                    for message in frames.feed(data):
                        self._take(message)
            except MemoryError:
                continue
            except OSError:
                os._exit(messages.LOST_LINE)

    def _take(self, message: messages.ToChild) -> None:
        if not isinstance(message, messages.Cancel):
            self._jobs.put(message)
            return
        if self._recorder is not None:
            self._recorder.cancelled = True
        if message.interrupt:
            self._channel.interrupts.ask()

    def _save(self) -> None:
        context, recorder = self._context, self._recorder
        if context is not None and recorder is not None:
            with contextlib.suppress(Exception):  # it is being changed just now, or is not JSON now
                recorder.save(context)

    def _die(self) -> None:
        """Nobody waits for what is done here: end it with all that it has started."""
        with contextlib.suppress(OSError):
            if os.getpgrp() == self._pid:
                os.killpg(self._pid, signal.SIGKILL)
        os._exit(messages.LOST_LINE)


@contextlib.contextmanager
def _limited(memory: int | None) -> Iterator[None]:
    """With so many bytes of address space at most."""
    if memory is None:
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(
        resource.RLIMIT_AS, (memory if hard == resource.RLIM_INFINITY else min(memory, hard), hard)
    )
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _say_once(level: int) -> None:
    """What goes to the job's log as a record shall not come there again as output on stderr."""

    def is_not_captured(record: logging.LogRecord) -> bool:
        return record.levelno < level or find_current_job() is None

    for handler in handlers_of(logging.getLogger()):
        if isinstance(handler, logging.StreamHandler) and handler.stream in (sys.stdout, sys.stderr):
            handler.addFilter(is_not_captured)


def _raised(error: BaseException) -> End:
    return _message(judge.raised(error, None), by_itself=not isinstance(error, TaskOutcome))


def _message(outcome: outcomes.Outcome, *, by_itself: bool = False) -> End:
    rss = resident_bytes()
    match outcome:
        case outcomes.Snoozed(seconds):
            return messages.Snoozed(rss, seconds=seconds)
        case outcomes.Cancelled(cause):
            return messages.Cancelled(rss, cause=cause)
        case outcomes.Failed(error, retry_after, final):
            return messages.Raised(
                rss,
                type=error.type,
                message=error.message,
                traceback=error.traceback,
                by_itself=by_itself,
                retry_after=retry_after,
                final=final,
            )
        case _:
            raise AssertionError(outcome)


if __name__ == "__main__":
    main()
