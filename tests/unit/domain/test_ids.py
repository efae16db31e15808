"""UUIDv7s that only grow."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING
from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from taskforge.domain.ids import SHORT_LENGTH, Uuid7Source, short

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
