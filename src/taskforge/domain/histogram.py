"""A histogram whose buckets grow with the values: any percentile within one per cent, and two add up to one.

Bucket ``i`` holds the values in (g^(i-1), g^i], for g = 1.01 / 0.99, and stands for the value that is one per cent
from both ends at most; zero has a bucket of its own. (This is the logarithmic mapping of DDSketch, with all buckets
kept: some 1,500 would reach from a microsecond to a year.)
"""

from __future__ import annotations

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
    """How many values of each size: whole numbers from 0 on. ``count`` is how many in all."""

    __slots__ = ("_counts", "count")

    def __init__(self, packed: Sequence[int] = ()) -> None:
        self._counts: Counter[int] = Counter(dict(zip(packed[::2], packed[1::2], strict=True)))
        self.count = sum(packed[1::2])

    def add(self, values: Iterable[int]) -> None:
        """Count these values."""
        found = Counter([_ZERO if value == 0 else ceil(log(value) / _LOG_GROWTH) for value in values])
        self._counts.update(found)
        self.count += found.total()

    def merge(self, packed: Sequence[int]) -> None:
        """Count all values of another histogram, as ``packed`` gives it."""
        counts = self._counts
        for bucket, count in zip(packed[::2], packed[1::2], strict=True):
            counts[bucket] += count
        self.count += sum(packed[1::2])

    @property
    def packed(self) -> list[int]:
        """The buckets that are not empty, in order: bucket, count, bucket, count ..."""
        return [number for item in sorted(self._counts.items()) for number in item]

    def percentile(self, part: float) -> float | None:
        """About the smallest value that this part (0 to 1) of the values does not exceed; None without values."""
        if not self.count:
            return None
        buckets = sorted(self._counts)
        rank = place_of(part, self.count)
        for bucket, seen in zip(buckets, accumulate(self._counts[bucket] for bucket in buckets), strict=True):
            if seen >= rank:
                return _value(bucket)
        raise AssertionError("the counts do not add up")


def place_of(part: float, count: int) -> int:
    """The place, from 1 on, of a percentile among ``count`` sorted values: the nearest rank."""
    return max(1, ceil(part * count))


def exact_percentile(ordered: Sequence[int], part: float) -> float | None:
    """The same of sorted values themselves: one of them, or None without any."""
    return float(ordered[place_of(part, len(ordered)) - 1]) if ordered else None


def _value(bucket: int) -> float:
    """What stands for all values of a bucket: the relative distance to both of its ends is the same."""
    return 0.0 if bucket == _ZERO else float(2 * _GROWTH**bucket / (_GROWTH + 1))
