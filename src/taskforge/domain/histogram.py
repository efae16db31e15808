"""A histogram whose buckets grow with the values: any percentile within one per cent, and two add up to one.

Bucket ``i`` holds the values in (g^(i-1), g^i], for g = 1.01 / 0.99, and stands for the value that is one per cent
from both ends at most; zero has a bucket of its own. (This is the logarithmic mapping of DDSketch, with all buckets
kept: some 1,500 would reach from a microsecond to a year.)
"""

from __future__ import annotations

import operator
from bisect import bisect_left
from collections import Counter
from itertools import accumulate
from math import ceil, log
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RELATIVE_ERROR = 0.01
"""A percentile of a histogram differs from the exact one by this part of it at most."""

_GROWTH = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
_LOG_GROWTH = log(_GROWTH)
_ZERO = -1


class Histogram:
    """How many values of each size: whole numbers from 0 on. ``count`` is how many in all.

    The counts of neighbouring buckets stand in a list, so that adding up two of them is one pass in C.
    """

    __slots__ = ("_counts", "_first", "count")

    def __init__(self, packed: Sequence[int] = ()) -> None:
        self._first = 0
        self._counts: list[int] = []
        self.count = 0
        self.merge(packed)

    def add(self, values: Iterable[int]) -> None:
        """Count these values."""
        found = Counter([_ZERO if value == 0 else ceil(log(value) / _LOG_GROWTH) for value in values])
        if found:
            first = min(found)
            self.merge([first, *(found[bucket] for bucket in range(first, max(found) + 1))])

    def merge(self, packed: Sequence[int]) -> None:
        """Count all values of another histogram, as ``packed`` gives it."""
        if not packed:
            return
        first, more = packed[0], packed[1:]
        if not self._counts:
            self._first, self._counts = first, list(more)
        else:
            if first < self._first:
                self._counts[:0] = [0] * (self._first - first)
                self._first = first
            begin = first - self._first
            end = begin + len(more)
            self._counts += [0] * (end - len(self._counts))
            self._counts[begin:end] = map(operator.add, self._counts[begin:end], more)
        self.count += sum(more)

    @property
    def packed(self) -> list[int]:
        """The first bucket that is not empty, then the counts of all from there to the last one; or nothing."""
        return [self._first, *self._counts] if self._counts else []

    def percentile(self, part: float) -> float | None:
        """About the smallest value that this part (0 to 1) of the values does not exceed; None without values."""
        if not self.count:
            return None
        seen = list(accumulate(self._counts))
        return _value(self._first + bisect_left(seen, place_of(part, self.count)))

    def at_most(self, values: Sequence[int]) -> list[int]:
        """How many values do not exceed each of these, which are in order; a bucket counts where its value falls."""
        found = []
        seen, place = 0, 0
        for value in values:
            while place < len(self._counts) and _value(self._first + place) <= value:
                seen += self._counts[place]
                place += 1
            found.append(seen)
        return found


def place_of(part: float, count: int) -> int:
    """The place, from 1 on, of a percentile among ``count`` sorted values: the nearest rank."""
    return max(1, ceil(part * count))


def exact_percentile(ordered: Sequence[int], part: float) -> float | None:
    """The same of sorted values themselves: one of them, or None without any."""
    return float(ordered[place_of(part, len(ordered)) - 1]) if ordered else None


def _value(bucket: int) -> float:
    """What stands for all values of a bucket: the relative distance to both of its ends is the same."""
    return 0.0 if bucket == _ZERO else float(2 * _GROWTH**bucket / (_GROWTH + 1))
