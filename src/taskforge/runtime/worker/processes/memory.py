"""What a child process uses: how much memory it occupies, and what one attempt has used. Works with little memory."""

from __future__ import annotations

import contextlib
import sys
import time

RESET_PEAK = b"5"
"""Written to clear_refs, it sets the most memory that the process has occupied to what it occupies now."""


class ChildMeter:
    """Measures one attempt, from its making on."""

    def __init__(self) -> None:
        with contextlib.suppress(OSError), open("/proc/self/clear_refs", "wb", buffering=0) as file:  # noqa: PTH123 - Path allocates
            file.write(RESET_PEAK)
        self._began = _processor_ns()

    def take(self) -> tuple[int, int]:
        """Nanoseconds of processor time, and the most bytes that the process occupied meanwhile.

        Where the system does not tell the most, it is what the process occupies now.
        """
        return _processor_ns() - self._began, _peak_bytes() or resident_bytes()


def resident_bytes() -> int:
    """The memory that this process occupies; the most it ever has, where the system tells no more."""
    import resource

    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - Path allocates
            return int(file.read().split()[1]) * resource.getpagesize()
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024


def _peak_bytes() -> int | None:
    try:
        with open("/proc/self/status", "rb") as file:  # noqa: PTH123 - Path allocates
            for line in file:
                if line.startswith(b"VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def _processor_ns() -> int:
    import resource

    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time_ns() + round((ended.ru_utime + ended.ru_stime) * 1_000_000_000)
