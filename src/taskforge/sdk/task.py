"""A task: a function that can become jobs. Calling it stays a plain call."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, cast

from taskforge.domain.bounds import RESULT_BYTES, check_job_type
from taskforge.domain.errors import InvalidInput
from taskforge.sdk.backend import TaskCall
from taskforge.sdk.context import Context, SilentRecorder, find_current_job
from taskforge.sdk.keys import TaskKeys
from taskforge.sdk.names import default_task_name, place_of
from taskforge.sdk.options import job_options
from taskforge.sdk.results import ResultCodec
from taskforge.sdk.signature import Signature
from taskforge.sdk.verbs import Enqueuing

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence
    from typing import Unpack

    from taskforge.domain.job_options import JobOptions
    from taskforge.sdk.backend import Backend
    from taskforge.sdk.dependencies import Dependency
    from taskforge.sdk.fields import CallFields, Pool
    from taskforge.sdk.keys import KeyMaker
    from taskforge.sdk.schedule import DeclaredSchedule

P = ParamSpec("P")
R = TypeVar("R")


class PayloadShape(Protocol):
    """How a call's arguments become a payload, and a payload arguments: `Signature` is the usual one."""

    @property
    def takes_context(self) -> bool:
        """Whether the function's first parameter is the job's context."""
        ...

    def dump(self, args: Sequence[Any], kwargs: Mapping[str, Any], /) -> str:
        """The payload's JSON text; checked."""
        ...

    def write(self, args: Sequence[Any], kwargs: Mapping[str, Any], /) -> str:
        """The same of values as JSON has them: a moment is a text there, a model an object."""
        ...

    def load(self, payload: str, context: Context | None = None, /) -> tuple[list[Any], dict[str, Any]]:
        """``(args, kwargs)`` for the function; checked."""
        ...

    def named(self, payload: str, /) -> dict[str, Any]:
        """The arguments by parameter name, defaults among them."""
        ...

    def schema(self) -> dict[str, Any]:
        """The JSON schema of the payload."""
        ...


