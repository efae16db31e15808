"""What a task returns, as JSON and back by its return annotation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.domain.bounds import RESULT_BYTES
from taskforge.domain.errors import InvalidInput, InvalidPayload
from taskforge.sdk import codec
from taskforge.sdk.annotations import return_annotation_of
from taskforge.sdk.values import Value

if TYPE_CHECKING:
    from collections.abc import Callable


class ResultCodec:
    """Follows the annotation where it can; where a value does not fit it, plain JSON has to do."""

    __slots__ = ("_function", "_task_name", "_value")

    def __init__(self, function: Callable[..., Any], task_name: str) -> None:
        self._function = function
        self._task_name = task_name
        self._value: Value | None = None

    def dump(self, result: Any, limit: int = RESULT_BYTES) -> str | None:
        """The result as JSON text of at most ``limit`` bytes, None for None. Raises InvalidPayload when it is not."""
        if result is None:
            return None
        value = self._resolved()
        if value.simple is None:
            try:
                return codec.encode(value.model.dump(result, "result"), where="result", limit=limit)
            except (InvalidInput, InvalidPayload):  # not as annotated; the encoder has the last word
                pass
        return codec.encode(result, where="result", limit=limit)

    def load(self, text: str) -> Any:
        """The result of a JSON text, converted by the annotation; as it is when it does not fit."""
        value = self._resolved()
        try:
            return value.load_text(text.encode())
        except (InvalidInput, InvalidPayload):
            return codec.decode(text)

    def _resolved(self) -> Value:
        if self._value is None:
            try:
                annotation = return_annotation_of(self._function, self._task_name)
            except InvalidInput:
                annotation = Any
            self._value = Value("result", annotation, self._task_name)
        return self._value
