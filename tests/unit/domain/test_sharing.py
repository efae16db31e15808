"""Turns of lines and room for heavy jobs: never more than there is room for, nothing idle, no line forgotten."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskforge.domain.bounds import check_share
from taskforge.domain.errors import InvalidInput
from taskforge.domain.queue import QueueSettings
from taskforge.domain.sharing import Line, Load, Room, Turn, choose_by_turns, choose_in_order, misfits

if TYPE_CHECKING:
    from collections.abc import Iterator

QUICK = settings(max_examples=60)
loads = st.builds(
    Load, st.integers(1, 2**100).map(lambda n: UUID(int=n)), st.integers(1, 5), st.integers(1, 5)
)
rooms = st.builds(
    Room,
    st.integers(0, 30),
    st.none() | st.integers(0, 30),
    st.none() | st.integers(0, 30),
)


class Waiting:
    """Lines of light jobs, looked at as a claim does: from the turn on and around, a part of each.

    ``told_weights``: they are told as heavy ones are.
    """

    def __init__(
        self, lengths: dict[str, int], weights: dict[str, int], *, told_weights: bool = False
    ) -> None:
        self.told_weights = told_weights
        self.jobs = {key: [f"{key}{n}" for n in range(length)] for key, length in lengths.items()}
        self.weights = weights
        self.turn = Turn()

    def look(self, most_lines: int, part: int) -> tuple[list[Line], str | None]:
        keys = sorted(key for key, jobs in self.jobs.items() if jobs)
        first = self.turn.key if self.turn.left else self.turn.key + "\x01"
        keys = [key for key in keys if key >= first] + [key for key in keys if key < first]
        seen = keys[:most_lines]
        lines = [
            Line(
                key,
                self.weights[key],
                [Load(name) if self.told_weights else name for name in jobs[:part]],
                is_cut=len(jobs) >= part,
            )
            for key in seen
            for jobs in (self.jobs[key],)
        ]
        return lines, None if seen == keys else seen[-1]

    def claim(self, free: int, most_lines: int = 100, part: int = 100) -> list[str]:
        """What starts, in looks as narrow as one likes."""
        started: list[str] = []
        room = Room(free)
        while True:
            lines, seen_to = self.look(most_lines, part)
            choice = choose_by_turns(lines, room, self.turn, seen_to=seen_to)
            names = [str(chosen) for chosen in choice.chosen]
            for name in names:
                self.jobs[name[0]].remove(name)
            started += names
            room, self.turn = choice.room, choice.turn
            if not choice.more:
                return started


backlogs = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 12), min_size=1, max_size=6)
weights = st.fixed_dictionaries({key: st.integers(1, 4) for key in "abcdef"})


@QUICK
@given(st.lists(loads, max_size=12), rooms)
def test_in_order_what_starts_fits_and_nothing_overtakes(waiting: list[Load], room: Room) -> None:
    choice = choose_in_order(waiting, room, Turn())
    count = len(choice.chosen)
    assert [load.id for load in waiting[:count]] == choice.chosen
    left = room
    for load in waiting[:count]:
        assert left.holds(load)
        left = without(left, load)
    assert left == choice.room
    if count < len(waiting) and not left.is_full:
        assert choice.blocked == waiting[count]
        assert not left.holds(waiting[count])


@QUICK
@given(backlogs, weights, st.lists(st.integers(1, 15), min_size=1, max_size=8), st.integers(1, 4))
def test_how_many_are_claimed_at_a_time_changes_nothing(
    lengths: dict[str, int], of_lines: dict[str, int], sizes: list[int], part: int
) -> None:
    one_by_one = Waiting(lengths, of_lines, told_weights=True)
    in_batches = Waiting(lengths, of_lines)
    total = sum(lengths.values())
    single = [name for _ in range(total) for name in one_by_one.claim(1, part=part)]
    together: list[str] = []
    while len(together) < total:
        for size in sizes:
            together += in_batches.claim(size)
    assert single == together


@QUICK
@given(backlogs, weights, st.integers(1, 15), st.integers(1, 3), st.integers(1, 3))
def test_narrow_looks_start_what_one_wide_look_would(
    lengths: dict[str, int], of_lines: dict[str, int], free: int, most_lines: int, part: int
) -> None:
    wide, narrow = Waiting(lengths, of_lines, told_weights=True), Waiting(lengths, of_lines)
    assert narrow.claim(free, most_lines, part) == wide.claim(free)


@QUICK
@given(backlogs, weights, st.integers(1, 30))
def test_nothing_is_idle_and_no_line_waits_for_more_than_a_round(
    lengths: dict[str, int], of_lines: dict[str, int], free: int
) -> None:
    waiting = Waiting(lengths, of_lines)
    total = sum(lengths.values())
    started = waiting.claim(free)
    assert len(started) == min(free, total)
    a_round = sum(of_lines[key] for key in lengths)
    if free >= a_round:
        assert {name[0] for name in started} == set(lengths)
    served = Counter(name[0] for name in started)
    rounds = {key: served[key] / of_lines[key] for key in lengths if served[key] < lengths[key]}
    if rounds:
        assert max(rounds.values()) - min(rounds.values()) <= 1


@QUICK
@given(
    st.lists(st.tuples(st.integers(1, 4), st.lists(st.none() | loads, max_size=6)), max_size=5),
    rooms,
    st.integers(0, 3),
)
def test_a_round_at_once_starts_what_one_job_after_the_other_would(
    waiting: list[tuple[int, list[Load | None]]], room: Room, left: int
) -> None:
    lines = [
        Line(f"{n}", weight, [f"{n}{at}" if load is None else load for at, load in enumerate(jobs)])
        for n, (weight, jobs) in enumerate(waiting)
    ]
    turn = Turn("0", left)
    assert choose_by_turns(lines, room, turn, seen_to=None).chosen == list(one_by_one(lines, room, turn))


def one_by_one(lines: list[Line], room: Room, turn: Turn) -> Iterator[UUID | str | int]:
    """The rule, word by word."""
    quota = turn.left
    jobs = {line.key: list(line.loads) for line in lines}
    while any(jobs.values()):
        for line in lines:
            for _ in range(quota or line.weight):
                if not jobs[line.key] or room.is_full:
                    break
                load = jobs[line.key].pop(0)
                load = load if isinstance(load, Load) else Load(load)
                if not room.holds(load):
                    return
                room = without(room, load)
                yield load.id
            quota = 0
        if room.is_full:
            return


def without(room: Room, load: Load) -> Room:
    free, places, tokens, jobs = room
    return Room(
        free - load.slots,
        None if places is None else places - load.slots,
        None if tokens is None else tokens - load.tokens,
        None if jobs is None else jobs - 1,
    )


def test_the_turn_stays_with_a_line_whose_next_job_does_not_fit() -> None:
    heavy, light = Load(UUID(int=1), slots=3), Load(UUID(int=2))
    choice = choose_by_turns([Line("a", 2, [heavy]), Line("b", 1, [light])], Room(2), Turn(), seen_to=None)
    assert (choice.chosen, choice.blocked, choice.turn, choice.wanted) == ([], heavy, Turn("a", 2), 3)


def test_slots_are_kept_only_where_the_worker_lacks_them() -> None:
    heavy = Load(UUID(int=1), slots=3, tokens=2)
    assert choose_in_order([heavy], Room(2), Turn()).wanted == 3
    assert choose_in_order([heavy], Room(2, places=2), Turn()).wanted == 0
    assert choose_in_order([heavy], Room(5, places=2), Turn()).wanted == 0
    assert choose_in_order([heavy], Room(2, tokens=1), Turn()).wanted == 0


@pytest.mark.parametrize("value", [0, -1, 1001, True, 1.5, "3"])
@pytest.mark.parametrize("field", ["slots", "fairness_weight"])
def test_shares_are_whole_numbers_in_range(field: str, value: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_share(value, field)  # type: ignore[arg-type]
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("slots", "tokens", "settings", "workers", "most"),
    [
        (3, 1, QueueSettings(max_concurrent_jobs=2), [10], [2]),
        (1, 5, QueueSettings(rate_limit=4), [10], [4]),
        (11, 1, QueueSettings(), [10, 4], [10]),
        (11, 1, QueueSettings(), [], []),
        (2, 4, QueueSettings(max_concurrent_jobs=2, rate_limit=4), [2], []),
    ],
)
def test_what_can_never_start_is_told(
    slots: int, tokens: int, settings: QueueSettings, workers: list[int], most: list[int]
) -> None:
    assert [found for found, _ in misfits(slots, tokens, settings, workers)] == most
