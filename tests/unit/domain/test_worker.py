"""A worker's status follows from its row."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from taskforge.domain.errors import InvalidInput
from taskforge.domain.ids import ProjectId, WorkerId
from taskforge.domain.worker import Incidents, ProcessIdentity, Registration, Worker, WorkerStatus, WorkerType

if TYPE_CHECKING:
    from typing import Any

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
LEASE = timedelta(seconds=30)
WORKER = Worker(
    id=WorkerId(UUID(int=1)),
    project_id=ProjectId(UUID(int=2)),
    name="w",
    type=WorkerType.GENERAL,
    capabilities={},
    max_concurrent_jobs=10,
    queues=("default",),
    job_types=("t",),
    process=ProcessIdentity("host", "machine", 1, "1"),
    version="0",
    active_jobs=0,
    incidents=Incidents(),
    drain_requested_at=None,
    stopped_at=None,
    last_heartbeat=NOW,
    created_at=NOW,
    updated_at=NOW,
)


@pytest.mark.parametrize(
    ("silence", "changes", "status"),
    [
        (0, {}, WorkerStatus.ONLINE),
        (20, {}, WorkerStatus.ONLINE),
        (20.001, {}, WorkerStatus.UNHEALTHY),
        (30, {}, WorkerStatus.UNHEALTHY),
        (30.001, {}, WorkerStatus.OFFLINE),
        (0, {"drain_requested_at": NOW}, WorkerStatus.DRAINING),
        (25, {"drain_requested_at": NOW}, WorkerStatus.UNHEALTHY),
        (31, {"drain_requested_at": NOW}, WorkerStatus.OFFLINE),
        (0, {"stopped_at": NOW}, WorkerStatus.OFFLINE),
        (0, {"stopped_at": NOW, "drain_requested_at": NOW}, WorkerStatus.OFFLINE),
        (-5, {}, WorkerStatus.ONLINE),
    ],
)
def test_status(silence: float, changes: dict[str, Any], status: WorkerStatus) -> None:
    worker = replace(WORKER, **changes)
    assert worker.status(NOW + timedelta(seconds=silence), LEASE) is status


@pytest.mark.parametrize("slots", [0, -1, 1001])
def test_a_worker_runs_1_to_1000_jobs_at_once(slots: int) -> None:
    with pytest.raises(InvalidInput, match="1 to 1000") as refusal:
        Registration(
            "w", WorkerType.GENERAL, {}, slots, ["default"], [], ProcessIdentity("h", "", 1, ""), "0"
        )
    assert refusal.value.field == "max_concurrent_jobs"
