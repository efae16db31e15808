"""Tests that take long stand where each process of a run begins."""

from __future__ import annotations

from itertools import accumulate

import pytest

from tests.support.stretches import in_stretches, lengths


@pytest.mark.parametrize(("long", "processes"), [(2, 6), (1, 1), (3, 2), (0, 4), (6, 6), (2, 9)])
def test_each_stretch_begins_with_a_long_one_while_there_are_any(long: int, processes: int) -> None:
    slow, quick = [f"slow {n}" for n in range(long)], [f"quick {n}" for n in range(17)]
    ordered = in_stretches(slow, quick, processes)
    assert sorted(ordered) == sorted(slow + quick)
    begins = [0, *accumulate(lengths(len(ordered), processes))][:processes]
    found = [ordered[begin] for begin in begins if begin < len(ordered)]
    assert found[: min(long, processes)] == slow[:processes]
    assert [one for one in ordered if one in quick] == quick, "the others keep their order"
