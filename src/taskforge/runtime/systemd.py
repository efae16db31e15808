"""What systemd is told of a process of type notify; elsewhere nothing happens.

See sd_notify(3) and sd_watchdog_enabled(3).
"""

from __future__ import annotations

import contextlib
import os
import socket

READY = "READY=1"
STOPPING = "STOPPING=1"
ALIVE = "WATCHDOG=1"
VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


class Systemd:
    """The service manager that started this process, if one did.

    Making it takes its variables out of the environment, so that child processes do not speak for us.
    """

    def __init__(self) -> None:
        address, microseconds, pid = (os.environ.pop(name, "") for name in VARIABLES)
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        is_for_us = bool(self._address) and pid in ("", str(os.getpid()))
        self.watchdog_seconds = int(microseconds) / 1e6 if is_for_us and microseconds.isdecimal() else None
        """Without ``ALIVE`` for so long it takes the process for hung; None: it does not watch."""

    def tell(self, *lines: str) -> None:
        """Send ``READY``, ``STOPPING``, ``ALIVE`` or ``STATUS=...``. Never raises, never blocks."""
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.setblocking(False)
            channel.sendto("\n".join(lines).encode(), self._address)
