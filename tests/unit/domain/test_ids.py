"""UUIDv7s that only grow."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING
from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from taskforge.domain.ids import SHORT_LENGTH, Uuid7Source, short
from taskforge.domain.ids import minted as minted_by

if TYPE_CHECKING:
    from collections.abc import Sequence


def minted(moments: Sequence[int], *, each: int = 1) -> list[UUID]:
    """Ids of a clock that shows these milliseconds, ``each`` so many ids."""
    clock = iter([moment for moment in moments for _ in range(each)])
    source = Uuid7Source(lambda: next(clock), random.Random(5).getrandbits)
    return [source() for _ in range(len(moments) * each)]


@given(st.lists(st.integers(0, 2**47), min_size=2, max_size=50))
def test_they_grow_whatever_the_clock_does(moments: list[int]) -> None:
    ids = minted(moments, each=3)
    assert ids == sorted(set(ids))


def test_they_grow_when_a_millisecond_s_counter_is_used_up() -> None:
    ids = minted([1_700_000_000_000], each=10_000)
    assert ids == sorted(set(ids))


@given(st.lists(st.tuples(st.integers(0, 2**47), st.integers(0, 5_000)), min_size=2, max_size=6))
def test_those_minted_at_once_grow_like_single_ones(batches: list[tuple[int, int]]) -> None:
    clock = iter([moment for moment, _ in batches for _ in range(2)])
    source = Uuid7Source(lambda: next(clock), random.Random(5).getrandbits)
    ids = [identity for _, count in batches for identity in (source(), *source.many(count))]
    assert ids == sorted(set(ids))
    assert all((identity.version, identity.variant) == (7, RFC_4122) for identity in ids)


def test_those_minted_at_once_bear_the_time_and_chance_of_their_birth() -> None:
    source = Uuid7Source(lambda: 1_700_000_000_000, random.Random(5).getrandbits)
    ids = source.many(100)
    assert {identity.int >> 80 for identity in ids} == {1_700_000_000_000}
    assert len({identity.int & (2**62 - 1) for identity in ids}) == 100
    assert minted_by(source, 0) == []
    assert minted_by(lambda: ids[0], 2) == [ids[0], ids[0]]


def test_a_clock_that_goes_back_a_day_does_not_go_back() -> None:
    now = 1_700_000_000_000
    before, after = minted([now, now - 86_400_000])
    assert after > before


@given(st.integers(1, 2**48 - 1))
def test_time_version_and_variant_are_where_rfc_9562_wants_them(moment: int) -> None:
    [identity] = minted([moment])
    assert identity.version == 7
    assert identity.variant == RFC_4122
    assert identity.int >> 80 == moment


def test_the_short_form_is_the_end() -> None:
    [identity] = minted([1_700_000_000_000])
    assert short(identity) == str(identity)[-SHORT_LENGTH:]
