"""The plan as tables: how many databases, how many processes, and what becomes of it when something fails."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.planning import day, moment
from benchmarks.planning.assumptions import Assumptions, rows, shards_needed
from benchmarks.planning.picture import Panel, picture
from scripts.markdown import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.planning.day import Course

GIVEN = Assumptions()
LIGHT = replace(GIVEN, handler=0.05, processor=0.0015)
NOON = day.PEAK_AT
AWAY = day.Trouble(NOON, NOON + 600, database=True)
LOST = day.Trouble(NOON - 300, NOON + 5400, machines=10)
MANY_LOST = day.Trouble(NOON - 300, NOON + 5400, machines=30)
JOBS_OF_A_MOMENT = 30_000


class Scene(NamedTuple):
    """A day that is played."""

    title: str
    given: Assumptions
    processes: int
    troubles: Sequence[day.Trouble] = ()


SCENES = (
    Scene("a process a machine", GIVEN, 100),
    Scene("two", GIVEN, 200),
    Scene("three", GIVEN, 300),
    Scene("six", GIVEN, 600),
    Scene("light handlers (50 ms, 1.5 ms of processor), one", LIGHT, 100),
    Scene("three; 10 machines are lost from 13:55 to 15:30", GIVEN, 300, [LOST]),
    Scene("three; 30 machines are lost", GIVEN, 300, [MANY_LOST]),
    Scene("three; this database is away from 14:00 to 14:10", GIVEN, 300, [AWAY]),
    Scene("six; this database is away from 14:00 to 14:10", GIVEN, 600, [AWAY]),
)


def shard_table() -> str:
    """How many databases each limit asks for."""
    needed = shards_needed(GIVEN)
    rows_of = [(limit, f"{count:.2f}", str(math.ceil(count))) for limit, count in needed.items()]
    return table(("limit", "databases", "rounded up"), rows_of)


def assumption_table() -> str:
    """What it rests on."""
    return table(("assumption", "value", "from where"), [(f"`{a}`", b, c) for a, b, c in rows(GIVEN)])


def day_table(courses: Sequence[Course]) -> str:
    """A line for each day that was played."""
    lines = []
    for scene, course in zip(SCENES, courses, strict=True):
        mean = course.started / (
            scene.processes / scene.given.shards * scene.given.process_rate * len(course.workers)
        )
        lines.append(
            (
                scene.title,
                str(scene.processes),
                f"{mean:.0%}",
                f"{max(course.database):.0%}",
                f"{max(course.backlog):,.0f}",
                *(_seconds(course.percentile(share)) for share in (0.5, 0.95, 0.99, 1.0)),
                f"{course.left:,.0f}",
            )
        )
    return table(
        (
            "a day",
            "processes",
            "workers busy, mean",
            "database busy, at most",
            "most that wait",
            "wait p50",
            "p95",
            "p99",
            "longest",
            "left at the end",
        ),
        lines,
    )


def moment_table() -> str:
    """What jobs wait for where nothing piles up."""
    lines = []
    for title, rate, processes in (
        ("the day's mean, three processes a machine", GIVEN.mean_rate, 100),
        ("the peak, three", GIVEN.peak_rate, 100),
        ("the peak, three, 10 machines lost", GIVEN.peak_rate, 90),
        ("the peak, three, 30 machines lost", GIVEN.peak_rate, 70),
        ("the peak, six", GIVEN.peak_rate, 200),
    ):
        told = moment.play(moment.stage_of(GIVEN, rate / GIVEN.shards, processes), JOBS_OF_A_MOMENT)
        lines.append(
            (
                title,
                f"{rate / GIVEN.shards:,.0f}",
                f"{told.processor:.0%}",
                f"{told.database:.0%}",
                *(f"{told.wait(share) * 1000:.1f}" for share in (0.5, 0.95, 0.99)),
                f"{sum(told.times) / len(told.times) * 1000:.0f}",
            )
        )
    return table(
        (
            "one database at",
            "jobs/s",
            "processes busy",
            "database busy",
            "wait p50, ms",
            "p95",
            "p99",
            "from enqueue to settled, mean ms",
        ),
        lines,
    )


def drawing(courses: Sequence[Course]) -> str:
    """What comes, and what waits on three of the days."""
    steady, lost, away = courses[2], courses[5], courses[7]
    comes = [day.arrivals(GIVEN, second) / GIVEN.shards for second in range(len(steady.backlog))]
    capacity = 300 / GIVEN.shards * GIVEN.process_rate
    return picture(
        [
            Panel(
                "jobs a second that come to one database; dashed: what its 100 processes carry",
                "#2563eb",
                comes,
                capacity,
            ),
            Panel("jobs that wait", "#d97706", steady.backlog),
            Panel("the same with 10 of 100 machines lost from 13:55 to 15:30", "#d97706", lost.backlog),
            Panel("the same with the database away from 14:00 to 14:10", "#dc2626", away.backlog),
        ]
    )


def played() -> list[Course]:
    """All days."""
    return [day.play(scene.given, scene.processes, scene.troubles) for scene in SCENES]


def _seconds(wait: int) -> str:
    if wait == 0:
        return "< 1 s"
    return (
        f"{wait} s"
        if wait < 600
        else f"{wait / 60:.0f} min"
        if wait < 2 * day.HOUR
        else f"{wait / day.HOUR:.1f} h"
    )
