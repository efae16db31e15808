"""Rates and limits by chance: whatever workers do and however time passes, no window is too dense."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskforge.domain.outcome import Failed, Lost, Released, Snoozed, Succeeded
from tests.conformance.stage import BOOM, NOON, Stage, settlement

if TYPE_CHECKING:
    from collections.abc import Sequence

WINDOW = 60.0
OUTCOMES = (Succeeded(), Failed(BOOM, retry_after=0.5), Snoozed(0.5), Released(), Lost(blamed=False))

pauses = st.sampled_from([0.0, 0.001, 0.4, 1.0, 7.3, 29.999, 30.0, 59.999, 60.0, 60.001, 61.0, 200.0])
asked = st.tuples(st.just("claim"), st.integers(1, 12), pauses)
ended = st.tuples(st.just("end"), st.integers(0, len(OUTCOMES) - 1), pauses)
steps = st.lists(asked | asked | ended, min_size=1, max_size=40)


def densest(moments: Sequence[float]) -> int:
    """The largest number of moments in any 60 seconds, both ends included."""
    ordered = sorted(moments)
    return max(
        (number + 1 - bisect_left(ordered, moment - WINDOW) for number, moment in enumerate(ordered)),
        default=0,
    )


def test_the_densest_window() -> None:
    assert densest([]) == 0
    assert densest([0.0, 60.0, 60.001, 120.0]) == 3
    assert densest([0.0, 60.001]) == 1


@pytest.mark.timeout(300)
def test_no_sixty_seconds_hold_more_than_the_rate(database_url: str) -> None:
    with asyncio.Runner() as runner:
        stage = Stage(database_url)
        runner.run(stage.know("t"))
        serial = iter(range(10**6))

        @given(
            rate=st.integers(1, 8),
            limit=st.none() | st.integers(1, 5),
            script=steps,
            offset=st.floats(0, 0.999999),
        )
        @settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
        def check(rate: int, limit: int | None, script: list[tuple[str, int, float]], offset: float) -> None:
            runner.run(_check(stage, f"q{next(serial)}", rate, limit, script, offset))

        try:
            check()
        finally:
            runner.run(stage.close())


async def _check(
    stage: Stage, name: str, rate: int, limit: int | None, script: list[tuple[str, int, float]], offset: float
) -> None:
    stage.clock.advance(offset)
    queue = await stage.queue(name, rate_limit=rate, max_concurrent_jobs=limit)
    await stage.add(queue, 60)
    running: list[Any] = []
    starts: list[float] = []
    for what, number, pause in script:
        if what == "claim":
            batch = await stage.claim_batch(queue, free=number)
            running += batch.jobs
            starts += [(job.claimed_at - NOON).total_seconds() for job in batch.jobs]
            assert limit is None or len(running) <= limit
            assert densest(starts) <= rate
            if batch.next_start_at is not None:
                # a start stays counted for its whole second and the 60 that follow
                oldest = int((batch.now - NOON).total_seconds()) - 60
                assert sum(int(start) >= oldest for start in starts) == rate
                assert 0 < (batch.next_start_at - batch.now).total_seconds() <= WINDOW + 1
        elif running:
            job = running.pop(number % len(running))
            assert await stage.settle(settlement(job, OUTCOMES[number]))
        stage.clock.advance(pause)
        await stage.jobs.promote(stage.project, 100)
    # and none is held back for longer than the window
    stage.clock.advance(WINDOW + 1)
    for job in running:
        await stage.settle(settlement(job, Succeeded()))
    await stage.add(queue, rate)  # a long script has run nearly all of them
    again = await stage.claim(queue, free=100)
    assert len(again) == min(rate, limit or rate)
    await stage.settle(*(settlement(job, Succeeded()) for job in again))
    await stage.write(
        replace(queue, settings=replace(queue.settings, rate_limit=None, max_concurrent_jobs=None))
    )
