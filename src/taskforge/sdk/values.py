"""One parameter or result: whether a value fits its annotation, and how it goes through JSON and back.

Simple JSON types are checked here in plain Python; anything else by a pydantic TypeAdapter, which is
built when it is first needed.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from taskforge.domain.errors import InvalidPayload
from taskforge.sdk import codec
from taskforge.sdk.simple_types import SimpleType, simple_type

if TYPE_CHECKING:
    from taskforge.sdk.models import Model


class Value:
    """A value of one annotation; ``where`` is its path in error messages."""

    __slots__ = ("_model", "annotation", "needs_model", "simple", "task_name", "where")

    def __init__(self, where: str, annotation: Any, task_name: str) -> None:
        self.where = where
        self.annotation = annotation
        self.task_name = task_name
        self.simple: SimpleType | None = simple_type(annotation)
        self.needs_model = self.simple is None
        self._model: Model | None = None

    @property
    def model(self) -> Model:
        """The pydantic side, for annotations that are not simple."""
        if self._model is None:
            from taskforge.sdk.models import Model

            self._model = Model(self.annotation, self.where, self.task_name)
        return self._model

    def at(self, where: str) -> Value:
        """The same for one of the keywords that a ``**`` parameter takes."""
        other = copy.copy(self)
        other.where = where
        return other

    def check(self, value: Any) -> None:
        """Raise InvalidPayload unless a value of a simple type fits."""
        if self.simple is not None and not self.simple.fits(value):
            raise self._misfit(self.simple, value)

    def dump(self, value: Any) -> Any:
        """The value as something that the codec can write; checked."""
        if self.simple is not None:
            self.check(value)
            return value
        return self.model.dump(value, self.where)

    def load(self, value: Any) -> Any:
        """What is meant by a decoded value of a simple type; checked."""
        simple = self.simple
        if simple is None:
            return value
        if not simple.fits(value):
            raise self._misfit(simple, value)
        return value if simple.convert is None else simple.convert(value)

    def load_text(self, text: bytes) -> Any:
        """What is meant by a JSON text; checked."""
        return self.load(codec.decode(text)) if self.simple else self.model.load(text, self.where)

    def _misfit(self, simple: SimpleType, value: Any) -> InvalidPayload:
        shown = repr(value)
        shown = shown if len(shown) <= 80 else f"{shown[:77]}..."
        return InvalidPayload(
            f"{self.task_name}: {self.where} must be {simple.name}, not {shown} ({type(value).__qualname__})",
            field=self.where,
        )
