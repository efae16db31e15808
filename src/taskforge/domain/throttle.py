"""How long somebody waits after failed logins: nothing at first, then twice as long each time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

FORGOTTEN_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Patience:
    """``free`` failures cost nothing; each further one doubles the wait, from a second to ``most`` seconds."""

    free: int
    most: float

    def delay(self, failures: int) -> float:
        """How many seconds until the next try, after that many failures."""
        beyond = failures - self.free
        return 0.0 if beyond <= 0 else min(self.most, 2.0 ** min(beyond - 1, 60))


ACCOUNT = Patience(free=4, most=60.0)
"""Short, since it also keeps the rightful user waiting: still no more than 1,440 guesses a day."""
ADDRESS = Patience(free=20, most=900.0)


def counted(failures: int, last_at: datetime, now: datetime) -> int:
    """How many failures still count."""
    return 0 if now - last_at > FORGOTTEN_AFTER else failures
