"""What the handler of one attempt says while it runs: log lines, progress, signs of life, its checkpoint."""

from __future__ import annotations

import math
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from taskforge.domain.execution import LogLine, clean_message
from taskforge.domain.log_level import LogLevel
from taskforge.runtime.worker.output import Output
from taskforge.sdk.codec import encode_metadata
from taskforge.sdk.secrets import SECRETS

if TYPE_CHECKING:
    from taskforge.sdk.context import Context

MAX_BUFFERED_LINES = 10_000
OUTPUT_METADATA = {"stdout": '{"stream":"stdout"}', "stderr": '{"stream":"stderr"}'}

_lock = threading.Lock()


class Signs(NamedTuple):
    """What the next beat has to say of an execution; None: nothing new."""

    signed: bool
    progress: str | None
    state: str | None


NO_SIGNS = Signs(signed=False, progress=None, state=None)


class AttemptRecorder:
    """Any thread may call it. One is made for each job, so what is not used costs nothing:
    the attributes of the class are the defaults."""

    cancelled = False
    changed = False
    signed_at = -math.inf
    """When the handler last gave a sign of life itself, by the monotonic clock."""
    state: str | None = None
    _signs = NO_SIGNS
    _lines: list[LogLine] | None = None
    _output: Output | None = None
    _count = 0
    _dropped = 0

    def line(self, level: LogLevel, message: str, metadata: dict[str, Any] | None = None) -> None:
        """Add a line to the log; one too long is cut, an empty one dropped."""
        encoded = None if metadata is None else encode_metadata(SECRETS.value(metadata))
        self.encoded_line(level, message, encoded)

    def encoded_line(self, level: LogLevel, message: str, metadata: str | None) -> None:
        """The same with metadata as JSON text."""
        text = clean_message(SECRETS.text(message))
        if text is None:
            return
        if metadata is not None:
            metadata = SECRETS.text(metadata)
        with _lock:
            if self._lines is None:
                self._lines = []
            elif len(self._lines) >= MAX_BUFFERED_LINES:
                self._dropped += 1
                return
            self._add(level, text, metadata)

    def output(self, stream: str, text: str) -> None:
        """The handler has printed to ``stdout`` or ``stderr``."""
        with _lock:
            if self._output is None:
                self._output = Output(self._add_output)
                self._lines = self._lines or []
            self._output.write(stream, text)

    def numbered(self, level: LogLevel, message: str) -> LogLine:
        """A line for the caller to send: it has its place among the others, and is not kept here."""
        with _lock:
            self._count += 1
            text = clean_message(message) or "-"
            return LogLine(self._count, level, text, None, datetime.now(UTC))

    def progress(self, text: str) -> None:
        """The handler's progress, as JSON text."""
        text = SECRETS.text(text)
        with _lock:
            self._signs = self._signs._replace(signed=True, progress=text)
            self.signed_at = time.monotonic()
            self.changed = True

    def heartbeat(self) -> None:
        """The handler is alive."""
        with _lock:
            self._signs = self._signs._replace(signed=True)
            self.signed_at = time.monotonic()
            self.changed = True

    def save(self, context: Context) -> None:
        """Take the checkpoint of ``context``, if it changed. Raises InvalidPayload when it is not JSON."""
        if not context.has_state:
            return
        with _lock:
            text = context.take_state()
            if text is not None:
                self._keep(text)

    def keep_state(self, text: str) -> None:
        """Take a checkpoint that changed, as JSON text."""
        with _lock:
            self._keep(text)

    def is_cancelled(self) -> bool:
        """Whether the handler should stop."""
        return self.cancelled

    @property
    def has_lines(self) -> bool:
        """Whether there are lines to take."""
        return bool(self._lines)

    def take_lines(self, *, last: bool = False) -> tuple[LogLine, ...]:
        """The lines since the last call, oldest first; the ``last`` time with what was printed without an end."""
        if self._lines is None:
            return ()
        with _lock:
            if self._dropped:
                self._add(LogLevel.WARN, f"{self._dropped} lines were dropped: too many at once", None)
                self._dropped = 0
            if last and self._output is not None:
                self._output.close()
            lines, self._lines = self._lines, None if self._output is None else []
        return tuple(lines)

    def give_back_lines(self, lines: tuple[LogLine, ...]) -> None:
        """These could not be written; they come first the next time."""
        with _lock:
            self._lines = [*lines, *(self._lines or ())]

    def forget(self) -> None:
        """Drop lines and checkpoint: they could not be stored."""
        with _lock:
            self._lines = self._output = None
            self.state = None

    def take_signs(self) -> Signs:
        """What is new since the last call."""
        if not self.changed:
            return NO_SIGNS
        with _lock:
            signs, self._signs = self._signs, NO_SIGNS
            self.changed = False
        return signs

    def give_back_signs(self, signs: Signs) -> None:
        """These could not be told; what is newer stands."""
        if signs is NO_SIGNS:
            return
        with _lock:
            newer = self._signs
            self._signs = Signs(
                signed=True if signs.signed else newer.signed,
                progress=signs.progress if newer.progress is None else newer.progress,
                state=signs.state if newer.state is None else newer.state,
            )
            self.changed = True

    def _keep(self, state: str) -> None:
        self.state = state
        self._signs = self._signs._replace(state=state)
        self.changed = True

    def _add_output(self, stream: str, line: str) -> None:
        text = clean_message(SECRETS.text(line))
        if text is not None:
            self._add(LogLevel.INFO, text, OUTPUT_METADATA[stream])

    def _add(self, level: LogLevel, text: str, metadata: str | None) -> None:
        if self._lines is not None:
            self._count += 1
            self._lines.append(LogLine(self._count, level, text, metadata, datetime.now(UTC)))