class Task(Enqueuing[P, R]):
    """A function with a name, a queue and options; `make_task` builds it, `app.task` registers it.

    ``P`` are its parameters without the context, ``R`` is what it returns (once awaited).
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str,
        queue: str,
        pool: Pool,
        defaults: JobOptions,
        backend: Backend,
        shape: PayloadShape,
        memory_limit: int | None = None,
        keys: TaskKeys | None = None,
        dependencies: Mapping[str, Dependency] | None = None,
    ) -> None:
        self.function = function
        self.name = name
        self.queue = queue
        self.pool = pool
        self.memory_limit = memory_limit
        self.defaults = defaults
        self.shape = shape
        self.keys = keys
        self.dependencies = dependencies
        self.schedule: DeclaredSchedule | None = None
        self.is_async = inspect.iscoroutinefunction(function)
        self.result_codec = ResultCodec(function, name)
        self.load_result = self.result_codec.load
        self._backend = backend
        self.__wrapped__ = function
        self.__name__ = getattr(function, "__name__", name)
        self.__qualname__ = getattr(function, "__qualname__", name)
        self.__module__ = function.__module__
        self.__doc__ = function.__doc__

    @property
    def backend(self) -> Backend:
        """The application that takes the jobs."""
        return self._backend

    @property
    def place(self) -> str:
        """``file:line`` of the function."""
        return place_of(inspect.unwrap(self.function))

    @property
    def description(self) -> str | None:
        """The first paragraph of the docstring, on one line."""
        text = inspect.getdoc(self.function) if self.function.__doc__ else None
        return " ".join(text.strip().split("\n\n")[0].split()) or None if text else None

    def schema(self) -> dict[str, Any]:
        """The JSON schema of the payload."""
        return self.shape.schema()

    def job(self, /, *args: P.args, **kwargs: P.kwargs) -> TaskCall[R]:
        """A call that is ready to be enqueued, alone or with many. Raises InvalidPayload."""
        payload = self.shape.dump(args, kwargs)
        options = self.defaults if self.keys is None else self.keyed(self.defaults, payload)
        return TaskCall(self.name, self.queue, payload, options, self.load_result)

    def written_job(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> TaskCall[R]:
        """The same of values as JSON has them, such as those of a command line. Raises InvalidPayload."""
        payload = self.shape.write(args, kwargs)
        return TaskCall(self.name, self.queue, payload, self.keyed(self.defaults, payload), self.load_result)

    def keyed(self, options: JobOptions, payload: str) -> JobOptions:
        """The options of a call, with the keys that the task gives it. Raises InvalidInput."""
        return options if self.keys is None else self.keys.complete(options, self.shape.named(payload))

    def options(self, **fields: Unpack[CallFields]) -> BoundTask[P, R]:
        """The same task, with options for the calls that follow: ``add.options(delay=60).enqueue(2, 3)``."""
        return BoundTask(self, job_options(fields).over(self.defaults))

    def prepare(self, payload: str, context: Context) -> tuple[list[Any], dict[str, Any]]:
        """For the runtime: ``(args, kwargs)`` to call ``function`` with. Raises InvalidPayload."""
        return self.shape.load(payload, context)

    def check_payload(self, payload: str) -> None:
        """Raise InvalidPayload unless the JSON text fits the task."""
        self.shape.load(payload)

    def dump_result(self, result: Any, limit: int = RESULT_BYTES) -> str | None:
        """For the runtime: the result as JSON text of ``limit`` bytes at most, None for None. Raises InvalidPayload."""
        return self.result_codec.dump(result, limit)

    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> Any:
        """A plain call. A context is made up, or is that of the running job, unless one is given.

        Dependencies are given by name. Raises InvalidInput when one is not.
        """
        if self.dependencies is not None and not kwargs.keys() >= self.dependencies.keys():
            name = next(name for name in self.dependencies if name not in kwargs)
            raise InvalidInput(
                f"{self.name}: a plain call makes no dependencies", field=name, hint=f"give it: {name}=..."
            )
        if self.shape.takes_context and not (args and isinstance(args[0], Context)):
            return self.function(find_current_job() or self._context_of_no_job(), *args, **kwargs)
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<Task {self.name} on {self.queue}>"

    def _context_of_no_job(self) -> Context:
        from uuid import uuid4

        from taskforge.domain.ids import JobId

        return Context(
            id=JobId(uuid4()),
            task=self.name,
            queue=self.queue,
            attempt=1,
            max_attempts=1,
            deadline=None,
            recorder=SilentRecorder(),
        )


class SyncTask(Task[P, R]):
    """A task of a plain function."""

    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """A plain call of the function."""
        return cast("R", super().__call__(*args, **kwargs))


class AsyncTask(Task[P, R]):
    """A task of a coroutine function."""

    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]:
        """A plain call of the coroutine function: await it."""
        return cast("Coroutine[Any, Any, R]", super().__call__(*args, **kwargs))


class BoundTask(Enqueuing[P, R]):
    """A task with options of its calls."""

    __slots__ = ("job_options", "task")

    def __init__(self, task: Task[P, R], options: JobOptions) -> None:
        self.task = task
        self.job_options = options

    @property
    def backend(self) -> Backend:
        """The application that takes the jobs."""
        return self.task.backend

    def job(self, /, *args: P.args, **kwargs: P.kwargs) -> TaskCall[R]:
        """A call that is ready to be enqueued, alone or with many. Raises InvalidPayload."""
        task = self.task
        payload = task.shape.dump(args, kwargs)
        return TaskCall(
            task.name,
            self.job_options.queue or task.queue,
            payload,
            task.keyed(self.job_options, payload),
            task.load_result,
        )

    def options(self, **fields: Unpack[CallFields]) -> BoundTask[P, R]:
        """The same with more options; what is said later holds."""
        return BoundTask(self.task, job_options(fields).over(self.job_options))

    def __repr__(self) -> str:
        return f"<BoundTask {self.task.name}>"


def make_task(
    function: Callable[..., Any],
    *,
    name: str | None,
    queue: str,
    pool: Pool | None,
    options: JobOptions,
    backend: Backend,
    memory_limit: int | str | None = None,
    keys: Mapping[str, KeyMaker] | None = None,
) -> Task[..., Any]:
    """A task of a function. Raises InvalidInput when the function cannot be one.

    ``options.queue`` goes before ``queue``, the application's default. ``memory_limit`` is for a process task.
    """
    name = default_task_name(function) if name is None else check_job_type(name)
    is_async = inspect.iscoroutinefunction(function)
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise InvalidInput(f"{name} cannot be a task: it yields; a task returns its result")
    task_class: type[Task[..., Any]] = AsyncTask if is_async else SyncTask
    chosen_pool = _checked_pool(pool, is_async, name)
    shape = Signature(function, name)
    return task_class(
        function,
        name=name,
        queue=options.queue or queue,
        pool=chosen_pool,
        memory_limit=_checked_limit(memory_limit, chosen_pool, name),
        defaults=options,
        backend=backend,
        shape=shape,
        keys=TaskKeys(name, keys, shape.names) if keys else None,
        dependencies=shape.dependencies,
    )


def _checked_pool(pool: Pool | None, is_async: bool, name: str) -> Pool:
    natural: Pool = "async" if is_async else "thread"
    if pool is not None and pool not in ("async", "thread", "process"):
        raise InvalidInput(f"{name}: pool must be 'async', 'thread' or 'process', not {pool!r}", field="pool")
    if pool is not None and pool != natural and (is_async or pool == "async"):
        possible = "pool 'async'" if is_async else "pool 'thread' or 'process'"
        raise InvalidInput(
            f"{name}: {'an async def' if is_async else 'a plain def'} runs in {possible}, not {pool!r}",
            field="pool",
            hint="write it as a plain def" if is_async else "write it as an async def",
        )
    return pool or natural


def _checked_limit(limit: int | str | None, pool: Pool, name: str) -> int | None:
    if limit is None:
        return None
    if pool != "process":
        raise InvalidInput(
            f"{name}: memory_limit is for process tasks: the others share their process",
            field="memory_limit",
            hint="pool='process'",
        )
    from taskforge.sdk.sizes import parse_memory

    return parse_memory(limit, "memory_limit")
