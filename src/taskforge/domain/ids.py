"""Identities. Every id is a UUIDv7 (RFC 9562, section 5.7): unique, and sorted by its time of birth."""

from __future__ import annotations

from struct import unpack
from typing import TYPE_CHECKING, NewType
from uuid import UUID, SafeUUID

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

OrganizationId = NewType("OrganizationId", UUID)
ProjectId = NewType("ProjectId", UUID)
QueueId = NewType("QueueId", UUID)
JobId = NewType("JobId", UUID)
ExecutionId = NewType("ExecutionId", UUID)
WorkerId = NewType("WorkerId", UUID)
AssignmentId = NewType("AssignmentId", UUID)

DEFAULT_ORGANIZATION = OrganizationId(UUID("00000000-0000-7000-8000-000000000001"))
DEFAULT_PROJECT = ProjectId(UUID("00000000-0000-7000-8000-000000000002"))

AFTER_ALL = UUID(int=2**128 - 1)
"""Greater than every id: a list that begins before it begins with the newest."""

SHORT_LENGTH = 8

_VERSION_AND_VARIANT = (0x7 << 76) | (0x2 << 62)
_UNKNOWN = SafeUUID.unknown
_set_number, _set_safety = UUID.__dict__["int"].__set__, UUID.__dict__["is_safe"].__set__
_COUNTER_BITS = 12
_COUNTER_LIMIT = 1 << _COUNTER_BITS


class Uuid7Source:
    """Mints UUIDv7s that only grow, even within a millisecond and when the clock steps back.

    ``milliseconds`` gives Unix time; ``random_bits(n)`` gives an n-bit number.
    """

    def __init__(self, milliseconds: Callable[[], int], random_bits: Callable[[int], int]) -> None:
        self._milliseconds = milliseconds
        self._random_bits = random_bits
        self._last = 0
        self._counter = 0

    def __call__(self) -> UUID:
        now = self._milliseconds()
        if now > self._last:
            self._last = now
            self._counter = self._random_bits(_COUNTER_BITS - 1)
        else:
            self._counter += 1
            if self._counter == _COUNTER_LIMIT:
                self._last += 1
                self._counter = 0
        identity = object.__new__(UUID)  # as `uuid_of` does
        _set_number(
            identity,
            (self._last << 80) | _VERSION_AND_VARIANT | (self._counter << 64) | self._random_bits(62),
        )
        _set_safety(identity, _UNKNOWN)
        return identity

    def many(self, count: int) -> list[UUID]:
        """So many at once, of one look at the clock, in a third of the time."""
        now = self._milliseconds()
        if now > self._last:
            self._last = now
            self._counter = self._random_bits(_COUNTER_BITS - 1) - 1
        ids = []
        new, set_number, set_safety, unknown = object.__new__, _set_number, _set_safety, _UNKNOWN
        for number in unpack(f"{count}Q", self._random_bits(64 * count).to_bytes(8 * count, "little")):
            self._counter += 1
            if self._counter == _COUNTER_LIMIT:
                self._last += 1
                self._counter = 0
            identity = new(UUID)  # as `uuid_of` does
            set_number(
                identity, (self._last << 80) | _VERSION_AND_VARIANT | (self._counter << 64) | (number >> 2)
            )
            set_safety(identity, unknown)
            ids.append(identity)
        return ids


def minted(mint: Callable[[], UUID], count: int) -> list[UUID]:
    """So many ids of whoever mints them."""
    return mint.many(count) if isinstance(mint, Uuid7Source) else [mint() for _ in range(count)]


def uuid_of(number: int) -> UUID:
    """``UUID(int=number)`` without its look at five other forms: a fifth of the time."""
    identity = object.__new__(UUID)
    _set_number(identity, number)
    _set_safety(identity, _UNKNOWN)
    return identity


def least_id(moment: datetime) -> UUID:
    """Not greater than any UUIDv7 that is minted from this moment on; none was before 1970."""
    return uuid_of(max(0, int(moment.timestamp() * 1000)) << 80)


def born(identity: UUID) -> float:
    """When a UUIDv7 was minted: seconds since 1970."""
    return (identity.int >> 80) / 1000


def short(identity: UUID) -> str:
    """The last 8 characters: what people read and type (the first ones are the same for minutes)."""
    return identity.hex[-SHORT_LENGTH:]
