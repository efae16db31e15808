"""What a running task knows of its job, and how it speaks to the platform."""

from __future__ import annotations

import math
from contextvars import ContextVar
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

from taskforge.domain.errors import Conflict, InvalidInput
from taskforge.domain.log_level import LogLevel
from taskforge.sdk import codec
from taskforge.sdk.state import State

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from contextvars import Token
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.ids import JobId


class Recorder(Protocol):
    """The runtime's side of a context. Every method may be called from any thread and never blocks."""

    def line(self, level: LogLevel, message: str, metadata: dict[str, Any] | None) -> None:
        """A line for the execution's log; `codec.encode_metadata` makes any metadata JSON."""
        ...

    def progress(self, text: str) -> None:
        """How far the handler is, as JSON text; also a sign of life."""
        ...

    def heartbeat(self) -> None:
        """The handler gives a sign of life."""
        ...

    def output(self, stream: str, text: str) -> None:
        """The handler has printed to ``stdout`` or ``stderr``."""
        ...

    def is_cancelled(self) -> bool:
        """Whether someone asked to cancel the job."""
        ...


class HeldLock(Protocol):
    """A lock that is held."""

    @property
    def fence(self) -> int:
        """Greater than that of any holder before."""
        ...

    def check(self) -> None:
        """Raises LeaseLost when somebody else may hold it by now."""
        ...


class Locking(Protocol):
    """Holds a named lock of the project within a block."""

    def __call__(
        self, name: str, /, *, ttl: float, wait: float, by: str
    ) -> AbstractAsyncContextManager[HeldLock]: ...


class SilentRecorder:
    """Records nothing: for a task that is called as a plain function."""

    def line(self, level: LogLevel, message: str, metadata: dict[str, Any] | None) -> None:
        """Dropped."""

    def progress(self, text: str) -> None:
        """Dropped."""

    def heartbeat(self) -> None:
        """Dropped."""

    def output(self, stream: str, text: str) -> None:
        """Dropped."""

    def is_cancelled(self) -> bool:
        """Never."""
        return False


class TaskLogger:
    """Writes to the execution's log: ``ctx.log.info("page done", page=3)``. Never raises, never blocks."""

    __slots__ = ("_recorder",)

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def trace(self, message: object, /, **metadata: Any) -> None:
        """A line of level ``trace``."""
        self._recorder.line(LogLevel.TRACE, str(message), metadata or None)

    def debug(self, message: object, /, **metadata: Any) -> None:
        """A line of level ``debug``."""
        self._recorder.line(LogLevel.DEBUG, str(message), metadata or None)

    def info(self, message: object, /, **metadata: Any) -> None:
        """A line of level ``info``."""
        self._recorder.line(LogLevel.INFO, str(message), metadata or None)

    def warn(self, message: object, /, **metadata: Any) -> None:
        """A line of level ``warn``."""
        self._recorder.line(LogLevel.WARN, str(message), metadata or None)

    def warning(self, message: object, /, **metadata: Any) -> None:
        """A line of level ``warn``."""
        self._recorder.line(LogLevel.WARN, str(message), metadata or None)

    def error(self, message: object, /, **metadata: Any) -> None:
        """A line of level ``error``."""
        self._recorder.line(LogLevel.ERROR, str(message), metadata or None)


