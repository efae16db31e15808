"""What runs around a handler: middleware, then its dependencies, then the function; and all back again.

The asynchronous parts of a task in a thread run on the worker's event loop, where shared clients live, its plain parts in
the thread, where an interrupt finds them.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from contextvars import copy_context
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple

from taskforge.runtime.worker.running import Interrupt
from taskforge.sdk.dependencies import provider_of

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Coroutine, Mapping
    from contextvars import Context as Variables
    from types import TracebackType
    from typing import Self, TypeAlias

    from taskforge.sdk.context import Context
    from taskforge.sdk.dependencies import Dependency, Provider
    from taskforge.sdk.hooks import Hooks
    from taskforge.sdk.task import Task

    Calling: TypeAlias = Callable[[Callable[[], Any]], Awaitable[Any]]
    """Calls what is not asynchronous where the task's own code runs."""

LOOK_SECONDS = 0.1
"""How often a thread that waits for the event loop can be interrupted."""


async def call_here(function: Callable[[], Any]) -> Any:
    """A call right here, which waits for nothing."""
    return function()


def is_asynchronous(task: Task[..., Any], hooks: Hooks) -> bool:
    """Whether something around a plain task has to be awaited."""
    if hooks.middleware:
        return True
    return any(_is_asynchronous(d, hooks.overrides) for d in (task.dependencies or {}).values())


def surrounded(
    task: Task[..., Any], payload: str, context: Context, hooks: Hooks, call: Calling = call_here
) -> Coroutine[Any, Any, Any]:
    """One attempt: what the outermost middleware answers. Raises what they or the handler raise."""

    async def innermost(context: Context) -> Any:
        arguments, keywords = task.prepare(payload, context)
        if task.dependencies is None:
            return await _called(task, arguments, keywords, call)
        async with _Resolution(context, hooks.overrides, call) as resolution:
            for name, dependency in task.dependencies.items():
                keywords[name] = await resolution.value(dependency)
            return await _called(task, arguments, keywords, call)

    chain: Callable[[Context], Coroutine[Any, Any, Any]] = innermost
    for middleware in reversed(hooks.middleware):
        chain = partial(_through, middleware, chain)
    return chain(context)


def run_at_once(make: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run a coroutine that waits for nothing, without an event loop."""
    work = make()
    try:
        work.send(None)
    except StopIteration as end:
        return end.value
    work.close()
    raise RuntimeError(
        "what surrounds a plain task waits for something, though nothing of it is asynchronous"
    )


class ThreadSide:
    """A thread that does the plain parts of work whose other parts run on the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._task: asyncio.Task[None] | None = None
        self._end: _End | None = None
        self._interrupt: Interrupt | None = None

    async def call(self, function: Callable[[], Any]) -> Any:
        """On the event loop: have the thread call it, and wait."""
        answer: asyncio.Future[_End] = self._loop.create_future()
        self._calls.put(_Call(function, copy_context(), answer))
        value, error = await answer
        if error is not None:
            raise error
        return value

    def run(self, make: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """In the thread: start the work on the event loop, do what it asks for, answer what it comes to.

        An interrupt of the thread stops the work as well; what has to be put in order after it still is.
        """
        self._loop.call_soon_threadsafe(self._start, make(), copy_context())
        while True:
            try:
                while self._serve():
                    pass
                break
            except Interrupt as interrupt:  # between two calls: the loop's part is what has to stop
                self._interrupt = interrupt
                self._loop.call_soon_threadsafe(self._stop)
        if self._interrupt is not None:
            raise self._interrupt
        value, error = self._end or _End(None, None)
        if error is not None:
            raise error
        return value

    def _serve(self) -> bool:
        try:
            call = self._calls.get(timeout=LOOK_SECONDS)
        except Empty:
            return True
        if call is None:
            return False
        try:
            end = _End(call.variables.run(call.function), None)
        except BaseException as error:  # whatever it is, it goes on through what surrounds the call
            if isinstance(error, Interrupt):
                self._interrupt = error
            end = _End(None, error)
        self._loop.call_soon_threadsafe(_answer, call.answer, end)
        return True

    def _start(self, work: Coroutine[Any, Any, Any], variables: Variables) -> None:
        def ended(_: object) -> None:
            work.close()  # it may have been stopped before it began
            self._calls.put(None)

        self._task = self._loop.create_task(self._drive(work), context=variables)
        self._task.add_done_callback(ended)
        if self._interrupt is not None:
            self._task.cancel()

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _drive(self, work: Coroutine[Any, Any, Any]) -> None:
        try:
            self._end = _End(await work, None)
        except BaseException as error:  # the thread raises it
            self._end = _End(None, error)


class _End(NamedTuple):
    value: Any
    error: BaseException | None


class _Call(NamedTuple):
    function: Callable[[], Any]
    variables: Variables
    answer: asyncio.Future[_End]


def _answer(future: asyncio.Future[_End], end: _End) -> None:
    if not future.done():
        future.set_result(end)


class _Resolution:
    """The dependencies of one attempt: made when they are needed, closed in the opposite order at its end.

    A generator sees what the handler raised at its ``yield``, and may raise something else, but cannot make a
    failure a success.
    """

    def __init__(
        self,
        context: Context,
        overrides: Mapping[Callable[..., Any], Callable[..., Any]],
        call: Calling,
    ) -> None:
        self._context = context
        self._overrides = overrides
        self._call = call
        self._made: dict[Callable[..., Any], Any] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    async def value(self, dependency: Dependency) -> Any:
        """What the dependency gives to this attempt."""
        function = self._overrides.get(dependency.function, dependency.function)
        if dependency.use_cache and function in self._made:
            return self._made[function]
        provider = provider_of(function)
        keywords = dict.fromkeys(provider.contexts, self._context)
        needed = {name: await self.value(need) for name, need in provider.needs.items()}
        made = await self._make(provider, keywords | needed)
        if dependency.use_cache:
            self._made[function] = made
        return made

    async def _make(self, provider: Provider, keywords: dict[str, Any]) -> Any:
        function = provider.function
        if provider.kind == "plain":
            return await self._call(partial(function, **keywords))
        if provider.kind == "async":
            return await function(**keywords)
        if provider.kind == "async generator":
            opened = asynccontextmanager(function)(**keywords)
            made = await opened.__aenter__()
            self._stack.push_async_exit(partial(_close, opened.__aexit__))
            return made
        manager = contextmanager(function)(**keywords)
        made = await self._call(manager.__enter__)
        self._stack.push_async_exit(partial(_close, partial(_exit_by, self._call, manager.__exit__)))
        return made


async def _close(leave: Callable[..., Awaitable[object]], *error: Any) -> bool:
    await leave(*error)
    return False


async def _exit_by(call: Calling, leave: Callable[..., object], *error: Any) -> object:
    return await call(partial(leave, *error))


async def _through(middleware: Any, call_next: Any, context: Context) -> Any:
    return await middleware(context, call_next)


async def _called(task: Task[..., Any], arguments: list[Any], keywords: dict[str, Any], call: Calling) -> Any:
    function = partial(task.function, *arguments, **keywords)
    return await function() if task.is_async else await call(function)


def _is_asynchronous(
    dependency: Dependency, overrides: Mapping[Callable[..., Any], Callable[..., Any]]
) -> bool:
    provider = provider_of(overrides.get(dependency.function, dependency.function))
    if provider.kind in ("async", "async generator"):
        return True
    return any(_is_asynchronous(need, overrides) for need in provider.needs.values())
