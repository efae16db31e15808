"""How far a run is, how fast it goes, and when it will be through."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

_FINISHED = ("succeeded", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class DemoProgress:
    """One look at the reading jobs."""

    total: int
    done: int
    """Ended, whichever way; `failed` is among them."""
    failed: int
    retrying: int
    """Failed at least once and waiting for the next attempt."""
    seconds: float
    rate: float
    """Jobs that ended in a second, over the last seconds."""
    seconds_left: float | None
    """None while nobody can tell."""


class ProgressScreen(Protocol):
    """Whoever shows the progress. Called several times a second, and once at the end of the reading."""

    def __call__(self, progress: DemoProgress, /) -> None: ...


class Pace:
    """Makes progress out of counts by status, with the rate over a window of the last seconds."""

    def __init__(self, total: int, window: float = 3.0) -> None:
        self._total = total
        self._window = window
        self._samples: deque[tuple[float, int]] = deque([(0.0, 0)])

    def look(self, seconds: float, counts: Mapping[str, int]) -> DemoProgress:
        """The progress at `seconds` after the start. Times must not go back."""
        done = sum(counts.get(status, 0) for status in _FINISHED)
        self._samples.append((seconds, done))
        while len(self._samples) > 2 and self._samples[1][0] <= seconds - self._window:
            self._samples.popleft()
        since, before = self._samples[0]
        rate = (done - before) / (seconds - since) if seconds > since else 0.0
        left = self._total - done
        return DemoProgress(
            total=self._total,
            done=done,
            failed=counts.get("failed", 0),
            retrying=counts.get("scheduled", 0),  # the demo schedules nothing: these wait to be retried
            seconds=seconds,
            rate=rate,
            seconds_left=0.0 if left == 0 else left / rate if rate > 0 else None,
        )
