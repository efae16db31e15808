"""What jobs require: workers that do not have it leave them; what a job prefers has a start of five seconds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from taskforge.domain.ids import JobId, WorkerId
from taskforge.domain.job_options import JobOptions
from taskforge.domain.outcome import Failed
from taskforge.domain.requirements import Requirements, abilities
from taskforge.domain.worker import WorkerType
from taskforge.ports.jobs import ClaimBatch, ClaimRequest
from tests.conformance.stage import BOOM, LEASE, OTHER_WORKER, WORKER, Stage, registration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from taskforge.domain.queue import Queue

pytestmark = pytest.mark.anyio

GPU, SITE = {"gpu": ">=1"}, {"region": "id"}


async def add(stage: Stage, queue: Queue, **options: Any) -> UUID:
    keys = JobOptions(**options).keys()
    assert keys is not None
    job = stage.new(queue)
    return (await stage.accept(job, keys={job.id: keys})).standing[job.id]


async def claim(
    stage: Stage, queue: Queue, capabilities: Mapping[str, Any], worker: WorkerId = WORKER, free: int = 10
) -> Sequence[UUID]:
    """What a worker of these capabilities gets that has heard of the newest configuration."""
    found = await stage.queues.get(stage.project, queue.id)
    assert found is not None
    able = abilities(capabilities, WorkerType.GENERAL)
    wishes = [parsed(text) for text in await stage.queues.requirements(stage.project)]
    met = [wish for wish in wishes if not wish.unmet(able)]
    batch: ClaimBatch = await stage.jobs.claim(
        ClaimRequest(
            stage.project,
            worker,
            [queue.id],
            ["t"],
            free,
            1,
            round(LEASE * 1e6),
            [queue.id] if found.has_rule else [],
            [wish.text for wish in met if wish.is_preferred(able)],
            [wish.text for wish in met if not wish.is_preferred(able)],
        )
    )
    return [job.id for job in batch.jobs]


def parsed(text: str) -> Requirements:
    from taskforge.domain.requirements import parse_requirements

    return parse_requirements(text)


async def test_only_who_has_what_a_job_requires_gets_it(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    [plain] = await stage.add(queue)
    picky = await add(stage, queue, requires=GPU)
    [later] = await stage.add(queue)
    assert (await stage.job(picky)).requires == GPU
    assert sorted(await claim(stage, queue, {})) == [plain, later]
    assert await claim(stage, queue, {"gpu": 0}) == []
    assert await stage.claim(queue) == []  # who does not know of requirements gets none such
    assert await claim(stage, queue, {"gpu": 2}) == [picky]


async def test_what_is_required_survives_a_retry_and_a_move(stage: Stage) -> None:
    queue, other = await stage.queue(), await stage.queue("other")
    await stage.know("t")
    picky = await add(stage, queue, requires=GPU)
    assert await claim(stage, queue, {"gpu": 1}) == [picky]
    [held] = await stage.jobs.held(stage.project, WORKER, [picky])
    assert await stage.finish(held, Failed(BOOM, retry_after=0))
    await stage.jobs.promote(stage.project, 10)
    assert await claim(stage, queue, {}) == []
    assert await stage.jobs.cancel(stage.project, JobId(picky)) is not None
    assert (
        await stage.jobs.retry(stage.project, JobId(picky), other.id) is not None
    )  # to a queue without any such job
    assert await claim(stage, other, {}) == []
    assert await claim(stage, other, {"gpu": 1}) == [picky]


async def test_who_is_preferred_has_a_start_of_five_seconds(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    ids = [await add(stage, queue, requires=GPU, prefers=SITE) for _ in range(2)]
    assert await claim(stage, queue, {"gpu": 1}, OTHER_WORKER) == []
    assert await claim(stage, queue, {"gpu": 1, "region": "id"}, free=1) == ids[:1]
    stage.clock.advance(5)
    assert await claim(stage, queue, {"region": "id"}, OTHER_WORKER) == []
    assert await claim(stage, queue, {"gpu": 1}, OTHER_WORKER) == ids[1:]


async def test_a_new_requirement_is_told_once(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    await add(stage, queue, requires=GPU)
    version = await stage.config_version()
    await add(stage, queue, requires=dict(GPU))
    assert await stage.config_version() == version
    assert await stage.queues.requirements(stage.project) == [Requirements(GPU).text]
    assert await stage.queues.requirements(await stage.other_project()) == []


async def test_a_fair_queue_passes_over_what_a_worker_cannot_run(stage: Stage) -> None:
    queue = await stage.queue(policy="fair")
    await stage.know("t")
    picky = await add(stage, queue, requires=GPU, fairness_key="a")
    other = await add(stage, queue, fairness_key="b")
    assert await claim(stage, queue, {}) == [other]
    assert await claim(stage, queue, {"gpu": 1}) == [picky]


async def test_what_a_worker_can_is_kept_for_who_resumes_it(stage: Stage) -> None:
    worker_id = WorkerId(stage.mint())
    said = replace(registration("w", "t"), capabilities={"gpu": 2}, type=WorkerType.SPECIALIZED_GPU)
    await stage.workers.register(stage.project, worker_id, said, round(LEASE * 1e6))
    found = await stage.workers.at_work(stage.project, worker_id)
    assert found is not None
    assert found.abilities == {"gpu": 2, "type": "specialized_gpu"}
