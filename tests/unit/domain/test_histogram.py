"""Percentiles of histograms beside those of the values themselves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskforge.domain.histogram import RELATIVE_ERROR, Histogram, exact_percentile

YEAR = 366 * 86_400 * 1_000_000
TIMES = st.lists(st.integers(0, YEAR), min_size=1, max_size=300)
PARTS = st.sampled_from([0.0, 0.01, 0.5, 0.9, 0.95, 0.99, 1.0])


def histogram_of(values: list[int]) -> Histogram:
    histogram = Histogram()
    histogram.add(values)
    return histogram


@given(TIMES, PARTS)
def test_a_percentile_is_within_the_stated_error(values: list[int], part: float) -> None:
    exact = exact_percentile(sorted(values), part)
    assert exact is not None
    assert histogram_of(values).percentile(part) == pytest.approx(exact, rel=RELATIVE_ERROR + 1e-9)


@given(TIMES, TIMES)
def test_two_halves_are_as_good_as_the_whole(first: list[int], second: list[int]) -> None:
    whole, half = histogram_of([*first, *second]), histogram_of(first)
    half.merge(histogram_of(second).packed)
    assert (half.packed, half.count) == (whole.packed, whole.count)
    assert Histogram(whole.packed).packed == whole.packed


@given(TIMES)
def test_it_stays_small(values: list[int]) -> None:
    packed = histogram_of(values).packed
    assert sum(packed[1:]) == len(values)
    assert -1 <= packed[0] < 1_600
    assert packed[0] + len(packed) - 1 <= 1_600
    assert packed[1]
    assert packed[-1]


def test_nothing_has_no_percentile() -> None:
    assert Histogram().percentile(0.5) is None
    assert exact_percentile([], 0.5) is None


@pytest.mark.parametrize(("part", "found"), [(0.0, 1), (0.25, 1), (0.26, 2), (0.5, 2), (0.95, 4), (1.0, 4)])
def test_the_nearest_rank(part: float, found: int) -> None:
    assert exact_percentile([1, 2, 3, 4], part) == found
