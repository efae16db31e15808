"""When a breaker opens, probes and closes; and that nothing wedges it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskforge.domain.breaker import (
    LONGEST_SECONDS,
    PATIENCE,
    Breaker,
    BreakerSettings,
    BreakerState,
    Probe,
    ProbeFate,
    Seen,
    judge,
    opened_by_hand,
    probes_wanted,
)
from taskforge.domain.errors import InvalidInput
from taskforge.domain.execution import ExecutionStatus, Reason
from taskforge.domain.ids import DEFAULT_PROJECT
from taskforge.domain.job import Hold, JobStatus

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
SETTINGS = st.builds(
    BreakerSettings,
    failure_rate=st.floats(0.01, 1),
    minimum_attempts=st.integers(1, 50),
    window_seconds=st.integers(1, 3600),
    open_seconds=st.integers(1, 3600),
    probes=st.integers(1, 5),
)


def breaker(state: BreakerState, settings: BreakerSettings | None = None, **values: Any) -> Breaker:
    standing = Breaker(
        id=UUID(int=1),
        project_id=DEFAULT_PROJECT,
        job_type="t",
        settings=settings or BreakerSettings(),
        state=state,
        version=0,
        probe_at=None,
        reason=None,
        changed_by=None,
        changed_at=NOON,
        created_at=NOON,
        updated_at=NOON,
    )
    return replace(standing, **values)


@given(SETTINGS, st.integers(0, 200), st.integers(0, 200))
def test_it_opens_at_the_rate_of_enough_attempts_and_only_then(
    settings: BreakerSettings, attempts: int, failures: int
) -> None:
    failures = min(attempts, failures)
    turn = judge(breaker(CLOSED, settings), Seen(attempts, failures), NOON)
    enough = attempts >= settings.minimum_attempts
    assert (turn is not None) == (enough and failures / attempts >= settings.failure_rate)
    if turn is not None:
        assert (turn.state, turn.probe_at) == (OPEN, NOON + settings.open_seconds * SECOND)


def test_a_rate_is_met_exactly() -> None:
    tenth = BreakerSettings(failure_rate=0.1, minimum_attempts=30)
    assert judge(breaker(CLOSED, tenth), Seen(30, 3), NOON) is not None
    assert judge(breaker(CLOSED, tenth), Seen(30, 2), NOON) is None
    assert judge(breaker(CLOSED, tenth), Seen(29, 29), NOON) is None


@given(SETTINGS, st.integers(0, 7200))
def test_an_open_one_waits_for_its_time_and_one_without_for_a_person(
    settings: BreakerSettings, later: int
) -> None:
    now = NOON + later * SECOND
    probe_at = NOON + settings.open_seconds * SECOND
    turn = judge(breaker(OPEN, settings, probe_at=probe_at), Seen(100, 100), now)
    assert (None if turn is None else turn.state) == (HALF_OPEN if now >= probe_at else None)
    assert judge(breaker(OPEN, settings), Seen(), now + timedelta(days=1000)) is None


@given(SETTINGS, st.lists(st.sampled_from(ProbeFate), max_size=8))
def test_a_half_open_one_ends_or_goes_on_trying(settings: BreakerSettings, fates: list[ProbeFate]) -> None:
    standing, seen = breaker(HALF_OPEN, settings), Seen().with_probes(fates)
    turn, wanted = judge(standing, seen, NOON), probes_wanted(standing, seen)
    succeeded = fates.count(ProbeFate.SUCCEEDED)
    if ProbeFate.FAILED in fates:
        assert turn is not None
        assert (turn.state, turn.probe_at) == (OPEN, NOON + settings.open_seconds * SECOND)
    elif succeeded >= settings.probes:
        assert turn is not None
        assert turn.state is CLOSED
    else:  # what says nothing is replaced, so that it cannot stay half open for want of probes
        assert turn is None
        assert succeeded + seen.probes_under_way + wanted >= settings.probes
    assert seen.probes_under_way + wanted <= max(settings.probes, seen.probes_under_way)
    assert probes_wanted(breaker(OPEN, settings), seen) == probes_wanted(breaker(CLOSED, settings), seen) == 0


def test_what_failed_before_it_closed_counts_no_more() -> None:
    minute = BreakerSettings(window_seconds=60)
    assert breaker(CLOSED, minute).counted_from(NOON + 10 * SECOND) == NOON
    assert breaker(CLOSED, minute).counted_from(NOON + 100 * SECOND) == NOON + 40 * SECOND


PROBE = Probe(UUID(int=2), 4, NOON, JobStatus.PENDING, None, 4, None, None)


@pytest.mark.parametrize(
    ("seen", "fate"),
    [
        ({}, ProbeFate.WAITING),
        ({"hold": Hold.SUSPECT}, ProbeFate.WAITING),
        ({"released_at": NOON - PATIENCE}, ProbeFate.VOID),
        ({"hold": Hold.PAUSED}, ProbeFate.VOID),
        ({"status": JobStatus.SCHEDULED}, ProbeFate.VOID),
        ({"status": JobStatus.CANCELLED}, ProbeFate.VOID),
        ({"status": None, "current_seq": None}, ProbeFate.VOID),
        ({"status": JobStatus.PROCESSING, "current_seq": 5}, ProbeFate.RUNNING),
        ({"status": JobStatus.PROCESSING, "current_seq": 6}, ProbeFate.VOID),
        ({"status": JobStatus.SUCCEEDED, "current_seq": 5, "ended_as": ExecutionStatus.SUCCEEDED}, ProbeFate.SUCCEEDED),
        ({"ended_as": ExecutionStatus.RETRY_SCHEDULED, "reason": Reason.ERROR}, ProbeFate.FAILED),
        ({"ended_as": ExecutionStatus.DEAD_LETTER, "reason": Reason.TIMEOUT}, ProbeFate.FAILED),
        ({"ended_as": ExecutionStatus.RETRY_SCHEDULED, "reason": Reason.WORKER_LOST}, ProbeFate.VOID),
        ({"ended_as": ExecutionStatus.CANCELLED, "reason": Reason.SNOOZED}, ProbeFate.VOID),
    ],
)  # fmt: skip
def test_what_has_become_of_a_probe(seen: dict[str, Any], fate: ProbeFate) -> None:
    assert PROBE._replace(**seen).fate(NOON) is fate


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"failure_rate": 0}, "failure_rate"),
        ({"failure_rate": -0.1}, "failure_rate"),
        ({"failure_rate": 1.01}, "failure_rate"),
        ({"failure_rate": float("nan")}, "failure_rate"),
        ({"failure_rate": True}, "failure_rate"),
        ({"failure_rate": "half"}, "failure_rate"),
        ({"window_seconds": 0}, "window_seconds"),
        ({"window_seconds": LONGEST_SECONDS + 1}, "window_seconds"),
        ({"open_seconds": 1.5}, "open_seconds"),
        ({"minimum_attempts": 0}, "minimum_attempts"),
        ({"probes": 101}, "probes"),
        ({"rate": 0.5}, "rate"),
    ],
)
def test_bad_settings_name_the_field(values: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        BreakerSettings.parse(values)
    assert refused.value.field == field


def test_settings_change_and_go_back_to_their_defaults() -> None:
    changed = BreakerSettings.parse({"failure_rate": 1, "probes": 3})
    assert (changed.failure_rate, changed.probes) == (1.0, 3)
    assert changed.changed({"failure_rate": None, "probes": None}) == BreakerSettings()


def test_by_hand_for_a_time_or_until_it_is_closed() -> None:
    assert opened_by_hand("upkeep", NOON, None) == (OPEN, "upkeep", None)
    assert opened_by_hand(None, NOON, 30) == (OPEN, "opened by hand", NOON + 30 * SECOND)
    with pytest.raises(InvalidInput, match="seconds"):
        opened_by_hand(None, NOON, 0)
