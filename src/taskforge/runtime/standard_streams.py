"""Standard output and error that never keep a process waiting: for pipes and terminals that nobody reads."""

from __future__ import annotations

import contextlib
import os
import select
import stat
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STREAMS = ("stdout", "stderr")
KEPT_BYTES = 256 * 1024
"""What is kept of a stream that nobody reads; what is written beyond that is dropped, and counted."""
LINE_CHARACTERS = 8 * 1024
"""A longer line is not waited for."""
LEAVING_SECONDS = 1.0
"""How long the end of the process waits for a reader."""
_POLLED_BYTES = 512
"""Where poll says that there is room, there is room for so much (the least PIPE_BUF of POSIX)."""
_PAUSE_SECONDS = 0.05


@contextlib.contextmanager
def never_blocking() -> Iterator[None]:
    """Within, writing to ``sys.stdout`` and ``sys.stderr`` never waits, and neither does logging to them.

    For processes of our own, before they load an application. Files are left as they are, since they are always
    ready. What C code, other programs and ``sys.stdout.buffer`` write goes its own way.
    """
    with contextlib.ExitStack() as stack:
        for name in STREAMS:
            stream = getattr(sys, name)
            if _may_block(stream):
                stack.enter_context(_instead_of(name, stream))
        yield


@contextlib.contextmanager
def _instead_of(name: str, stream: TextIO) -> Iterator[None]:
    stream.flush()
    patient = PatientStream(stream)
    setattr(sys, name, patient)
    try:
        yield
    finally:
        if getattr(sys, name) is patient:
            setattr(sys, name, stream)
        patient.close()


def _may_block(stream: TextIO | None) -> bool:
    if stream is None or not hasattr(select, "poll"):
        return False
    try:
        mode = os.fstat(stream.fileno()).st_mode
        return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or stream.isatty()
    except (OSError, ValueError):  # it has no descriptor, or is closed
        return False


class PatientStream:
    """Writes lines to another text stream at once while that takes them; else keeps a little, and drops the rest.

    A thread writes what was kept as soon as somebody reads again, and then says how much was dropped. What was
    written before a crash is lost only if the reader was behind.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._descriptor, self._never_waits = _not_waiting(stream.fileno())
        self._reset()
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        """Also in the child of a fork, which has no threads, and perhaps the lock of one."""
        self._guard = threading.Condition(threading.RLock())
        self._room = select.poll()
        self._room.register(self._descriptor, select.POLLOUT)
        self._line = ""
        self._kept = bytearray()
        self._dropped = 0
        self._writer: threading.Thread | None = None

    def write(self, text: str) -> int:
        """Take it; answers its length."""
        with self._guard:
            self._line += text
            if "\n" in text or len(self._line) > LINE_CHARACTERS:
                self.flush()
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write them all."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Write the line that has no end yet; what waits for a reader is not waited for."""
        with self._guard:
            line, self._line = self._line, ""
            data = line.encode(self.stream.encoding or "utf-8", self.stream.errors or "backslashreplace")
            if not self._kept:
                data = data[self._write(data) :]
            if not data:
                return
            if self._dropped or len(self._kept) + len(data) > KEPT_BYTES:
                self._dropped += len(data)
            else:
                self._kept += data
            if self._writer is None:
                self._start_writer()

    def close(self) -> None:
        """Wait a moment for the reader of what was kept; the stream that stands behind stays open."""
        self.flush()
        until = time.monotonic() + LEAVING_SECONDS
        with self._guard:
            while self._kept and (left := until - time.monotonic()) > 0:
                self._guard.wait(left)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def _write(self, data: bytes) -> int:
        """Write as much as there is room for; answers how much."""
        done = 0
        with contextlib.suppress(BlockingIOError):
            while done < len(data):
                if self._never_waits:
                    done += self._write_some(data[done:])
                elif self._room.poll(0):
                    done += self._write_some(data[done : done + _POLLED_BYTES])
                else:
                    break
        return done

    def _write_some(self, data: bytes) -> int:
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:
            raise
        except OSError:  # nobody will ever read it
            return len(data)

    def _start_writer(self) -> None:
        """In a thread of its own, while there is something to write."""
        writer = threading.Thread(target=self._catch_up, name="taskforge-output", daemon=True)
        with contextlib.suppress(RuntimeError):  # no more threads: the next line tries again
            writer.start()
            self._writer = writer

    def _catch_up(self) -> None:
        while True:
            self._room.poll()  # the only one: others write only when nothing is kept
            with self._guard:
                written = self._write(bytes(self._kept[: 64 * 1024]))
                del self._kept[:written]
                if not self._kept and self._dropped:
                    self._kept += (
                        f"\n[taskforge: {self._dropped:,} bytes were not written: nobody read]\n".encode()
                    )
                    self._dropped = 0
                if not self._kept:
                    self._writer = None
                    self._guard.notify_all()
                    return
            if not written:
                time.sleep(_PAUSE_SECONDS)


def _not_waiting(descriptor: int) -> tuple[int, bool]:
    """A descriptor of the same pipe or terminal, and whether writing to it never waits.

    Opened anew, because the flag belongs to the open file, which other programs share. Where that is not possible (a
    socket, another system), poll has to do.
    """
    try:
        flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        return os.open(f"/proc/self/fd/{descriptor}", flags), True
    except OSError:
        return descriptor, False
