"""What Prometheus is told by a server: the truth of the record, in its own format, within bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as classic

from taskforge.domain.outcome import Failed, Succeeded
from taskforge.domain.queue import QueueState
from taskforge.services import exposition as service
from taskforge.services.exposition import OTHER, Exposition
from taskforge.services.prometheus import BOUNDS, expose
from taskforge.services.recording import Recording
from taskforge.storage.errors import SqlErrorKeeper
from taskforge.storage.exposition import SqlExpositionStore
from taskforge.storage.recording import SqlRecordKeeper
from tests.conformance.stage import BOOM, LEASE, plain_policy, settlement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskforge.domain.ids import ProjectId
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
HOSTILE = 'quoted " \\ and\nnew {line="1"} 1'


def exposition_of(stage: Stage) -> Exposition:
    recording = Recording(SqlRecordKeeper(stage.engine), SqlErrorKeeper(stage.engine, stage.mint))

    async def late() -> float:
        return 1.5

    return Exposition(SqlExpositionStore(stage.engine), recording, LEASE, late)


async def scrape(stage: Stage, projects: Sequence[ProjectId] | None = None) -> dict[str, float]:
    """The samples of a scrape by name and labels, without the organization; both formats say the same."""
    families = await exposition_of(stage).families(projects)
    found: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for accept, parse in (("text/plain", classic), (OPENMETRICS, openmetrics)):
        body, media_type = expose(families, accept)
        assert media_type.startswith(accept.partition(";")[0])
        samples = {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in parse(body.decode())
            for sample in family.samples
            if not sample.name.endswith("_created")
        }
        assert not found or found.keys() == samples.keys()
        found = samples
    return {
        name + "".join(f" {key}={value}" for key, value in labels if key != "organization"): value
        for (name, labels), value in found.items()
    }


async def test_what_is_told_is_what_the_record_says(stage: Stage) -> None:
    queue, paused = await stage.queue("mail"), await stage.queue("slow", state=QueueState.PAUSED)
    worker = await stage.know("t")
    await stage.add(queue, 5)
    await stage.add(paused, 2)
    await stage.add(queue, 1, "t", delay_us=60_000_000)
    stage.clock.advance(7)
    first, second, third = await stage.claim(queue, free=3, worker=worker)
    await stage.settle(
        settlement(first, Succeeded("1"))._replace(duration_us=40_000, waited_us=7_000_000),
        settlement(second, Failed(BOOM, final=True), policy=plain_policy(1))._replace(
            duration_us=3_000_000, waited_us=0
        ),
    )
    for _ in range(2):  # folding changes nothing
        found = await scrape(stage)
        where = " project=default queue=mail"
        assert {status: found[f"taskforge_queue_jobs{where} status={status}"] for status in ("ready", "held", "scheduled", "processing")} == {
            "ready": 2, "held": 0, "scheduled": 1, "processing": 1,
        }  # fmt: skip
        assert found[f"taskforge_queue_latency_seconds{where}"] == 7
        assert found[f"taskforge_queue_paused{where}"] == 0
        assert found["taskforge_queue_paused project=default queue=slow"] == 1
        counts = [
            found[f"taskforge_executions_total{where} status={s} task=t"]
            for s in ("succeeded", "failed", "cancelled")
        ]
        assert counts == [1, 1, 0]
        ran = "taskforge_execution_duration_seconds"
        assert found[f"{ran}_bucket le=0.025{where} task=t"] == 0
        assert found[f"{ran}_bucket le=0.05{where} task=t"] == 1
        assert found[f"{ran}_bucket le=5.0{where} task=t"] == 2
        assert found[f"{ran}_count{where} task=t"] == 2
        assert found[f"{ran}_sum{where} task=t"] == pytest.approx(3.04)
        assert found[f"taskforge_execution_wait_seconds_sum{where} task=t"] == 7
        assert found["taskforge_workers project=default status=online"] == 1
        assert found["taskforge_workers project=default status=draining"] == 0
        assert found["taskforge_worker_slots project=default"] == 10
        assert found["taskforge_error_groups project=default status=new"] == 1
        assert found["taskforge_scheduler_late_seconds"] == 1.5
    assert third.job_type == "t"
    stage.clock.advance(LEASE + 1)
    assert (await scrape(stage))["taskforge_workers project=default status=offline"] == 1


async def test_hostile_names_are_escaped_and_stay_one_label(stage: Stage) -> None:
    queue = await stage.queue("mail")
    await stage.know(HOSTILE)
    await stage.add(queue, 1, HOSTILE)
    [job] = await stage.claim(queue, types=[HOSTILE])
    await stage.settle(settlement(job, Succeeded("1")))
    found = await scrape(stage)
    assert (
        found[f"taskforge_executions_total project=default queue=mail status=succeeded task={HOSTILE}"] == 1
    )
    assert sum(name.startswith("taskforge_executions_total") for name in found) == 3


async def test_tasks_beyond_the_bound_are_told_together(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_TASKS", 2)
    queue = await stage.queue("mail")
    for number, count in enumerate((4, 3, 2, 1)):
        await stage.know(f"t{number}")
        await stage.add(queue, count, f"t{number}")
        jobs = await stage.claim(queue, free=count, types=[f"t{number}"])
        await stage.settle(*(settlement(job, Succeeded("1")) for job in jobs))
    found = await scrape(stage)
    counts = {
        name.rpartition("=")[2]: value
        for name, value in found.items()
        if name.startswith("taskforge_executions_total") and "succeeded" in name
    }
    assert counts == {"t0": 4, "t1": 3, OTHER: 3}


async def test_a_scrape_of_some_projects_tells_nothing_of_others(stage: Stage) -> None:
    other = await stage.other_project()
    await stage.queue("ours")
    await stage.queue("theirs", project=other)
    whole, own = await scrape(stage), await scrape(stage, [other])
    assert {"ours", "theirs"} == {name.rpartition("=")[2] for name in whole if "queue_paused" in name}
    assert {"theirs"} == {name.rpartition("=")[2] for name in own if "queue_paused" in name}
    assert not any("scheduler" in name for name in own)
    assert [name for name in await scrape(stage, []) if "queue" in name] == []


def test_bounds_are_in_order() -> None:
    assert list(BOUNDS) == sorted(set(BOUNDS))
