"""Times on the clock of a place, and the instants that they are: gaps, overlaps, changes of offset."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from taskforge.domain.errors import InvalidInput

if TYPE_CHECKING:
    from datetime import tzinfo

LONGEST_SHIFT = timedelta(hours=26)
"""No clock was ever put forward or back by more, nor twice in opposite directions within so long."""
_SECOND = timedelta(seconds=1)


def zone_named(name: str, field: str = "timezone") -> ZoneInfo:
    """A zone of the IANA database. Raises InvalidInput."""
    try:
        if name.isascii() and name.isprintable() and len(name) <= 100:
            return ZoneInfo(name)
    except (ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError; folders and odd names are these
        pass
    except KeyError:
        pass
    raise InvalidInput(
        f"{name!r:.120} is no time zone of this machine",
        field=field,
        hint="a name of the IANA database, such as UTC, Asia/Jakarta or Europe/Berlin",
    )


def wall_time(moment: datetime, zone: tzinfo) -> datetime:
    """What the clock of the place shows at an instant, without a zone."""
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def instant_of(wall: datetime, zone: tzinfo) -> datetime:
    """The instant at which a clock first shows ``wall``; one in a gap is the first instant after the gap."""
    moment = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if wall_time(moment, zone) == wall:
        return moment
    return _change(moment - LONGEST_SHIFT, moment, zone)


def next_change(after: datetime, until: datetime, zone: tzinfo) -> datetime | None:
    """The first instant of another offset in (after, until], which may lie LONGEST_SHIFT apart."""
    if after.astimezone(zone).utcoffset() == until.astimezone(zone).utcoffset():
        return None
    return _change(after, until, zone)


def _change(low: datetime, high: datetime, zone: tzinfo) -> datetime:
    """Where the offset changes between two instants, by halving. It does so at a whole second, before its fractions."""
    low, high = low.replace(microsecond=0), high.replace(microsecond=0)
    before = low.astimezone(zone).utcoffset()
    while high - low > _SECOND:
        middle = low + timedelta(seconds=(high - low) // _SECOND // 2)
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high
