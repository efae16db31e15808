"""What a task prints, as lines for its log: the first of it whole, then only the end, never more."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_CHARACTERS = 256 * 1024
"""Characters of an attempt's output, both streams together, that go to its log."""
MAX_LINES = 1000
TAIL_CHARACTERS = 8 * 1024
TAIL_LINES = 100
LINE_CHARACTERS = 8 * 1024
"""A longer line is broken."""


class Output:
    """Cuts text into lines for ``add(stream, line)``. Takes the same memory however much is written.

    Once the limit of characters or lines is reached, only the last 8 Ki characters of what follows, 100 lines at
    most, are kept; ``close`` adds them behind a line that tells how much was left out. Not for several threads at a time.
    """

    def __init__(self, add: Callable[[str, str], None]) -> None:
        self._add = add
        self._begun = {"stdout": "", "stderr": ""}
        self._characters = 0
        self._lines = 0
        self._left_out = 0
        self._tail = ""
        self._tail_stream = ""

    def write(self, stream: str, text: str) -> None:
        """Take what was written to ``stdout`` or ``stderr``."""
        if self._begun[stream]:
            text, self._begun[stream] = self._begun[stream] + text, ""
        position = 0
        while position < len(text):
            if self._characters >= MAX_CHARACTERS or self._lines >= MAX_LINES:
                self._leave_out(stream, text, position)
                return
            end = text.find("\n", position, position + LINE_CHARACTERS)
            is_whole = end >= 0
            if not is_whole:
                end = position + LINE_CHARACTERS
                if len(text) < end:
                    self._begun[stream] = text[position:]
                    return
            self._emit(stream, text[position:end])
            position = end + is_whole

    def close(self) -> None:
        """Add lines that have no end yet, and the end of what was left out."""
        for stream, text in self._begun.items():
            if text:
                self._emit(stream, text)
            self._begun[stream] = ""
        tail = self._tail.splitlines(keepends=True)[-TAIL_LINES:]
        gap = self._left_out - sum(map(len, tail))
        if gap:
            self._add(
                self._tail_stream, f"[output cut: {gap:,} characters are left out here; their end follows]"
            )
        for line in tail:
            self._add(self._tail_stream, line.rstrip("\n"))
        self._left_out, self._tail = 0, ""

    def _emit(self, stream: str, line: str) -> None:
        self._add(stream, line)
        self._lines += 1
        self._characters += len(line)

    def _leave_out(self, stream: str, text: str, position: int) -> None:
        self._left_out += len(text) - position
        self._tail = (self._tail + text[max(position, len(text) - TAIL_CHARACTERS) :])[-TAIL_CHARACTERS:]
        self._tail_stream = stream


class OutputBytes:
    """Passes the bytes of one stream on as text, in whatever encoding they pretend to be."""

    def __init__(self, write: Callable[[str, str], None], stream: str) -> None:
        self._write = write
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def write(self, data: bytes) -> None:
        """Take some bytes; a character may be cut between two calls."""
        self._write(self._stream, self._decoder.decode(data))
