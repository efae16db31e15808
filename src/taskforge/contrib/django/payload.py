"""A call of Django's tasks as the payload of a job: ``{"args": [2], "kwargs": {"b": 3}}``, and what only Django knows."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from taskforge.domain.errors import InvalidPayload
from taskforge.sdk import codec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from taskforge.sdk.context import Context

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "args": {"type": "array"},
        "kwargs": {"type": "object"},
        "priority": {"type": "integer", "minimum": -100, "maximum": 100},
        "run_after": {"type": "string", "format": "date-time"},
    },
    "additionalProperties": False,
}


class Call(NamedTuple):
    """One call. ``priority`` is Django's; None for both is the task's own."""

    args: list[Any]
    kwargs: dict[str, Any]
    priority: int | None = None
    run_after: datetime | None = None

    def to_json(self) -> str:
        """The payload. Raises InvalidPayload."""
        said: dict[str, Any] = {"args": self.args, "kwargs": self.kwargs}
        if self.priority is not None:
            said["priority"] = self.priority
        if self.run_after is not None:
            said["run_after"] = self.run_after.isoformat()
        return codec.encode(said, where="payload")

    @classmethod
    def of(cls, payload: Any) -> Call:
        """The call of a decoded payload. Raises InvalidPayload when it is none."""
        if not isinstance(payload, dict) or not payload.keys() <= SCHEMA["properties"].keys():
            raise InvalidPayload("this is no call of a Django task", field="payload", hint="args, kwargs")
        args, kwargs, moment = payload.get("args", []), payload.get("kwargs", {}), payload.get("run_after")
        if not isinstance(args, list) or not isinstance(kwargs, dict):
            raise InvalidPayload("args must be a list, kwargs an object", field="payload")
        return cls(
            args, kwargs, payload.get("priority"), None if moment is None else datetime.fromisoformat(moment)
        )


class CallShape:
    """How such payloads become the arguments of a handler: the context, args and kwargs."""

    takes_context = True

    def dump(self, args: Sequence[Any], kwargs: Mapping[str, Any], /) -> str:
        """The payload's JSON text; checked."""
        return Call(list(args), dict(kwargs)).to_json()

    def write(self, args: Sequence[Any], kwargs: Mapping[str, Any], /) -> str:
        """The same: Django's arguments are plain JSON."""
        return self.dump(args, kwargs)

    def load(self, payload: str, context: Context | None = None, /) -> tuple[list[Any], dict[str, Any]]:
        """The arguments of the handler; checked."""
        return [context, Call.of(codec.decode(payload))], {}

    def named(self, payload: str, /) -> dict[str, Any]:
        """Args and kwargs, by these names."""
        call = Call.of(codec.decode(payload))
        return {"args": call.args, "kwargs": call.kwargs}

    def schema(self) -> dict[str, Any]:
        """The JSON schema of the payload."""
        return SCHEMA
