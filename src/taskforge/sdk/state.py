"""The checkpoint of a job: a small JSON object that is kept across its attempts."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

from taskforge.sdk import codec

if TYPE_CHECKING:
    from collections.abc import Iterator


class State(MutableMapping[str, Any]):
    """Works like a dict with text keys and JSON values; a value that is not JSON is refused at once.

    Changes inside a value (``ctx.state["seen"].append(x)``) are kept as well.
    """

    __slots__ = ("_last", "_values")

    def __init__(self, text: str | None = None) -> None:
        self._values: dict[str, Any] = {} if text is None else codec.decode(text)
        self._last = "{}" if text is None else self._encoded()

    def take_change(self) -> str | None:
        """The whole state as JSON text if it changed since it was last asked, else None.

        Raises InvalidPayload when a change inside a value is not JSON, or the whole is too large.
        """
        text = self._encoded()
        if text == self._last:
            return None
        self._last = text
        return text

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __setitem__(self, key: str, value: Any) -> None:
        codec.encode({key: value}, where="state")
        if not isinstance(key, str):
            raise codec.InvalidPayload(f"the keys of state must be texts, not {key!r:.80}", field="state")
        self._values[key] = value

    def __delitem__(self, key: str) -> None:
        del self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"State({self._values!r})"

    def _encoded(self) -> str:
        return codec.encode(self._values, where="state")
