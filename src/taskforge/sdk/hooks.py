"""What an application hangs around its jobs: middleware, listeners of events, dependencies that others stand in for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

from taskforge.domain.errors import InvalidInput

if TYPE_CHECKING:
    from uuid import UUID

    from taskforge.sdk.context import Context

EVENTS = {
    "job.succeeded": "an attempt has returned; the job is done",
    "job.retrying": "an attempt has failed or timed out; another one follows",
    "job.failed": "the last attempt has failed or timed out; none follows",
    "job.cancelled": "an attempt has stopped because of a cancel, or has cancelled its job",
    "job.snoozed": "an attempt has asked to be called again later",
    "job.released": "a worker that leaves has handed the job back unfinished",
}
"""What `TaskForge.on` can be told of."""


class JobEnded(NamedTuple):
    """An attempt of a job has ended here, and the record has it. ``name`` is the event's: ``job.failed``.

    ``attempt`` counts from 1. ``duration`` is in seconds. ``error_type``, ``error`` and ``traceback`` are those of a
    failure, else None.
    """

    name: str
    id: UUID
    execution_id: UUID
    task: str
    queue: str
    attempt: int
    max_attempts: int
    duration: float
    error_type: str | None = None
    error: str | None = None
    traceback: str | None = None


CallNext: TypeAlias = "Callable[[Context], Awaitable[Any]]"
Middleware: TypeAlias = "Callable[[Context, CallNext], Awaitable[Any]]"
Listener: TypeAlias = Callable[[JobEnded], object]

M = TypeVar("M", bound="Middleware")
L = TypeVar("L", bound=Listener)


class Hooks:
    """All of them, of one application. Empty ones cost a job nothing."""

    def __init__(self) -> None:
        self.middleware: list[Middleware] = []
        self.listeners: dict[str, list[Listener]] = {}
        self.overrides: dict[Callable[..., Any], Callable[..., Any]] = {}

    def add_middleware(self, function: M) -> M:
        """Around every attempt from now on, inside of those that were added before. Raises InvalidInput."""
        import inspect

        call = function if inspect.isroutine(function) else getattr(function, "__call__", function)  # noqa: B004 - not whether: what is called
        if not inspect.iscoroutinefunction(call):
            raise InvalidInput(
                f"{getattr(function, '__name__', function)!r} cannot be middleware: it has to be an async function",
                hint="async def timed(ctx, call_next): return await call_next(ctx)",
            )
        self.middleware.append(function)
        return function

    def listen(self, event: str, function: L) -> L:
        """Tell the function of every such event from now on. Raises InvalidInput for an unknown one."""
        self.check(event)
        self.listeners.setdefault(event, []).append(function)
        return function

    def check(self, event: str) -> None:
        """Raises InvalidInput when there is no such event."""
        if event not in EVENTS:
            raise InvalidInput(
                f"there is no event {event!r}", field="event", hint=f"events: {', '.join(EVENTS)}"
            )


class Hooked:
    """What an application says to hang something around its jobs."""

    def __init__(self) -> None:
        self.hooks = Hooks()

    def middleware(self, function: M) -> M:
        """Around every attempt of every task: ``@app.middleware async def timed(ctx, call_next): ...``

        It answers what ``await call_next(ctx)`` answers, or something else; what it raises is the attempt's failure. The
        first that is added is the outermost. Raises InvalidInput when it is no async function.
        """
        return self.hooks.add_middleware(function)

    def on(self, event: str) -> Callable[[L], L]:
        """Tell a function how attempts end in workers of this process: ``@app.on("job.failed") def tell(event): ...``

        It is told after the record has it, at most once; an error of its own is logged and changes nothing.
        Raises InvalidInput for an unknown event.
        """

        def register(function: L) -> L:
            return self.hooks.listen(event, function)

        self.hooks.check(event)
        return register

    @property
    def dependency_overrides(self) -> dict[Callable[..., Any], Callable[..., Any]]:
        """Functions that stand in for dependencies, in tests: ``app.dependency_overrides[get_db] = fake_db``."""
        return self.hooks.overrides
