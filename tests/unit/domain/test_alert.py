"""The state machine of an alert, and what rules may say."""

from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from math import log2
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskforge.domain.alert import CALM, MOST_SUBJECTS, AlertState, AlertStatus, Silence, ended, judge, step
from taskforge.domain.alert_rule import MEANINGS, RuleKind, Timing, rule_spec, summary
from taskforge.domain.errors import InvalidInput
from taskforge.domain.ids import DEFAULT_PROJECT

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
LOOK = timedelta(seconds=15)
RULE = UUID(int=1)
FIRING, RECOVERED, PENDING = AlertStatus.FIRING, AlertStatus.RECOVERED, AlertStatus.PENDING


class Watch:
    """One alert that is looked at every 15 seconds; remembers what was told, and when."""

    def __init__(self, until_firing: float = 60, until_recovery: float = 60) -> None:
        self.timing = Timing(timedelta(seconds=until_firing), timedelta(seconds=until_recovery))
        self.state: AlertState | None = None
        self.now = NOON
        self.told: list[tuple[datetime, AlertStatus, UUID | None]] = []
        self.changes: list[AlertStatus] = []
        self._ids = count(1)

    def look(self, *values: float | None, silenced: bool = False) -> AlertStatus | None:
        for value in values:
            before = self.state
            found = step(
                before, value, 10, self.now, self.timing, silenced=silenced,
                mint=lambda: UUID(int=next(self._ids)),
            )  # fmt: skip
            self.state = found.state
            if found.change is not None:
                self.changes.append(found.change)
            if found.tell is not None:
                known = found.state or before
                assert known is not None
                self.told.append((self.now, found.tell, known.alert_id))
            self.now += LOOK
        return None if self.state is None else self.state.status

    @property
    def words(self) -> list[AlertStatus]:
        return [told for _, told, _ in self.told]


def test_from_ok_over_pending_to_firing_and_back() -> None:
    watch = Watch()
    assert watch.look(10) is None  # at the threshold is not above it
    assert watch.look(11, 12, 13, 14) is PENDING
    assert watch.look(15) is FIRING
    assert watch.look(3, 3, 3, 3) is FIRING
    assert watch.look(3) is RECOVERED
    assert watch.words == [FIRING, RECOVERED]
    assert watch.told[0][2] == watch.told[1][2] == UUID(int=1)
    assert watch.look(*[0] * 239) is RECOVERED
    assert watch.look(0) is None


def test_what_is_good_again_in_time_was_nothing() -> None:
    watch = Watch()
    watch.look(11, 11, 11, 0, 11, 11, 11, 0)
    assert (watch.state, watch.told) == (None, [])
    once = Watch(until_firing=0, until_recovery=0)
    assert once.look(11) is FIRING
    assert once.look(None) is RECOVERED  # its subject is gone


def test_a_recovery_has_to_last() -> None:
    watch = Watch(until_firing=0)
    watch.look(11, 0, 0, 11, 0, 0, 0, 11)
    assert watch.words == [FIRING]


def test_a_silence_is_kept_and_what_still_fires_is_told_after_it() -> None:
    watch = Watch(until_firing=0, until_recovery=0)
    watch.look(11, 11, silenced=True)
    assert (watch.words, watch.changes) == ([], [FIRING])
    watch.look(11, 11)
    assert watch.words == [FIRING]
    watch.look(0, silenced=True)
    assert watch.words == [FIRING, RECOVERED]
    silent = Watch(until_firing=0, until_recovery=0)
    silent.look(11, 0, silenced=True)
    assert (silent.words, silent.changes) == ([], [FIRING, RECOVERED])


def test_what_fires_ends_with_its_rule() -> None:
    watch = Watch(until_firing=0)
    watch.look(11)
    assert watch.state is not None
    assert ended(watch.state).tell is RECOVERED
    watch = Watch()
    watch.look(11)
    assert watch.state is not None
    assert ended(watch.state) == (None, None, None)


def most_told(hours: float) -> float:
    """Each firing after the first holds off its recovery twice as long, up to an hour: so many there can be at most."""
    doubling = log2(CALM / timedelta(minutes=1)) + 2
    return 2 * (doubling + 1 + hours)


