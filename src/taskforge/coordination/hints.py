"""What hints look like between processes, and how those that wait to be sent are folded."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from functools import lru_cache
from typing import TYPE_CHECKING
from uuid import UUID

from taskforge.ports.signals import Hint, Topic

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

CHANNEL = "hints"
"""Where they are told in Redis."""
ENDS_CHANNEL = "ends"
"""Where in Redis it is told that jobs have ended: nearly all hints, and few want them."""
FOLD_SECONDS = 0.003
CARRY_SECONDS = 0.002
"""A little less: while statements come that can carry a hint, one of them does, and no message is sent for it."""
FINISHED_FOLD_SECONDS = 0.03
SEND_OFF_SECONDS = 1.0
MOST_AT_ONCE = 100
URGENT = frozenset({Topic.READY, Topic.OFFERED, Topic.CANCEL})


def written(hint: Hint, origin: str) -> str:
    """A hint as one line, with who sends it."""
    return f"{origin} {hint.topic.value} {hint.project_id} {hint.queue_id or ''}".strip()


@lru_cache(maxsize=1024)
def read(line: str) -> tuple[str, Hint | None]:
    """Who sent a line, and its hint; of one that a later version sends: anything may have changed (None). The same few come."""
    origin, _, rest = line.partition(" ")
    parts = rest.split()
    try:
        return origin, Hint(Topic(parts[0]), UUID(parts[1]), UUID(parts[2]) if len(parts) > 2 else None)
    except (ValueError, IndexError):
        return origin, None


class HintOutbox:
    """Sends what gathers, with a pause between, so that a storm of hints is folded into few messages.

    Losing hints costs latency only: past ``MOST_AT_ONCE`` different ones at a time the rest is dropped.
    """

    def __init__(self, send: Callable[[Sequence[Hint]], Awaitable[None]]) -> None:
        self._send = send
        self._unsent: dict[Hint, None] = {}
        self._urgent = asyncio.Event()
        self._sender: asyncio.Task[None] | None = None
        self._later: asyncio.TimerHandle | None = None
        self._sent_at = -math.inf
        self._is_closed = False

    def carried(self, hint: Hint) -> bool:
        """Whether a statement shall send this one at its commit; what waits is sent with it if it says the same."""
        now = time.monotonic()
        if now - self._sent_at < CARRY_SECONDS or len(self._unsent) > (hint in self._unsent):
            return False
        self._sent_at = now
        self._unsent.clear()
        return True

    def put(self, hint: Hint) -> None:
        """Send it soon; after `close` nothing is sent."""
        if self._is_closed:
            return
        self._unsent[hint] = None
        if hint.topic in URGENT:
            self._urgent.set()
        if self._later is None and (self._sender is None or self._sender.done()):
            self._begin()

    def _begin(self) -> None:
        self._later = None
        if not self._unsent:
            return
        loop = asyncio.get_running_loop()
        early = self._sent_at + FOLD_SECONDS - time.monotonic()
        if early > 0 and not self._is_closed:
            self._later = loop.call_later(early, self._begin)
        else:
            self._sender = loop.create_task(self._run())

    async def close(self) -> None:
        """Send what is left, if that does not take long."""
        self._is_closed = True
        if self._later is not None:
            self._later.cancel()
            self._begin()
        if self._sender is not None:
            self._urgent.set()
            await asyncio.wait({self._sender}, timeout=SEND_OFF_SECONDS)
            self._sender.cancel()
            await asyncio.wait({self._sender})

    async def _run(self) -> None:
        while self._unsent:
            hints, self._unsent = list(self._unsent), {}
            self._sent_at = time.monotonic()
            await self._send(hints[:MOST_AT_ONCE])
            await asyncio.sleep(FOLD_SECONDS)
            if not any(hint.topic in URGENT for hint in self._unsent):
                self._urgent.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(FINISHED_FOLD_SECONDS):
                        await self._urgent.wait()
