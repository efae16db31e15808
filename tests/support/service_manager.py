"""systemd as a process of type notify sees it."""

import socket
import threading
from pathlib import Path


class ServiceManager:
    """A socket as systemd has it, and what was sent there."""

    def __init__(self, address: Path) -> None:
        self.address = address
        self.said: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(address))
        threading.Thread(target=self._listen, daemon=True).start()

    def environment(self, *, watchdog_seconds: float) -> dict[str, str]:
        """What it gives to a process that it starts."""
        return {"NOTIFY_SOCKET": str(self.address), "WATCHDOG_USEC": str(round(watchdog_seconds * 1e6))}

    def close(self) -> None:
        """Hear no more."""
        self._socket.close()

    def _listen(self) -> None:
        while True:
            try:
                said = self._socket.recv(1000)
            except OSError:
                return
            self.said.append(said.decode())
