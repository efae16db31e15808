"""Messages of remote workers: there and back, and what is refused, with the path of the value."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from taskforge.domain.errors import InvalidInput
from taskforge.domain.execution import LogLine
from taskforge.domain.outcome import (
    Cancelled,
    ErrorReport,
    Failed,
    Lost,
    Released,
    Report,
    Snoozed,
    Succeeded,
)
from taskforge.ports.jobs import Beat
from taskforge.wire import link as wire
from taskforge.wire import values
from taskforge.wire.codec import NotJson, read, write
from tests.unit.runtime.fake_link import FakeLink

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
FENCE = {"job_id": str(uuid4()), "claim_seq": 3, "execution_id": str(uuid4())}
OUTCOMES = [
    Succeeded(None),
    Succeeded('{"a":[1,null,"ü"],"big":123456789012345678901234567890}'),
    Failed(ErrorReport("ValueError", "boom", "Traceback")),
    Failed(ErrorReport("E", "", None), retry_after=1.5, final=True, timed_out=True),
    Snoozed(60.0),
    Cancelled("why not"),
    Released(),
]


@pytest.mark.anyio
@pytest.mark.parametrize("outcome", OUTCOMES, ids=repr)
async def test_a_report_arrives_as_it_was_sent(outcome: Any) -> None:
    link = FakeLink()
    execution = link.add("t")
    job = link.waiting[0].job
    lines = (LogLine(1, "warn", "hello", '{"page":3}', NOW), LogLine(2, "info", "x", None, NOW))
    report = Report(execution, outcome, 1_234, 5_678, lines, '{"at":7}')
    body = read(wire.ReportBody, write(values.report_body(report, job)))
    assert values.report_of(body, NOW) == report
    assert values.fence_of(body) == (job.id, job.claim_seq, job.execution_id)


@pytest.mark.anyio
async def test_a_claimed_job_arrives_with_all_that_a_worker_needs() -> None:
    link = FakeLink()
    link.add("t", '{"z":1,"a":"\\u00fc"}', losses=2)
    sent = link.waiting[0]._replace(heartbeat_timeout=2.5)
    data = write(values.attempt_body(sent))
    assert data.decode().partition('"payload":')[2] == '{"z":1,"a":"\\u00fc"}}', "the payload is the last"
    came = values.attempt_of(read(wire.AttemptBody, data))
    assert came.job._replace(rank=0) == sent.job
    assert came._replace(job=sent.job) == sent


def test_a_beat_arrives_as_it_was_sent() -> None:
    for progress, state in ((None, None), ('{"done":1}', '{"at":2}')):
        beat = Beat(uuid4(), 1, uuid4(), started=True, signed=True, progress=progress, state=state)
        assert values.beat_of(read(wire.BeatBody, write(values.beat_body(beat)))) == beat


def test_nobody_reports_its_own_loss() -> None:
    with pytest.raises(ValueError, match="no worker"):
        values._outcome_body(Lost(blamed=True))


def _report(**changes: Any) -> dict[str, Any]:
    return {"reports": [{**FENCE, "outcome": {"status": "released"}, **changes}]}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, None),
        ({"reports": {}}, "reports"),
        (_report(claim_seq="3"), "reports[0].claim_seq"),
        (_report(claim_seq=-1), "reports[0].claim_seq"),
        (_report(claim_seq=True), "reports[0].claim_seq"),
        (_report(job_id="x"), "reports[0].job_id"),
        (_report(outcome={"status": "lost"}), "reports[0].outcome.status"),
        (_report(outcome={"status": "snoozed", "delay_ms": -1}), "reports[0].outcome.delay_ms"),
        (_report(lines=[{"seq": 1, "message": ""}]), "reports[0].lines[0].message"),
        (_report(lines=[{"seq": 1, "message": "x" * 10_001}]), "reports[0].lines[0].message"),
        (_report(lines=[{"seq": 0, "message": "x"}]), "reports[0].lines[0].seq"),
        (_report(lines=[{"seq": 1, "message": "x", "logged_at": "2026-01-05T12:00:00"}]), "reports[0].lines[0].logged_at"),
        (_report(worker_id="x"), "reports[0]"),
        ({"reports": [_report()["reports"][0]] * 1001}, "reports"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_its_path(body: Any, field: str | None) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(wire.SettleRequest, json.dumps(body).encode())
    assert refused.value.field == field


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"nul", b'{"reports":[NaN]}'])
def test_what_is_no_json_is_said_so(data: bytes) -> None:
    with pytest.raises(NotJson):
        read(wire.SettleRequest, data)


@pytest.mark.parametrize(
    "output", ['"\\u0000"', '"\\ud800"', "[" * 70 + "]" * 70, "1e999", '"' + "x" * 300_000 + '"']
)
def test_an_output_that_could_not_be_kept_is_refused(output: str) -> None:
    data = json.dumps(_report(outcome={"status": "succeeded", "output": 0})).replace(
        '"output": 0', f'"output": {output}'
    )
    with pytest.raises(InvalidInput):
        values.report_of(read(wire.SettleRequest, data.encode()).reports[0], NOW)


def test_metadata_are_an_object() -> None:
    body = read(wire.Line, b'{"seq":1,"message":"x\\u0000y","metadata":[1]}')
    with pytest.raises(InvalidInput):
        values.line_of(body, NOW)
    clean = values.line_of(read(wire.Line, b'{"seq":1,"message":"x\\u0000y"}'), NOW)
    assert "\x00" not in clean.message
