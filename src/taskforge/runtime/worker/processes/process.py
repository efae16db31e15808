"""The worker's handle of one child process: start it, talk to it, read what it prints, kill it with all it started."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from taskforge.runtime.process_group import ProcessGroup
from taskforge.runtime.worker.output import OutputBytes
from taskforge.runtime.worker.processes import messages

if TYPE_CHECKING:
    from collections.abc import Callable

    from taskforge.runtime.worker.running import Running

PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv.pop()); "
    "from taskforge.runtime.worker.processes.child import main; main()"
)
CHUNK = 64 * 1024
LAST_WORDS = 4 * 1024 * 1024
"""Bytes that are still read of each stream when an attempt has ended."""
EXIT_SECONDS = 5.0


class ChildProcess:
    """A child in a session, and so in a process group, of its own. To be used on the worker's event loop.

    ``on_message`` gets what it says, ``on_exit`` is called once it has ended.
    """

    def __init__(
        self,
        on_message: Callable[[ChildProcess, Any], None],
        on_exit: Callable[[ChildProcess], None],
    ) -> None:
        self.running: Running | None = None
        self.jobs = 0
        self.is_ready = False
        self.fault: str | None = None
        self.is_leaving = False
        self._on_message = on_message
        self._on_exit = on_exit
        self._loop = asyncio.get_running_loop()
        self._frames = messages.Frames()
        self._unsent = bytearray()
        self._streams: dict[int, OutputBytes | None] = {}
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._group = ProcessGroup(
                [sys.executable, "-c", PROGRAM, str(theirs.fileno()), str(os.getpid()), json.dumps(sys.path)],
                self._ended,
                environment=os.environ,
                stdin=subprocess.DEVNULL,
                captures=True,
                descriptors=[theirs.fileno()],
            )
        self._pipes = [pipe for pipe in (self._group.process.stdout, self._group.process.stderr) if pipe]
        self._socket.setblocking(False)
        self._loop.add_reader(self._socket.fileno(), self._receive)
        for pipe in self._pipes:
            os.set_blocking(pipe.fileno(), False)
            self._streams[pipe.fileno()] = None
            self._loop.add_reader(pipe.fileno(), self._read, pipe.fileno())

    @property
    def returncode(self) -> int | None:
        """How it ended: its exit code, or minus a signal's number."""
        return self._group.returncode

    def send(self, message: messages.Message) -> None:
        """Send a message, now or as soon as it takes it. To one that has ended nothing is sent."""
        if self._socket.fileno() >= 0:
            self._unsent += messages.encode(message)
            self._flush()

    def print_to(self, write: Callable[[str, str], None] | None) -> None:
        """Who gets what it prints from now on, as stream and text; None: nobody."""
        for descriptor, name in zip(tuple(self._streams), ("stdout", "stderr"), strict=False):
            self._streams[descriptor] = None if write is None else OutputBytes(write, name)

    def read_all(self) -> None:
        """Read what it has printed up to now."""
        for descriptor in self._streams:
            for _ in range(LAST_WORDS // CHUNK):
                if not self._read(descriptor):
                    break

    def leave(self) -> None:
        """Let it end in an orderly way; after five seconds it is killed."""
        self.is_leaving = True
        self._close_socket()
        self._loop.call_later(EXIT_SECONDS, self.kill)

    def kill(self) -> None:
        """SIGKILL to it and to all that it has started and that has not left its process group."""
        self._group.kill()

    def kill_for(self, fault: str) -> None:
        """Kill it, and say why to whoever asks how it ended."""
        self.fault = self.fault or fault
        self.kill()

    def _receive(self) -> None:
        try:
            data = self._socket.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._close_socket()
            self._loop.call_later(
                EXIT_SECONDS / 10, self.kill_for, "the task closed its process's connection to the worker"
            )
            return
        try:
            for message in self._frames.feed(data):
                self._on_message(self, message)
        except messages.Garbage:
            self._close_socket()
            self.kill_for("the task wrote into its process's connection to the worker")

    def _flush(self) -> None:
        try:
            sent = self._socket.send(self._unsent)
        except BlockingIOError:
            sent = 0
        except OSError:  # it has ended; that is told by another way
            sent = len(self._unsent)
        del self._unsent[:sent]
        if self._unsent:
            self._loop.add_writer(self._socket.fileno(), self._flush)
        else:
            self._loop.remove_writer(self._socket.fileno())

    def _read(self, descriptor: int) -> bool:
        """Whether there was something."""
        try:
            data = os.read(descriptor, CHUNK)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            self._loop.remove_reader(descriptor)
            return False
        output = self._streams[descriptor]
        if output is not None:
            output.write(data)
        return True

    def _ended(self) -> None:
        while self._socket.fileno() >= 0 and self._has_more():
            self._receive()
        self._close_socket()
        self.read_all()
        for pipe in self._pipes:
            self._loop.remove_reader(pipe.fileno())
            pipe.close()
        self._streams.clear()
        self._on_exit(self)

    def _has_more(self) -> bool:
        try:
            return bool(self._socket.recv(1, socket.MSG_PEEK))
        except OSError:
            return False

    def _close_socket(self) -> None:
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._loop.remove_writer(self._socket.fileno())
            self._socket.close()
