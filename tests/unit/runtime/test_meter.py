"""What a worker process tells Prometheus of itself."""

from __future__ import annotations

import asyncio
import contextlib
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from prometheus_client.parser import text_string_to_metric_families

from taskforge.domain.outcome import Cancelled, ErrorReport, Failed, Outcome, Released, Succeeded
from taskforge.domain.worker import Incidents
from taskforge.runtime.liveness import Liveness, LivenessOptions
from taskforge.runtime.systemd import Systemd
from taskforge.runtime.worker.meter import Gauges, Meter

pytestmark = pytest.mark.anyio


def ended(outcome: Outcome, seconds: float, task: str = "t") -> Any:
    job = SimpleNamespace(execution_id=uuid4(), job_type=task)
    attempt = SimpleNamespace(job=job, queue_name="mail")
    return SimpleNamespace(attempt=attempt, outcome=outcome, started=10.0, finished=10.0 + seconds)


def told(body: bytes) -> dict[str, float]:
    return {
        " ".join(
            (sample.name, *(f"{key}={value}" for key, value in sorted(sample.labels.items())))
        ): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def metered() -> Meter:
    meter = Meter()
    failed, lost = ended(Failed(ErrorReport("E", "e")), 2.0), ended(Succeeded(), 1.0)
    batch = [
        ended(Succeeded(), 0.004),
        ended(Succeeded(), 0.02),
        failed,
        lost,
        ended(Cancelled("x"), 1.0),
        ended(Released(), 1.0),
    ]
    meter.take(batch, frozenset({lost.attempt.job.execution_id}))
    meter.gauges = lambda: Gauges(3, 10, 4, 0.5, Incidents(leases_lost=2, stale_writes=1, loop_blocks=7))
    return meter


def test_attempts_are_counted_and_timed() -> None:
    found = told(metered().expose()[0])
    counts = [
        found[f"taskforge_worker_executions_total queue=mail status={s} task=t"]
        for s in ("succeeded", "failed", "cancelled")
    ]
    assert counts == [2, 1, 2]
    ran = "taskforge_worker_execution_duration_seconds"
    assert found[f"{ran}_bucket le=0.005 queue=mail task=t"] == 1
    assert found[f"{ran}_bucket le=0.025 queue=mail task=t"] == 2
    assert found[f"{ran}_bucket le=+Inf queue=mail task=t"] == found[f"{ran}_count queue=mail task=t"] == 3
    assert found[f"{ran}_sum queue=mail task=t"] == pytest.approx(2.024)
    assert found["taskforge_worker_running_jobs"] == 3
    assert found["taskforge_worker_claim_stalled_seconds"] == 0.5
    assert found["taskforge_worker_leases_lost_total"] == 2
    assert found["process_cpu_seconds_total"] > 0


async def ask(port: int | None, path: str, *headers: str) -> tuple[str, bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write("\r\n".join((f"GET {path} HTTP/1.1", "Host: x", *headers, "", "")).encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return head.decode(), body


async def test_the_port_tells_of_both() -> None:
    async with Liveness(
        LivenessOptions(metrics_port=0), Systemd(), lambda: 0.0, metered().expose
    ) as liveness:
        head, body = await ask(liveness.port, "/metrics")
        assert "200 OK" in head
        assert "text/plain; version=" in head
        assert told(body)["taskforge_worker_capacity_jobs"] == 10
        head, body = await ask(
            liveness.port, "/metrics", "Accept: application/openmetrics-text; version=1.0.0"
        )
        assert body.endswith(b"# EOF\n")
        assert "application/openmetrics-text" in head
        assert (await ask(liveness.port, "/"))[1] == b"ok\n"
        assert (await ask(liveness.port, "/metricsandmore"))[1] == b"ok\n"


async def test_without_a_meter_it_tells_whether_it_is_alive() -> None:
    async with Liveness(LivenessOptions(port=0, limit=1.0), Systemd(), lambda: 5.0) as liveness:
        head, body = await ask(liveness.port, "/metrics")
        assert "503" in head
        assert b"claiming has not worked" in body


async def test_a_request_without_an_end_is_hung_up_on(caplog: pytest.LogCaptureFixture) -> None:
    async with Liveness(LivenessOptions(port=0), Systemd(), lambda: 0.0) as liveness:
        reader, writer = await asyncio.open_connection("127.0.0.1", liveness.port)
        writer.write(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000)
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
        writer.close()
        assert (await ask(liveness.port, "/"))[1] == b"ok\n"
    assert not caplog.records
