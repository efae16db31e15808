"""The decision how many workers a queue should have."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from taskforge.domain.errors import InvalidInput
from taskforge.domain.scaling import LastChange, ScalingReason, Sight, recommend
from taskforge.domain.scaling_policy import (
    LONGEST_BACKOFF_SECONDS,
    ProvisionerKind,
    ScalingAction,
    ScalingPolicy,
)

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
POLICY = ScalingPolicy(
    min_workers=1,
    max_workers=10,
    target_queue_length=10,
    target_worker_utilization=80,
    target_age_seconds=60,
    scale_up_threshold=20,
    scale_down_threshold=5,
    scale_up_cooldown=30,
    scale_down_cooldown=120,
)


def sight(workers: int, ready: int = 0, processing: int = 0, oldest: float = 0.0, **values: Any) -> Sight:
    """Workers of ten slots, of which those that are not needed for what runs are idle."""
    given: dict[str, Any] = {
        "online": workers,
        "slots": workers * 10,
        "active": processing,
        "removable": max(0, workers - -(-processing // 10)),
    }
    return Sight(ready, processing, oldest, workers, **(given | values))


def ask(seen: Sight, policy: ScalingPolicy = POLICY, last: LastChange | None = None) -> tuple[Any, int, str]:
    found = recommend(policy, seen, last, NOW)
    return found.action, found.desired, found.reason.value


def test_a_long_queue_asks_for_several_workers_at_once() -> None:
    assert ask(sight(1, 75, 5)) == (ScalingAction.SCALE_UP, 8, "queue_length")
    assert ask(sight(1, 500, 10)) == (ScalingAction.SCALE_UP, 10, "queue_length")
    assert ask(sight(10, 500, 10)) == (None, 10, "at_maximum")


def test_between_the_thresholds_nothing_changes() -> None:
    assert ask(sight(1, 10, 10)) == (None, 1, "on_target")
    assert ask(sight(5, 0, 5)) == (None, 5, "on_target")
    assert ask(sight(5, 0, 4)) == (ScalingAction.SCALE_DOWN, 1, "little_to_do")


def test_full_slots_ask_for_more() -> None:
    busy = replace(POLICY, target_queue_length=1000)
    assert ask(sight(2, 1, 20), busy) == (ScalingAction.SCALE_UP, 3, "utilization")
    assert ask(sight(3, 6, 15), busy) == (None, 3, "on_target")


def test_an_old_job_asks_for_more_whatever_the_length_is() -> None:
    assert ask(sight(2, 2, 0, 61)) == (ScalingAction.SCALE_UP, 3, "age")
    assert ask(sight(4, 2, 0, 6000)) == (ScalingAction.SCALE_UP, 8, "age")
    assert ask(sight(4, 2, 0, 31)) == (None, 4, "on_target")
    assert ask(sight(4, 0, 0, 6000)) == (ScalingAction.SCALE_DOWN, 1, "little_to_do")
    assert ask(sight(2, 2, 0, 6000), replace(POLICY, target_age_seconds=None))[0] is ScalingAction.SCALE_DOWN


def test_bounds_hold_whatever_the_thresholds_say() -> None:
    assert ask(sight(0), replace(POLICY, min_workers=3)) == (ScalingAction.SCALE_UP, 3, "below_minimum")
    assert ask(sight(12, 0, 60)) == (ScalingAction.SCALE_DOWN, 10, "above_maximum")
    assert ask(sight(12, 0, 120)) == (None, 12, "all_busy")


def test_from_zero_and_to_zero() -> None:
    to_zero = replace(POLICY, min_workers=0)
    assert ask(sight(0), to_zero) == (None, 0, "on_target")
    assert ask(sight(0, 1), to_zero) == (ScalingAction.SCALE_UP, 1, "activation")
    assert ask(sight(0, awaited=True), to_zero) == (ScalingAction.SCALE_UP, 1, "activation")
    assert ask(sight(1, awaited=True), to_zero) == (None, 1, "on_target")
    assert ask(sight(1, 0, 1), to_zero) == (None, 1, "on_target")
    assert ask(sight(1), to_zero) == (ScalingAction.SCALE_DOWN, 0, "little_to_do")
    assert ask(sight(0, 900), to_zero) == (ScalingAction.SCALE_UP, 10, "queue_length")


def test_a_paused_queue_asks_for_nobody() -> None:
    paused = sight(0, 900, is_paused=True, awaited=True)
    assert ask(paused, replace(POLICY, min_workers=0)) == (None, 0, "on_target")
    assert ask(replace(paused, oldest_seconds=9000, workers=2, removable=2)) == (
        ScalingAction.SCALE_DOWN,
        1,
        "little_to_do",
    )


def test_only_workers_without_anything_to_do_are_taken_away() -> None:
    assert ask(sight(5, 0, 3, removable=2)) == (ScalingAction.SCALE_DOWN, 3, "little_to_do")
    assert ask(sight(5, 0, 3, removable=0)) == (None, 5, "all_busy")


def test_cooldowns_count_from_the_last_change_in_either_direction() -> None:
    def last(seconds: float, failures: int = 0) -> LastChange:
        return LastChange(NOW - timedelta(seconds=seconds), failures)

    assert ask(sight(1, 75), last=last(29))[2] == "cooldown"
    assert ask(sight(1, 75), last=last(30))[0] is ScalingAction.SCALE_UP
    assert ask(sight(5), last=last(119))[2] == "cooldown"
    assert ask(sight(5), last=last(120))[0] is ScalingAction.SCALE_DOWN
    assert recommend(POLICY, sight(1, 75), last(10), NOW).not_before == NOW + timedelta(seconds=20)


def test_failures_make_it_wait_longer_up_to_a_bound() -> None:
    waits = [POLICY.cooldown(ScalingAction.SCALE_UP, failures).total_seconds() for failures in range(20)]
    assert waits[:6] == [30, 30, 30, 30, 40, 80]
    assert waits[-1] == LONGEST_BACKOFF_SECONDS


def test_a_policy_that_is_off_says_so() -> None:
    assert ask(sight(0, 900), replace(POLICY, enabled=False)) == (None, 0, "disabled")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"min_workers": 5, "max_workers": 4}, "min_workers"),
        ({"scale_up_threshold": 5, "scale_down_threshold": 5}, "scale_down_threshold"),
        ({"scale_up_threshold": 5, "scale_down_threshold": 6}, "scale_down_threshold"),
        ({"max_workers": 0}, "max_workers"),
        ({"max_workers": 1001}, "max_workers"),
        ({"min_workers": -1}, "min_workers"),
        ({"min_workers": True}, "min_workers"),
        ({"min_workers": 1.5}, "min_workers"),
        ({"target_worker_utilization": 0}, "target_worker_utilization"),
        ({"target_worker_utilization": 101}, "target_worker_utilization"),
        ({"target_queue_length": 0}, "target_queue_length"),
        ({"target_age_seconds": 0}, "target_age_seconds"),
        ({"scale_up_cooldown": -1}, "scale_up_cooldown"),
        ({"scale_down_cooldown": 86_401}, "scale_down_cooldown"),
        ({"provisioner": "cloud"}, "provisioner"),
        ({"provisioner": ["local"]}, "provisioner"),
        ({"enabled": 1}, "enabled"),
        ({"target": ""}, "target"),
        ({"workers": 1}, "workers"),
    ],
)
def test_wrong_values_are_refused_by_name(values: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        ScalingPolicy.parse(values)
    assert caught.value.field == field


def test_fields_are_changed_one_by_one_and_null_goes_back() -> None:
    policy = ScalingPolicy.parse({"max_workers": 4, "provisioner": "kubernetes", "target": "crunchers"})
    assert policy.provisioner is ProvisionerKind.KUBERNETES
    assert policy.changed({"max_workers": None, "target": None}) == ScalingPolicy(
        provisioner=ProvisionerKind.KUBERNETES
    )
    with pytest.raises(InvalidInput):
        policy.changed({"min_workers": 5})
    assert ScalingPolicy.parse(policy.to_json()) == policy


COUNTS = st.integers(0, 1500)
SMALL = st.integers(0, 30)


@st.composite
def policies(draw: st.DrawFn) -> ScalingPolicy:
    low = draw(SMALL)
    down = draw(SMALL)
    return ScalingPolicy(
        min_workers=low,
        max_workers=draw(st.integers(max(low, 1), 40)),
        target_queue_length=draw(st.integers(1, 50)),
        target_worker_utilization=draw(st.integers(1, 100)),
        target_age_seconds=draw(st.none() | st.integers(1, 100)),
        scale_up_threshold=draw(st.integers(down + 1, 60)),
        scale_down_threshold=down,
        scale_up_cooldown=draw(st.integers(0, 50)),
        scale_down_cooldown=draw(st.integers(0, 50)),
    )


@st.composite
def sights(draw: st.DrawFn) -> Sight:
    workers, slots = draw(st.integers(0, 60)), draw(st.integers(1, 20))
    online = draw(st.integers(0, workers))
    processing = draw(st.integers(0, online * slots))
    return Sight(
        draw(COUNTS),
        processing,
        draw(st.floats(0, 500)),
        workers,
        online,
        online * slots,
        processing,
        draw(st.integers(0, workers)),
        draw(st.booleans()),
        draw(st.booleans()),
    )


@given(policies(), sights())
def test_it_stays_within_bounds_and_takes_no_busy_worker(policy: ScalingPolicy, seen: Sight) -> None:
    found = recommend(policy, seen, None, NOW)
    if found.action is ScalingAction.SCALE_UP:
        assert seen.workers < found.desired <= policy.max_workers
    elif found.action is ScalingAction.SCALE_DOWN:
        assert policy.min_workers <= found.desired < seen.workers
        assert seen.workers - found.desired <= seen.removable
    else:
        assert found.desired == seen.workers
        excused = (ScalingReason.ALL_BUSY, ScalingReason.AT_MAXIMUM)
        assert policy.min_workers <= seen.workers <= policy.max_workers or found.reason in excused


@given(policies(), sights())
def test_what_it_did_it_does_not_undo_at_the_same_sight(policy: ScalingPolicy, seen: Sight) -> None:
    """The same jobs run and wait; only the number of workers is another."""
    first = recommend(policy, seen, None, NOW)
    assume(first.action is not None)
    each = seen.slots / seen.online if seen.online else 1.0
    online = min(first.desired, seen.online) if first.desired < seen.workers else seen.online
    after = replace(
        seen,
        workers=first.desired,
        online=online,
        slots=round(online * each),
        removable=max(0, seen.removable - max(0, seen.workers - first.desired)),
    )
    assume(after.active <= after.slots)
    again = recommend(policy, after, None, NOW)
    assert again.action in (None, first.action)


@given(policies(), st.lists(st.tuples(SMALL, COUNTS), min_size=6, max_size=6))
def test_changes_are_never_closer_than_their_cooldown(
    policy: ScalingPolicy, loads: list[tuple[int, int]]
) -> None:
    workers, last, now = policy.min_workers, None, NOW
    for pause, length in loads:
        now += timedelta(seconds=pause)
        running = min(length, workers * 5)
        seen = Sight(length - running, running, 0.0, workers, workers, workers * 5, running, workers)
        found = recommend(policy, seen, last, now)
        if found.action is None:
            continue
        if last is not None:
            assert now - last.at >= policy.cooldown(found.action, 0)
        workers, last = found.desired, LastChange(now)


def test_under_any_steady_load_it_comes_to_rest() -> None:
    for length in range(130):
        for start in range(1, 11):
            workers, moves = start, []
            for _ in range(40):
                running = min(length, workers * 10)
                found = recommend(POLICY, sight(workers, length - running, running), None, NOW)
                if found.action is None:
                    break
                moves.append(found.action)
                workers = found.desired
            else:
                pytest.fail(f"{length} jobs, {start} workers: {moves}")
            assert len(set(moves)) <= 1


def test_every_field_of_the_policy_makes_a_difference() -> None:
    """Each is told apart by some sight."""
    changes: dict[str, Any] = {
        "min_workers": 4,
        "max_workers": 2,
        "target_queue_length": 20,
        "target_worker_utilization": 10,
        "target_age_seconds": None,
        "scale_up_threshold": 100,
        "scale_down_threshold": 0,
        "scale_up_cooldown": 3600,
        "scale_down_cooldown": 3600,
        "enabled": False,
    }
    sights = [sight(3, 75, 5), sight(3, 0, 0), sight(3, 1, 4, 300), sight(3, 5, 25)]
    last = LastChange(NOW - timedelta(seconds=600))
    for field in fields(ScalingPolicy):
        if field.name in ("provisioner", "target"):
            continue
        other = replace(POLICY, **{field.name: changes[field.name]})
        assert any(
            recommend(POLICY, seen, last, NOW).desired != recommend(other, seen, last, NOW).desired
            for seen in sights
        ), field.name
