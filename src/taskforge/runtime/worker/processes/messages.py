"""What a worker and its child processes tell each other: JSON texts with their length before them."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias
from uuid import UUID  # noqa: TC003 - msgspec reads the annotations

import msgspec

MAX_FRAME = 4 * 1024 * 1024
"""Bytes of one message. The longest legal one is a job with its payload and checkpoint, of 256 KiB each."""
MAX_TEXT = 20_000
"""Characters of a log line on its way; a line as it is stored is shorter."""
LOST_LINE = 71
"""The exit code of a child whose connection was closed or replaced by the task."""
HEAD = 4


class Message(msgspec.Struct, gc=False, tag_field="is", omit_defaults=True):
    """Base of all messages."""


class Hello(Message, tag="hello"):
    """To the child, first: the application's modules (name, and file where only that leads to it)."""

    modules: list[tuple[str, str | None]]
    settings: dict[str, Any]
    capture_level: int | None
    result_bytes: int


class Run(Message, tag="run"):
    """To the child: one attempt. ``deadline`` is a time in ISO format, ``memory_limit`` bytes."""

    id: UUID
    execution_id: UUID
    task: str
    module: str
    qualname: str
    queue: str
    attempt: int
    max_attempts: int
    deadline: str
    payload: str
    state: str | None
    memory_limit: int | None
    worker: str | None = None
    schedule: str | None = None
    trace: str | None = None


class Cancel(Message, tag="cancel"):
    """To the child: ``ctx.cancelled`` is true from now on; with ``interrupt`` the handler is broken off."""

    interrupt: bool


class Ready(Message, tag="ready"):
    """From the child: it has imported the application and waits for a job."""


class Broken(Message, tag="broken"):
    """From the child, instead: it could not import it."""

    type: str
    message: str
    traceback: str | None


class Line(Message, tag="line"):
    """From the child: a line for the log; ``metadata`` is JSON text."""

    level: Literal["trace", "debug", "info", "warn", "error"]
    text: str
    metadata: str | None = None


class Progress(Message, tag="progress"):
    """From the child: how far the handler is, as JSON text."""

    text: str


class Beat(Message, tag="beat"):
    """From the child: the handler gave a sign of life."""


class State(Message, tag="state"):
    """From the child: the checkpoint has changed; JSON text."""

    text: str


class Ended(Message):
    """Base of those by which the child tells that the handler is over.

    ``rss`` is what the child occupies now, and ``peak_rss`` the most that it did meanwhile, in bytes; ``cpu_ns``
    the processor time that it used for it, with that of processes which it started and waited for.
    """

    rss: int
    peak_rss: int = 0
    cpu_ns: int = 0


class Returned(Ended, tag="returned"):
    """From the child: the handler returned; ``output`` is its result as JSON text."""

    output: str | None = None


class Raised(Ended, tag="raised"):
    """From the child: the handler raised. ``by_itself``: it did not choose this end, the exception escaped."""

    type: str = ""
    message: str = ""
    traceback: str | None = None
    by_itself: bool = False
    retry_after: float | None = None
    final: bool = False


class Snoozed(Ended, tag="snoozed"):
    """From the child: the handler wants to be called later."""

    seconds: float = 0.0


class Cancelled(Ended, tag="cancelled"):
    """From the child: the handler cancelled its job."""

    cause: str = ""


ToChild: TypeAlias = Hello | Run | Cancel
End: TypeAlias = Returned | Raised | Snoozed | Cancelled
Said: TypeAlias = Line | Progress | Beat | State
FromChild: TypeAlias = Ready | Broken | Said | End

_encoder = msgspec.json.Encoder()
_to_child = msgspec.json.Decoder(ToChild)
_from_child = msgspec.json.Decoder(FromChild)


class Garbage(Exception):
    """What came is none of our messages."""


def encode(message: Message) -> bytes:
    """A frame. Raises Garbage when it would be too long."""
    body = _encoder.encode(message)
    if len(body) > MAX_FRAME:
        raise Garbage(f"a message of {len(body):,} bytes")
    return len(body).to_bytes(HEAD, "big") + body


class Frames:
    """Gathers bytes and gives out messages."""

    def __init__(self, *, to_child: bool = False) -> None:
        self._decoder: msgspec.json.Decoder[Any] = _to_child if to_child else _from_child
        self._data = bytearray()

    def feed(self, data: bytes) -> list[Any]:
        """The messages that are whole now. Raises Garbage."""
        self._data += data
        found = []
        position = 0
        while len(self._data) - position >= HEAD:
            length = int.from_bytes(self._data[position : position + HEAD], "big")
            if length > MAX_FRAME:
                raise Garbage(f"a message of {length:,} bytes")
            end = position + HEAD + length
            if len(self._data) < end:
                break
            try:
                found.append(self._decoder.decode(self._data[position + HEAD : end]))
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise Garbage(str(error)) from None
            position = end
        del self._data[:position]
        return found
