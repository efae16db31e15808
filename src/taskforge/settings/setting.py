"""What one setting is: its name, its type, and which values can serve."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taskforge.domain.errors import InvalidInput, InvalidSetting

if TYPE_CHECKING:
    from collections.abc import Callable

PREFIX = "TASKFORGE_"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. ``least`` and ``most`` bound a number; ``secret`` values are shown masked.

    ``choices`` are the words that it may be, if only some are right; capitals are taken for small letters.
    ``check`` raises InvalidInput for a text that cannot serve.
    """

    name: str
    kind: type
    default: Any
    help: str
    least: float = -math.inf
    most: float = math.inf
    secret: bool = False
    choices: tuple[str, ...] = ()
    check: Callable[[str], object] | None = None

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return PREFIX + self.name.upper()

    @property
    def is_address(self) -> bool:
        """Whether it is an address: of a secret one only the password is secret."""
        return self.name.endswith("_url")

    def taken(self, value: Any, origin: str) -> Any:
        """What was given, as its type. Raises InvalidSetting for what cannot serve, saying the ``origin`` of it."""
        if self.choices:
            return self._chosen(value, origin)
        wanted = {str: "a text", int: "a whole number", float: "a number"}[self.kind]
        try:
            if isinstance(value, bool) or (self.kind is str and not isinstance(value, str)):
                raise ValueError
            converted = self.kind(value)
            if self.kind is int and float(value) != converted:
                raise ValueError
        except (TypeError, ValueError, OverflowError):
            shown = "the value" if self.secret else repr(value)
            raise InvalidSetting(
                f"{self.name} must be {wanted}, not {shown} (from {origin})", field=self.name
            ) from None
        if self.kind is not str and not self.least <= converted <= self.most:
            raise InvalidSetting(
                f"{self.name} must be from {self.least:g} to {self.most:,.10g}, not {value!r} (from {origin})",
                field=self.name,
            )
        if self.check is not None:
            try:
                self.check(converted)
            except InvalidInput as error:
                said = error.message if self.name in error.message else f"{self.name}: {error.message}"
                raise InvalidSetting(f"{said} (from {origin})", field=self.name, hint=error.hint) from None
        return converted

    def _chosen(self, value: Any, origin: str) -> str:
        word = str(value).lower()
        if word in self.choices:
            return word
        *others, last = self.choices
        close = difflib.get_close_matches(word, self.choices, n=1)
        raise InvalidSetting(
            f"{self.name} must be {', '.join(others)} or {last}, not {value!r:.120} (from {origin})",
            field=self.name,
            hint=f"did you mean {close[0]}?" if close else None,
        )
