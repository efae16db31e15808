"""``@app.task`` and ``@app.task(queue=...)``, with types that know the function's parameters and result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast, overload

from taskforge.sdk.options import KEYS, OF_TASKS_ALONE, job_options
from taskforge.sdk.schedule import OF_TASKS, schedule_of_task
from taskforge.sdk.task import AsyncTask, SyncTask, Task, make_task

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Unpack

    from taskforge.sdk.backend import Backend
    from taskforge.sdk.context import Context
    from taskforge.sdk.fields import TaskFields

P = ParamSpec("P")
R = TypeVar("R")


class TaskMaker:
    """Makes tasks of functions, all with the same options, and registers them.

    For type checkers, a first parameter without annotation, or annotated ``Any`` or ``object``, could be a
    context and is taken for one; only a parameter annotated ``Context`` really is.
    """

    def __init__(
        self,
        backend: Backend,
        register: Callable[[Task[..., Any]], object],
        queue: str = "default",
        fields: TaskFields | None = None,
    ) -> None:
        self._backend = backend
        self._register = register
        self._queue = queue
        self._fields: TaskFields = fields or {}

    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, function: Callable[Concatenate[Context, P], Coroutine[Any, Any, R]], /
    ) -> AsyncTask[P, R]: ...
    @overload
    def __call__(self, function: Callable[Concatenate[Context, P], R], /) -> SyncTask[P, R]: ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, function: Callable[P, Coroutine[Any, Any, R]], /
    ) -> AsyncTask[P, R]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> SyncTask[P, R]: ...
    def __call__(self, function: Callable[..., Any], /) -> Any:
        """A task of the function, registered."""
        return self._make(function, self._fields)

    def _make(self, function: Callable[..., Any], fields: TaskFields) -> Task[..., Any]:
        of_job = cast("dict[str, Any]", dict(fields))
        of_task = {name: of_job.pop(name, None) for name in OF_TASKS_ALONE}
        scheduled = {name: of_job.pop(name) for name in OF_TASKS if of_job.get(name) is not None}
        scheduled |= of_job.pop("schedule", None) or {}
        keys = {field: of_job.pop(field) for field in KEYS if of_job.get(field) is not None}
        task = make_task(
            function,
            queue=self._queue,
            options=job_options(of_job),
            backend=self._backend,
            **of_task,
            keys=keys,
        )
        if scheduled:
            task.schedule = schedule_of_task(task, scheduled)
        self._register(task)
        return task


class TaskDecorator(TaskMaker):
    """What ``app.task`` is: `TaskDecorator(backend, registry.add)`."""

    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, function: Callable[Concatenate[Context, P], Coroutine[Any, Any, R]], /
    ) -> AsyncTask[P, R]: ...
    @overload
    def __call__(self, function: Callable[Concatenate[Context, P], R], /) -> SyncTask[P, R]: ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, function: Callable[P, Coroutine[Any, Any, R]], /
    ) -> AsyncTask[P, R]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> SyncTask[P, R]: ...
    @overload
    def __call__(self, /, **fields: Unpack[TaskFields]) -> TaskMaker: ...
    def __call__(self, function: Callable[..., Any] | None = None, /, **fields: Unpack[TaskFields]) -> Any:
        """A task of the function, or a decorator that makes tasks with these options."""
        if function is not None:
            return self._make(function, fields)
        of_others = (*OF_TASKS_ALONE, *KEYS, *OF_TASKS, "schedule")
        job_options({name: value for name, value in fields.items() if name not in of_others})
        return TaskMaker(self._backend, self._register, self._queue, fields)