class Context:
    """The running job. A task gets it as its first parameter, or by ``current_job()``.

    ``worker`` is the name of the worker that runs it, and ``schedule`` the id of the schedule that made it, where that is
    known. ``deadline`` is the moment at which this attempt ends by timeout. ``execution_id`` names this run of the job:
    no other attempt, and no run after a lost worker, has the same; None when the task is called as a plain
    function. Safe to use from any thread.
    """

    __slots__ = (
        "_locking",
        "_recorder",
        "_state",
        "_state_lock",
        "_state_text",
        "attempt",
        "deadline",
        "execution_id",
        "id",
        "log",
        "max_attempts",
        "queue",
        "schedule",
        "task",
        "worker",
    )

    def __init__(
        self,
        *,
        id: JobId,
        task: str,
        queue: str,
        attempt: int,
        max_attempts: int,
        deadline: datetime | None,
        recorder: Recorder,
        state: str | None = None,
        execution_id: UUID | None = None,
        locking: Locking | None = None,
        worker: str | None = None,
        schedule: str | None = None,
    ) -> None:
        self.id = id
        self.execution_id = execution_id
        self.task = task
        self.queue = queue
        self.schedule = schedule
        self.worker = worker
        self.attempt = attempt
        self.max_attempts = max_attempts
        self.deadline = deadline
        self.log = TaskLogger(recorder)
        self._locking = locking
        self._recorder = recorder
        self._state_text = state
        self._state: State | None = None
        self._state_lock = Lock()

    @property
    def cancelled(self) -> bool:
        """Whether someone asked to cancel this job; long tasks look here now and then."""
        return self._recorder.is_cancelled()

    @property
    def state(self) -> State:
        """The checkpoint: what earlier attempts left here, and what later ones will find."""
        with self._state_lock:
            if self._state is None:
                self._state = State(self._state_text)
            return self._state

    @property
    def has_state(self) -> bool:
        """For the runtime: whether the handler has looked at its checkpoint, and may have changed it."""
        return self._state is not None

    def progress(self, done: float, total: float | None = None, message: str = "") -> None:
        """Show how far the task is. Each call is a sign of life too."""
        _check_amount("done", done)
        if total is not None:
            _check_amount("total", total)
        self._recorder.progress(
            codec.encode({"done": done, "total": total, "message": message}, where="progress")
        )

    def heartbeat(self) -> None:
        """Say that the task is alive and well."""
        self._recorder.heartbeat()

    def lock(
        self, name: str, *, ttl: float = 30.0, wait: float = 0.0, by: str = "database"
    ) -> AbstractAsyncContextManager[HeldLock]:
        """Hold a named lock of the project within a block: ``async with ctx.lock("import", ttl=30) as held: ...``

        As `TaskForge.lock`: renewed while the block runs, ``wait`` seconds for another holder, ``held.fence``, ``held.check()``.
        For async tasks of a worker beside a database; elsewhere, and while somebody else holds it, raises Conflict.
        """
        if self._locking is None:
            raise Conflict(
                f"{self.task} cannot hold a lock here: ctx.lock is for async tasks of a worker beside a database",
                hint="make it an async def; a worker over a server, a thread, a child process and a plain call have no locks",
            )
        return self._locking(name, ttl=ttl, wait=wait, by=by)

    def take_output(self, stream: str, text: str) -> None:
        """For the runtime: the handler has printed this to ``stdout`` or ``stderr``."""
        self._recorder.output(stream, text)

    def take_state(self) -> str | None:
        """For the runtime: the checkpoint as JSON text if it changed since it was last taken, else None."""
        with self._state_lock:
            return None if self._state is None else self._state.take_change()

    def __repr__(self) -> str:
        return f"<Context of {self.task} {self.id}, attempt {self.attempt} of {self.max_attempts}>"


def _check_amount(name: str, number: float) -> None:
    is_number = isinstance(number, int | float) and not isinstance(number, bool)
    if not is_number or not math.isfinite(number) or number < 0:
        raise InvalidInput(f"{name} must be a number of at least 0, not {number!r}", field=name)


_current: ContextVar[Context] = ContextVar("taskforge_current_job")


def current_job() -> Context:
    """The context of the job that runs here. Raises Conflict outside of one."""
    context = _current.get(None)
    if context is None:
        raise Conflict(
            "current_job() was called outside of a running job",
            hint="in a thread that the task started, run the function by contextvars.copy_context().run",
        )
    return context


def find_current_job() -> Context | None:
    """The context of the job that runs here, or None outside of one."""
    return _current.get(None)


class use_context:
    """For the runtime: ``with use_context(ctx):`` makes it the current job of this task or thread."""

    __slots__ = ("_context", "_token")

    def __init__(self, context: Context) -> None:
        self._context = context
        self._token: Token[Context] | None = None

    def __enter__(self) -> Context:
        self._token = _current.set(self._context)
        return self._context

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _current.reset(self._token)
