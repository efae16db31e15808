"""Handlers as classes: a job type and what to do with its payload, which may be any JSON value."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from taskforge.domain.bounds import check_job_type
from taskforge.domain.errors import InvalidInput, InvalidPayload
from taskforge.domain.job_options import JobOptions
from taskforge.sdk import codec
from taskforge.sdk.annotations import annotation_of
from taskforge.sdk.task import AsyncTask
from taskforge.sdk.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from taskforge.sdk.backend import Backend
    from taskforge.sdk.context import Context


class JobHandler(ABC):
    """Subclass it, set ``job_type``, and register an instance: ``app.register(SendEmail())``."""

    job_type: ClassVar[str]

    @abstractmethod
    async def execute(self, payload: Any) -> Any:
        """Do the work. What it returns is the job's result; the context is at `current_job()`."""


class PayloadSignature:
    """The shape of a handler's jobs: the payload is the one argument, as it is."""

    takes_context = False

    def __init__(self, handler: JobHandler, name: str) -> None:
        self._handler = handler
        self._name = name
        self._resolved: Value | None = None

    @property
    def _value(self) -> Value:
        if self._resolved is None:
            execute = self._handler.execute
            parameter = next(iter(inspect.signature(execute).parameters.values()))
            self._resolved = Value("payload", annotation_of(execute, parameter, self._name), self._name)
        return self._resolved

    def dump(self, args: Sequence[Any], kwargs: Mapping[str, Any], /) -> str:
        """The payload's JSON text; checked."""
        return codec.encode(self._value.dump(self._one(args, kwargs)), where="payload")

    def write(self, args: Sequence[Any], kwargs: Mapping[str, Any], /) -> str:
        """The same of a value as JSON has it."""
        payload = codec.encode(self._one(args, kwargs), where="payload")
        self.load(payload)
        return payload

    def load(self, payload: str, context: Context | None = None, /) -> tuple[list[Any], dict[str, Any]]:
        """The payload as the one argument; checked."""
        return [self._value.load_text(payload.encode())], {}

    def named(self, payload: str, /) -> dict[str, Any]:
        """The payload by the name ``payload``."""
        return {"payload": self._value.load_text(payload.encode())}

    def _one(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        if len(args) + len(kwargs) != 1 or (kwargs and "payload" not in kwargs):
            raise InvalidPayload(f"{self._name} takes one payload", field="payload")
        return args[0] if args else kwargs["payload"]

    def schema(self) -> dict[str, Any]:
        """The JSON schema of the payload."""
        from taskforge.sdk.schemas import value_schema

        return value_schema(self._value)


def task_of_handler(
    handler: JobHandler, backend: Backend, *, queue: str = "default", options: JobOptions | None = None
) -> AsyncTask[[Any], Any]:
    """A task of a handler, named by its job type. Raises InvalidInput when the handler is not whole."""
    name = getattr(handler, "job_type", None)
    if name is None:
        raise InvalidInput(
            f"{type(handler).__qualname__} has no job_type", field="job_type", hint='job_type = "send_email"'
        )
    chosen = options or JobOptions()
    task: AsyncTask[[Any], Any] = AsyncTask(
        handler.execute,
        name=check_job_type(name),
        queue=chosen.queue or queue,
        pool="async",
        defaults=chosen,
        backend=backend,
        shape=PayloadSignature(handler, name),
    )
    if len(inspect.signature(handler.execute).parameters) != 1:
        raise InvalidInput(f"{type(handler).__qualname__}.execute takes one payload", field="execute")
    if not task.is_async:
        raise InvalidInput(f"{type(handler).__qualname__}.execute must be an async def", field="execute")
    return task
