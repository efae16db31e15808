"""A program in a process group of its own, which ends with all that it has started."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import subprocess
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class ProcessGroup:
    """Starts the program at once; ``on_exit`` is called on the running event loop when it has ended.

    The rest of its group is killed then. Programs that have left the group are not reached. Raises OSError when the
    system gives no process, or no thread to wait for it.
    """

    def __init__(
        self,
        command: Sequence[str],
        on_exit: Callable[[], None],
        *,
        environment: Mapping[str, str],
        stdin: int,
        captures: bool = False,
        descriptors: Sequence[int] = (),
    ) -> None:
        output = subprocess.PIPE if captures else None
        self._on_exit = on_exit
        self._loop = asyncio.get_running_loop()
        self._guard = threading.Lock()
        self._is_reaped = False
        self.process: subprocess.Popen[Any] = subprocess.Popen(  # noqa: S603 - our own programs
            command,
            stdin=stdin,
            stdout=output,
            stderr=output,
            bufsize=0,
            pass_fds=descriptors,
            start_new_session=True,
            env=environment,
        )
        try:
            threading.Thread(target=self._wait, name=f"taskforge-wait-{self.pid}", daemon=True).start()
        except RuntimeError as error:
            self._kill_group()
            self.process.wait()
            raise OSError(errno.EAGAIN, f"{error} for a child process") from None

    @property
    def pid(self) -> int:
        """Its process id, which is also that of its group."""
        return self.process.pid

    @property
    def returncode(self) -> int | None:
        """How it ended: its exit code, or minus a signal's number; None while it runs."""
        return self.process.returncode

    def terminate(self) -> None:
        """SIGTERM to the program alone."""
        with self._guard:
            if not self._is_reaped:
                os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to the whole group."""
        with self._guard:
            if not self._is_reaped:
                self._kill_group()

    def _wait(self) -> None:
        """In a thread. The group is killed while its id cannot be another's yet: before its leader is reaped."""
        if hasattr(os, "waitid"):
            with contextlib.suppress(ChildProcessError):
                os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
            with self._guard:
                self._kill_group()
                self._is_reaped = True
                self.process.wait()
        else:
            self.process.wait()
            with self._guard:
                self._is_reaped = True
                self._kill_group()
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._on_exit)

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
