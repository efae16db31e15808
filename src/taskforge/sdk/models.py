"""Annotations beyond plain JSON types, by pydantic: datetime, UUID, dataclasses, models, enums, sets, ..."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, PydanticSchemaGenerationError, PydanticUndefinedAnnotation, TypeAdapter
from pydantic import ValidationError as ModelError
from pydantic.errors import PydanticUserError
from pydantic_core import PydanticSerializationError

from taskforge.domain.errors import InvalidInput, InvalidPayload
from taskforge.sdk import codec

_BYTES_AS_BASE64 = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")


class Model:
    """A TypeAdapter with our strictness: JSON mode, no guesses (a bool is no int, a text is no number)."""

    __slots__ = ("_task_name", "adapter")

    def __init__(self, annotation: Any, name: str, task_name: str) -> None:
        self._task_name = task_name
        try:
            self.adapter: TypeAdapter[Any] = _adapter(annotation)
        except (PydanticSchemaGenerationError, PydanticUndefinedAnnotation, PydanticUserError) as error:
            raise InvalidInput(
                f"{task_name}: {name} is annotated {annotation!r}, which cannot go through JSON",
                field=name,
                hint=f"use plain values, dataclasses or pydantic models ({str(error).splitlines()[0]})",
            ) from error

    def dump(self, value: Any, where: str) -> Any:
        """The value as plain JSON values. What comes back from it is checked here and now."""
        try:
            checked = self.adapter.validate_python(value, strict=True)
            written = self._written(value, checked)
        except ModelError as error:
            raise self._misfit(error, where) from error
        except PydanticSerializationError as error:
            raise InvalidPayload(
                f"{self._task_name}: {where} cannot be written as JSON: {error}", field=where
            ) from error
        self.load(codec.encode(written, where=where).encode(), where)
        return written

    def load(self, text: bytes, where: str) -> Any:
        """The value of a JSON text. Raises InvalidPayload naming the part that does not fit."""
        try:
            return self.adapter.validate_json(text, strict=True)
        except ModelError as error:
            raise self._misfit(error, where) from error

    def _written(self, value: Any, checked: Any) -> Any:
        try:
            return self._dumped(value)
        except PydanticSerializationError:  # such as an int where `float | date` is asked for
            return self._dumped(checked)

    def _dumped(self, value: Any) -> Any:
        return self.adapter.dump_python(value, mode="json", by_alias=True, round_trip=True, warnings="error")

    def _misfit(self, error: ModelError, where: str) -> InvalidPayload:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        first = problems[0]
        path = where + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        return InvalidPayload(f"{self._task_name}: {path}: {first['msg']}{more}", field=path)


def _adapter(annotation: Any) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(annotation, config=_BYTES_AS_BASE64)
    except PydanticUserError as error:
        if error.code != "type-adapter-config-unused":
            raise
        return TypeAdapter(annotation)
