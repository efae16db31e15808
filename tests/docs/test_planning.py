"""The simulation behind docs/planning.md loses no job, agrees with what is known of waiting lines, and says what the page says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.planning import day, moment
from benchmarks.planning.assumptions import Assumptions, shards_needed
from benchmarks.planning.report import assumption_table, shard_table
from scripts.generate_docs import DOCS, filled

GIVEN = Assumptions()
AN_HOUR = 3600


def none(_: object) -> float:
    return 0.0


def test_waits_are_those_of_erlang() -> None:
    """Ten servers of a second each, eight jobs a second."""
    stage = moment.Stage(
        8.0, 10, 1, 1_000_000, none, none, none, lambda chance: chance.expovariate(1.0), none, none
    )
    told = moment.play(stage, 8_000)
    assert told.processor == pytest.approx(0.8, rel=0.05)
    assert sum(told.waits) / len(told.waits) == pytest.approx(moment.erlang_c(8.0, 1.0, 10), rel=0.25)


def test_what_is_inside_is_what_comes_times_how_long_it_stays() -> None:
    """Little's law, and no job is left over."""
    told = moment.play(moment.stage_of(GIVEN, 2000.0, 40), 2_000)
    assert (told.arrived, told.inside, len(told.times)) == (2_000, 0, 2_000)
    assert told.area / told.seconds == pytest.approx(told.arrived / told.seconds * sum(told.times) / 2_000)


@pytest.mark.parametrize(
    "trouble",
    [None, day.Trouble(600, 900, database=True), day.Trouble(600, 1200, machines=10)],
    ids=["calm", "database away", "machines lost"],
)
def test_a_day_loses_nothing(trouble: day.Trouble | None) -> None:
    given = replace(GIVEN, jobs_a_day=2e9)
    course = day.play(given, 300, [] if trouble is None else [trouble], seconds=AN_HOUR)
    assert course.arrived + course.again == pytest.approx(course.started + course.left)
    assert sum(course.waits.values()) == pytest.approx(course.started)
    assert max(course.workers) <= 1 + 1e-9
    assert max(course.database) <= 1 + 1e-9
    assert min(course.backlog) >= -1e-3


def test_too_few_workers_pile_up_what_they_cannot_carry() -> None:
    steady = replace(GIVEN, peak=1.0, at_the_hour=0.0)
    course = day.play(steady, 60, seconds=AN_HOUR)
    too_much = steady.mean_rate / steady.shards - 60 / steady.shards * steady.process_rate
    assert course.left == pytest.approx(too_much * AN_HOUR)


def test_the_page_says_what_the_assumptions_are() -> None:
    page = DOCS / "planning.md"
    parts = {"assumptions": assumption_table(), "databases": shard_table()}
    assert filled(page, parts) == page.read_text("utf-8"), "run: python -m benchmarks.planning --docs"
    assert max(shards_needed(GIVEN).values()) <= GIVEN.shards
