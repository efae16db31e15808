"""Copies what handlers print in this process to the log of their execution."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TextIO

from taskforge.sdk.context import find_current_job

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

STREAMS = ("stdout", "stderr")


class PrintCapture:
    """Stands before ``sys.stdout`` and ``sys.stderr`` while a worker runs; what is printed still gets there.

    It follows the context of the task or thread that prints: other code of the process is not touched, and
    output of C code and of other programs goes only where it always went.
    """

    def __init__(self) -> None:
        self._copies: list[tuple[str, _Copy]] = []

    def __enter__(self) -> Self:
        for name in STREAMS:
            stream = getattr(sys, name)
            if stream is not None and not isinstance(stream, _Copy):
                copy = _Copy(name, stream)
                self._copies.append((name, copy))
                setattr(sys, name, copy)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name, copy in self._copies:
            copy.is_on = False
            if getattr(sys, name) is copy:
                setattr(sys, name, copy.stream)
        self._copies.clear()


class _Copy:
    """A text stream that writes to another one, and to the running job's log."""

    def __init__(self, name: str, stream: TextIO) -> None:
        self.stream = stream
        self.is_on = True
        self._name = name

    def write(self, text: str) -> int:
        """Write to both."""
        context = find_current_job() if self.is_on else None
        if context is not None and isinstance(text, str):
            context.take_output(self._name, text)
        return self.stream.write(text)

    def writelines(self, lines: list[str]) -> None:
        """Write them all."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def __iter__(self) -> Any:
        return iter(self.stream)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.flush()
