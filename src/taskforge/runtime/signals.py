"""SIGTERM and SIGINT: the first asks for an orderly end, the second ends at once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextlib.contextmanager
def on_stop_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` on the running event loop at the first signal; exit with 130 or 143 at the second.

    To be used on the main thread. Plain signal handlers, unlike those of the event loop, also act while
    a handler blocks the loop.
    """
    loop = asyncio.get_running_loop()
    is_asked = False

    def act(number: int, frame: FrameType | None) -> None:
        nonlocal is_asked
        if is_asked:
            with contextlib.suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(128 + number)
        is_asked = True
        loop.call_soon_threadsafe(stop)

    former = {number: signal.signal(number, act) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
