"""What happens around a Django task in a worker: its context, Django's signals, connections that have become old."""

from __future__ import annotations

import inspect
from collections import OrderedDict
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from asgiref.sync import sync_to_async
from django.db import close_old_connections
from django.utils import timezone

from taskforge.contrib.django.framework import TaskContext, TaskResultStatus, normalize_json, signals
from taskforge.contrib.django.results import CANCELLED, changed, error_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

    from taskforge.contrib.django.payload import Call
    from taskforge.sdk.context import Context
    from taskforge.sdk.hooks import JobEnded

MOST_REMEMBERED = 10_000
"""Attempts whose end nobody tells (their lease was lost) are forgotten in time."""


class _Attempt(NamedTuple):
    result: Any
    error: BaseException | None = None


class Attempts:
    """The attempts of this process that have begun, until their end is on record: then Django's signal is sent."""

    def __init__(self, sender: Callable[[], type]) -> None:
        self._sender = sender
        self._lock = Lock()
        self._known: OrderedDict[UUID | None, _Attempt] = OrderedDict()

    def begin(self, context: Context, result: Any) -> None:
        """It starts now."""
        with self._lock:
            self._known[context.execution_id] = _Attempt(result)
            while len(self._known) > MOST_REMEMBERED:
                self._known.popitem(last=False)
        signals.task_started.send_robust(sender=self._sender(), task_result=result)

    @contextmanager
    def watched(self, context: Context) -> Iterator[None]:
        """Within the block its handler runs; what that raises is kept for those who hear of the end."""
        try:
            yield
        except BaseException as error:
            with self._lock:
                found = self._known.get(context.execution_id)
                if found is not None:
                    self._known[context.execution_id] = found._replace(error=error)
            raise

    def forget(self, event: JobEnded) -> None:
        """Another attempt will follow."""
        with self._lock:
            self._known.pop(event.execution_id, None)

    def finish(self, event: JobEnded) -> None:
        """The job has ended, and the record has it."""
        with self._lock:
            found = self._known.pop(event.execution_id, None)
        if found is None:
            return
        result = changed(found.result, finished_at=timezone.now(), status=TaskResultStatus.FAILED)
        if event.name == "job.succeeded":
            changed(result, status=TaskResultStatus.SUCCESSFUL)
        elif event.error_type is not None:
            result.errors.append(error_of(event.error_type, event.error, event.traceback))
        else:
            result.errors.append(error_of(CANCELLED.rpartition(".")[2], "the job was cancelled", None))
        try:
            if found.error is not None:
                raise found.error
        except BaseException:  # where those who log or report errors look for it
            self._tell(result)
        else:
            self._tell(result)

    def _tell(self, result: Any) -> None:
        try:
            signals.task_finished.send_robust(sender=self._sender(), task_result=result)
        finally:
            close_old_connections()


def handler_of(
    function: Callable[..., Any], takes_context: bool, attempts: Attempts, begun: Callable[..., Any]
) -> Callable[..., Any]:
    """What a worker calls for a task. ``begun`` is asynchronous or not as the function is; it gives the TaskResult."""
    handle: Callable[..., Any]

    def arguments(call: Call, result: Any) -> list[Any]:
        return [TaskContext(task_result=result), *call.args] if takes_context else call.args

    if inspect.iscoroutinefunction(function):
        close = sync_to_async(close_old_connections)

        async def ahandle(context: Context, call: Call) -> Any:
            result = await begun(context, call)
            attempts.begin(context, result)
            try:
                with attempts.watched(context):
                    return normalize_json(await function(*arguments(call, result), **call.kwargs))
            finally:
                await close()

        handle = ahandle
    else:

        def shandle(context: Context, call: Call) -> Any:
            close_old_connections()
            try:
                result = begun(context, call)
                attempts.begin(context, result)
                with attempts.watched(context):
                    return normalize_json(function(*arguments(call, result), **call.kwargs))
            finally:
                close_old_connections()

        handle = shandle
    described = {
        name: getattr(function, name) for name in ("__module__", "__name__", "__qualname__", "__doc__")
    }
    # `__wrapped__`: where it is, for error messages; `__signature__`: results are plain JSON, not as annotated
    described |= {"__wrapped__": function, "__signature__": inspect.Signature()}
    for name, value in described.items():
        setattr(handle, name, value)
    return handle
