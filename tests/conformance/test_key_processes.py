"""Real programs that enqueue the same keys at the same time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.conformance.stage import run_sql

if TYPE_CHECKING:
    from tests.support.processes import Processes

pytestmark = pytest.mark.anyio

PROGRAMS = 4
PROGRAM = """
import json, sys
from taskforge import TaskForge

app = TaskForge()

@app.task(name="send", key="k{number}")
def send(number: int) -> None: ...

handles = [send.enqueue(number) for number in range(20)]
handles += app.enqueue_many([send.job(number) for number in reversed(range(30))])
print(json.dumps([[str(handle.id), handle.created] for handle in handles]))
"""


async def test_programs_that_enqueue_the_same_keys(database_url: str, processes: Processes) -> None:
    children = [
        processes.python("-c", PROGRAM, environment={"TASKFORGE_DATABASE_URL": database_url})
        for _ in range(PROGRAMS)
    ]
    for child in children:
        assert child.wait(60) == 0, child.output
    said = [answer for child in children for answer in json.loads(child.output)]
    created = [job_id for job_id, is_new in said if is_new]
    assert len(created) == len(set(created)) == 30
    assert {job_id for job_id, _ in said} == set(created)
    rows = await run_sql(database_url, "SELECT id, key FROM jobs")
    assert {str(row[0]) for row in rows} == set(created)
    assert len({row[1] for row in rows}) == 30
