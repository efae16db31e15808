"""Arrivals replayed against a policy."""

import pytest

from taskforge.cli.scaling_picture import picture
from taskforge.domain.errors import InvalidInput
from taskforge.domain.scaling_policy import ScalingAction, ScalingPolicy
from taskforge.domain.scaling_simulation import Arrival, Fleet, parse_trace, simulate
from tests.architecture.source import DOCS

FLEET = Fleet(slots=2, startup=4.0, interval=1.0, work=1.0)
POLICY = ScalingPolicy(
    min_workers=0,
    max_workers=5,
    target_queue_length=4,
    scale_up_threshold=4,
    scale_down_threshold=2,
    scale_up_cooldown=2,
    scale_down_cooldown=10,
)


def test_traces_are_read() -> None:
    lines = ["seconds,jobs,work", "", "3,2  # two", "1.5, 4, 0.5"]
    assert parse_trace(lines, 9.0) == [Arrival(1.5, 4, 0.5), Arrival(3.0, 2, 9.0)]


@pytest.mark.parametrize("line", ["1", "x,1", "-1,1", "1,0", "1,1,-2", "nan,1", "1,1.5", "1e9,1"])
def test_a_line_that_is_no_arrival_is_named(line: str) -> None:
    with pytest.raises(InvalidInput, match="line 2"):
        parse_trace(["1,1", line], 1.0)


def test_a_trace_needs_arrivals() -> None:
    with pytest.raises(InvalidInput, match="no arrivals"):
        parse_trace(["# nothing"], 1.0)


def test_one_job_waits_for_the_one_worker_that_comes_for_it() -> None:
    found = simulate(POLICY, [Arrival(0.5, 1, 1.0)], FLEET)
    assert (found.jobs, found.most_workers, found.longest_wait) == (1, 1, 4.5)
    assert [(change.at, change.workers, change.desired) for change in found.changes] == [
        (1, 0, 1),
        (11, 1, 0),
    ]


def test_a_burst_is_worked_off_by_the_maximum_and_nothing_is_left() -> None:
    found = simulate(POLICY, [Arrival(0.0, 100, 1.0)], FLEET)
    assert (found.jobs, found.most_workers, found.most_backlog) == (100, 5, 100)
    assert found.longest_wait == 13.0  # they come after 4 s, and do ten in a second
    assert found.points[-1].workers == 0
    assert {change.action for change in found.changes} == set(ScalingAction)


def test_steady_arrivals_lead_to_a_number_that_stays() -> None:
    found = simulate(POLICY, [Arrival(float(second), 3, 1.0) for second in range(200)], FLEET)
    middle = {point.workers for point in found.points if 60 < point.at < 190}
    assert len(middle) == 1
    assert found.p95_wait < 5


def test_figures_of_the_fleet_have_bounds() -> None:
    with pytest.raises(InvalidInput):
        Fleet(interval=0.0)


def test_the_picture_in_the_docs_is_what_would_be_drawn_now() -> None:
    """Else: taskforge scaling simulate --trace docs/images/scaling-arrivals.csv --picture docs/images/scaling.svg ..."""
    policy = ScalingPolicy(
        max_workers=8,
        target_queue_length=15,
        target_age_seconds=30,
        scale_up_threshold=20,
        scale_down_threshold=6,
        scale_up_cooldown=30,
        scale_down_cooldown=300,
    )
    lines = (DOCS / "images" / "scaling-arrivals.csv").read_text("utf-8").splitlines()
    found = simulate(policy, parse_trace(lines, 1.0), Fleet(slots=4, startup=20.0))
    assert picture(found, policy) == (DOCS / "images" / "scaling.svg").read_text("utf-8")
