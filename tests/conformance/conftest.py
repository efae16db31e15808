"""One suite over every engine: `stage` gives the stores of a fresh database.

In a soak, or with `TASKFORGE_TEST_DISPATCH=redis`, also with jobs that ready queues in Redis hand out: a row more for each
engine. What is about claiming runs so always, on one engine, in `tests/beside_redis/test_conformance.py`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.conformance.stage import Stage
from tests.conftest import SOAK

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.conformance.house import House

DATABASE, REDIS = "database", "redis"
DISPATCH_VARIABLE = "TASKFORGE_TEST_DISPATCH"
CHOSEN = (os.environ.get(DISPATCH_VARIABLE) or (f"{DATABASE},{REDIS}" if SOAK else DATABASE)).split(",")
COUNTS = "it counts statements: those that compare Redis with the database are among them"
OF_THE_DATABASE = {
    "test_an_answer_without_jobs_still_tells_time_and_version": "an idle worker asks the database nothing",
    "test_a_job_is_never_early": "by the clock of Redis it is due, and promoted by the claim",
    "test_it_tells_when_the_next_job_is_due_in_the_queues_that_were_asked_for": "that is told by the clock of Redis",
    "test_what_is_due_next_is_said_of_scheduled_jobs_of_the_project_only": "by the clock of Redis they are due",
    "test_the_configuration_s_version_is_the_project_s": "an idle worker hears of it; tests/beside_redis/test_queue.py",
    "test_fifty_claimers_at_once_never_share_a_job": "it claims past the stage",
    "test_a_divided_queue_costs_one_statement_more_than_a_plain_one": COUNTS,
    "test_a_divided_queue_beside_a_plain_one_is_claimed_from_without_its_gate": COUNTS,
    "test_several_divided_queues_are_claimed_from_one_after_the_other_without_their_gates": COUNTS,
}
"""Tests of what only the database's own dispatch does, and why."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Say who hands out the jobs, where a test could notice."""
    if "dispatch" in metafunc.fixturenames and CHOSEN != [DATABASE]:
        reason = OF_THE_DATABASE.get(metafunc.function.__name__)
        marks = [] if reason is None else [pytest.mark.skip(reason=reason)]
        rows = [pytest.param(name, marks=marks if name == REDIS else []) for name in CHOSEN]
        metafunc.parametrize("dispatch", rows, indirect=True)


@pytest.fixture
def dispatch(request: pytest.FixtureRequest) -> str:
    """Who hands out the jobs."""
    return getattr(request, "param", DATABASE)


@pytest.fixture
async def stage(
    request: pytest.FixtureRequest, database_url: str, dispatch: str, anyio_backend: str
) -> AsyncIterator[Stage]:
    """The stores over a fresh database, with a clock that only tests move."""
    if dispatch == REDIS:
        from tests.beside_redis.stage import OwnRedisStage

        stage: Stage = OwnRedisStage(database_url, request.getfixturevalue("redis_url"))
    else:
        stage = Stage(database_url)
    yield stage
    await stage.close()


@pytest.fixture
async def house(stage: Stage) -> AsyncIterator[House]:
    """The services of access over the stage."""
    from tests.conformance.house import House

    house = House(stage)
    yield house
    house.passwords.close()