@given(
    st.lists(st.booleans(), min_size=240, max_size=240 * 4),
    st.sampled_from([0, 20, 60]),
    st.sampled_from([0, 20, 60]),
)
def test_whatever_is_measured_little_is_told_and_in_turns(bad: list[bool], up: int, down: int) -> None:
    watch = Watch(up, down)
    watch.look(*(11.0 if value else 0.0 for value in bad))
    assert len(watch.told) <= most_told(len(bad) * 15 / 3600)
    assert all(first != second for first, second in pairwise(watch.words))
    assert watch.words[:1] in ([], [FIRING])
    ids = [alert_id for _, _, alert_id in watch.told]
    assert None not in ids
    for first, second in zip(watch.told[::2], watch.told[1::2], strict=False):
        assert first[2] == second[2]
    assert len(set(ids)) == (len(ids) + 1) // 2
    if watch.state is not None:
        assert (watch.state.status is FIRING) == watch.state.told


@pytest.mark.parametrize("period", [1, 2, 4, 8, 40])
def test_a_rule_that_flaps_all_day_sends_no_flood(period: int) -> None:
    watch = Watch(until_firing=0, until_recovery=0)
    watch.look(*(11.0 if number // period % 2 == 0 else 0.0 for number in range(24 * 240)))
    assert 1 <= len(watch.told) <= most_told(24)
    last_hours = [told for when, told, _ in watch.told if when > NOON + timedelta(hours=6)]
    assert len(last_hours) <= 18


def silence(**values: Any) -> Silence:
    start = NOON - timedelta(hours=1)
    given: dict[str, Any] = {"rule_id": None, "subject": None, "ends_at": NOON + timedelta(hours=1), **values}
    return Silence(
        UUID(int=9), DEFAULT_PROJECT, starts_at=start, reason=None, by=None, created_at=start, **given
    )


@pytest.mark.parametrize(
    ("found", "covers"),
    [
        (silence(), True),
        (silence(rule_id=RULE), True),
        (silence(rule_id=UUID(int=2)), False),
        (silence(rule_id=RULE, subject="a"), True),
        (silence(rule_id=RULE, subject="b"), False),
        (silence(ends_at=NOON), False),
    ],
)
def test_what_a_silence_covers(found: Silence, covers: bool) -> None:
    assert found.covers(RULE, "a", NOON) is covers


def test_of_many_bad_subjects_the_worst_are_told() -> None:
    spec = rule_spec(RuleKind.QUEUE_LENGTH, {"threshold": 5.0, "for_seconds": 0.0})
    values = {f"q{number}": float(number) for number in range(300)}
    steps = judge(RULE, spec, {}, values, [], NOON, lambda: UUID(int=5))
    assert len(steps) == MOST_SUBJECTS
    assert "q299" in steps
    assert "q100" not in steps
    states = {subject: found.state for subject, found in steps.items() if found.state is not None}
    again = judge(RULE, spec, states, {"q299": 6.0, "other": 99.0}, [], NOON, lambda: UUID(int=5))
    assert set(again) == set(states)


@pytest.mark.parametrize("kind", RuleKind)
def test_each_kind_has_defaults_and_a_sentence(kind: RuleKind) -> None:
    spec = rule_spec(kind, {})
    stored = spec.to_json()
    assert stored.pop("kind") == kind
    assert rule_spec(kind, stored) == spec
    assert "reports" in summary("late", kind, "reports", 1234.5, is_firing=True)
    assert summary("late", kind, "a{b}", 1, is_firing=False) == "late: recovered (a{b})"
    assert MEANINGS[kind].subject


@pytest.mark.parametrize(
    ("kind", "values", "field"),
    [
        ("failure_rate", {"threshold": 101}, "threshold"),
        ("failure_rate", {"threshold": float("nan")}, "threshold"),
        ("failure_rate", {"threshold": True}, "threshold"),
        ("queue_length", {"window_seconds": 60}, "window_seconds"),
        ("no_worker", {"queue": "a"}, "queue"),
        ("missed_tick", {"window_seconds": 59}, "window_seconds"),
        ("queue_length", {"for_seconds": -1}, "for_seconds"),
        ("queue_length", {"receivers": "ops"}, "receivers"),
        ("queue_length", {"receivers": ["r"] * 21}, "receivers"),
        ("queue_length", {"description": "a\nb"}, "description"),
        ("queue_length", {"colour": "red"}, "colour"),
    ],
)
def test_what_a_rule_cannot_say(kind: str, values: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        rule_spec(RuleKind(kind), values)
    assert refused.value.field == field
