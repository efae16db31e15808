"""What a handler can raise to say how its attempt shall end. Any other exception is a failed attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskforge.domain.bounds import check_seconds

if TYPE_CHECKING:
    from datetime import timedelta


class TaskOutcome(Exception):
    """Base of the outcomes, for code that must let them pass: ``except TaskOutcome: raise``."""


class Retry(TaskOutcome):
    """This attempt failed; try again ``after`` so many seconds (None: after the usual backoff)."""

    def __init__(self, after: float | timedelta | None = None, reason: str = "") -> None:
        self.after = None if after is None else check_seconds(after, "after", least=0.0)
        self.reason = reason
        super().__init__(reason or "the task asked to be tried again")


class Snooze(TaskOutcome):
    """Not now: run the job again in so many seconds. Spends no attempt."""

    def __init__(self, seconds: float | timedelta) -> None:
        self.seconds = check_seconds(seconds, "seconds", least=0.0)
        super().__init__(f"snoozed for {self.seconds:g} s")


class Cancel(TaskOutcome):
    """Stop for good: the job ends as cancelled."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Dead(TaskOutcome):
    """Trying again is useless: the job ends as failed, whatever attempts are left."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)
