"""Keys: what makes a job the only one of its kind, or one of a few that run at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from taskforge.domain.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from taskforge.domain.ids import ProjectId

MAX_KEY = 200
MAX_PLACES = 1_000_000
MOST_NOTIFIED = 20
"""So many receivers are told of the ends of a queue's jobs, or of those of one job."""


class JobKeys(NamedTuple):
    """The keys of a job that is to be accepted, what it weighs, and who is told of it.

    ``key`` is taken as long as a job of this project and job type has it and is not finished, and for
    ``key_period_us`` after the creation of one that succeeded. At most ``concurrency_limit`` jobs of
    ``concurrency_key`` have a place, which means that they may be claimed or run.
    None for the others: no line of its own in a fair queue, and 1.
    """

    key: str | None = None
    key_period_us: int = 0
    concurrency_key: str | None = None
    concurrency_limit: int | None = None
    fairness_key: str | None = None
    fairness_weight: int | None = None
    slots: int | None = None
    rate_tokens: int | None = None
    needs: str | None = None
    """What it requires and prefers of workers, as ``Requirements.text``."""
    notify: tuple[str, ...] = ()
    """Receivers, by name or id, that are told when it ends: no column of the job."""

    @property
    def is_heavy(self) -> bool:
        """Whether it takes more than one slot or token, or not every worker may take it: it is looked at by itself."""
        return (self.slots or 1) > 1 or (self.rate_tokens or 1) > 1 or self.needs is not None


class ConcurrencyKey(NamedTuple):
    """A concurrency key of a project."""

    project_id: ProjectId
    key: str


def check_key(key: str, field: str) -> str:
    """The key, if it is 1 to 200 printable characters."""
    if not isinstance(key, str) or not 1 <= len(key) <= MAX_KEY or not key.isprintable():
        raise InvalidInput(
            f"{field} must be 1 to {MAX_KEY} printable characters, not {key!r:.120}", field=field
        )
    return key


def check_places(limit: int) -> int:
    """How many jobs of a concurrency key run at once, if it is a whole number of at least 1."""
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= MAX_PLACES:
        raise InvalidInput(
            f"concurrency_limit must be a whole number from 1 to {MAX_PLACES}, not {limit!r}",
            field="concurrency_limit",
        )
    return limit


def check_receivers(given: str | Sequence[str]) -> tuple[str, ...]:
    """Names or ids of receivers, if they are at most 20 texts of 1 to 100 characters; one may stand alone."""
    receivers = (
        (given,) if isinstance(given, str) else tuple(given) if isinstance(given, list | tuple) else None
    )
    if receivers is None or len(receivers) > MOST_NOTIFIED:
        raise InvalidInput(
            f"notify must be a receiver, or a list of at most {MOST_NOTIFIED}, not {given!r:.120}",
            field="notify",
        )
    for name in receivers:
        if not isinstance(name, str) or not 1 <= len(name) <= 100 or not name.isprintable():
            raise InvalidInput(
                f"a receiver is named by 1 to 100 printable characters, not {name!r:.120}", field="notify"
            )
    return tuple(dict.fromkeys(receivers))


_OF_SCHEDULE = "schedule "


def key_of_schedule(schedule_id: UUID) -> str:
    """What keeps the runs of a schedule apart that have no concurrency key of their own."""
    return f"{_OF_SCHEDULE}{schedule_id}"


def schedule_in(concurrency_key: str | None) -> str | None:
    """The id of the schedule whose key this is, if it is one's."""
    if concurrency_key is None or not concurrency_key.startswith(_OF_SCHEDULE):
        return None
    return concurrency_key.removeprefix(_OF_SCHEDULE)
