"""A trace goes from who enqueues, in another process or over HTTP, through the job to its runs."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from taskforge import Context, Retry, TaskForge
from taskforge.client import Client
from taskforge.runtime.correlation import identifiers
from taskforge.sdk import tracing
from taskforge.storage.engine import One
from tests.api.installation import running
from tests.support.eventually import eventually
from tests.support.remote import KEY, served

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opentelemetry.sdk.trace import ReadableSpan

pytestmark = pytest.mark.anyio

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
FAST: dict[str, Any] = {"poll_seconds": 0.05, "poll_without_hints_seconds": 0.05}


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """This process has a tracer provider, and what it exports."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    yield exporter
    provider.shutdown()


def application(url: str, **settings: Any) -> tuple[TaskForge, list[Any]]:
    """An application whose tasks say what they see."""
    app = TaskForge(url, **FAST, **settings)
    seen: list[Any] = []

    @app.task(name="plain", queue="mail")
    async def plain() -> None:
        seen.append(identifiers())
        logging.getLogger("shop").info("in the task")

    @app.task(name="threaded", queue="mail")
    def threaded() -> None:
        with trace.get_tracer("shop").start_as_current_span("own work"):
            seen.append(identifiers())

    @app.task(name="stumble", queue="mail", max_attempts=3)
    async def stumble(ctx: Context) -> None:
        if ctx.attempt == 1:
            raise Retry(after=0)
        if ctx.attempt == 2:
            raise ValueError("a secret that nobody hid")

    return app, seen


def named(spans: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    """Finished spans, in the order of their beginning."""
    found = [span for span in spans.get_finished_spans() if span.name == name]
    return sorted(found, key=lambda span: span.start_time or 0)


async def ended(spans: InMemorySpanExporter, name: str, count: int) -> None:
    """At least so many are finished."""
    found = named(spans, name)
    assert sum(max(1, len(span.links)) for span in found) >= count


async def traces(app: TaskForge, *job_ids: UUID) -> Sequence[Any]:
    """What is kept of these jobs."""
    platform = await app.platform()
    asked = {"project_id": platform.project_id, "job_ids": list(job_ids)}
    return await platform.foundation.engine.read(One("traces_of_jobs", asked))


async def test_enqueue_wait_run_and_settle_are_spans_of_one_trace(
    sqlite_url: str, spans: InMemorySpanExporter
) -> None:
    app, seen = application(sqlite_url)
    async with app, app.worker(name="w-1"):
        with trace.get_tracer("web").start_as_current_span("request") as request:
            job = await app.registry.find("plain").aenqueue()
            await app.registry.find("threaded").aenqueue()
        await eventually(lambda: ended(spans, "settle mail", 2))
    sent, waited, ran = (named(spans, f"{what} mail") for what in ("send", "wait", "process"))
    assert [len(found) for found in (sent, waited, ran)] == [2, 2, 2]
    whole = request.get_span_context().trace_id
    for send, wait, process in zip(sent, waited, ran, strict=True):
        assert send.parent is not None
        assert send.parent.span_id == request.get_span_context().span_id
        assert {span.context.trace_id for span in (send, wait, process)} == {whole}
        assert wait.parent is not None
        assert process.parent is not None
        assert wait.parent.span_id == process.parent.span_id == send.context.span_id
        assert wait.end_time is not None
        assert wait.end_time <= (process.end_time or 0)
    assert (sent[0].kind, ran[0].kind) == (trace.SpanKind.PRODUCER, trace.SpanKind.CONSUMER)
    attributes = dict(ran[0].attributes or {})
    assert UUID(str(attributes.pop("taskforge.execution.id"))).version == 7
    assert attributes == {
        "messaging.system": "taskforge",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "mail",
        "messaging.message.id": str(job.id),
        "taskforge.task": "plain",
        "taskforge.attempt": 1,
        "taskforge.worker": "w-1",
        "taskforge.outcome": "succeeded",
    }
    settled = [link.context for span in named(spans, "settle mail") for link in span.links]
    assert {context.span_id for context in settled} == {span.context.span_id for span in ran}
    [own] = named(spans, "own work")
    assert own.parent is not None
    assert own.parent.span_id in {span.context.span_id for span in ran}
    assert {found["trace_id"] for found in seen} == {f"{whole:032x}"}


async def test_attempts_are_linked_to_the_ones_before(sqlite_url: str, spans: InMemorySpanExporter) -> None:
    app, _ = application(sqlite_url)
    async with app, app.worker():
        await (await app.registry.find("stumble").options(retry_base=0.01).aenqueue()).aresult(timeout=30)
    [sent] = named(spans, "send mail")
    first, second, third = named(spans, "process mail")
    assert [list(span.links) for span in (first,)] == [[]]
    assert [link.context.span_id for link in second.links] == [first.context.span_id]
    assert [link.context.span_id for link in third.links] == [second.context.span_id]
    assert {span.context.trace_id for span in (first, second, third)} == {sent.context.trace_id}
    assert (second.status.status_code, (second.attributes or {})["error.type"]) == (
        trace.StatusCode.ERROR,
        "ValueError",
    )
    assert third.status.status_code is trace.StatusCode.UNSET


async def test_many_jobs_are_one_span(sqlite_url: str, spans: InMemorySpanExporter) -> None:
    app, _ = application(sqlite_url)
    async with app:
        plain = app.registry.find("plain")
        await app.aenqueue_many([plain.job() for _ in range(3)])
        async with app.worker():
            await eventually(lambda: ended(spans, "process mail", 3))
    [sent] = named(spans, "send mail")
    assert (sent.attributes or {})["messaging.batch.message_count"] == 3
    parents = {span.parent.span_id for span in named(spans, "process mail") if span.parent is not None}
    assert parents == {sent.context.span_id}


async def test_a_callers_own_transaction_carries_its_trace(
    sqlite_url: str, spans: InMemorySpanExporter
) -> None:
    app, _ = application(sqlite_url)
    task = app.registry.find("plain")
    async with app:
        await app.platform()
        with (
            closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as connection,
            trace.get_tracer("web").start_as_current_span("request") as request,
        ):
            connection.execute("BEGIN")
            kept = await task.aenqueue_in(connection)
            connection.commit()
            connection.execute("BEGIN")
            taken_back = await task.aenqueue_in(connection)
            connection.rollback()
        whole = request.get_span_context().trace_id
        [found] = await traces(app, kept.id, taken_back.id)
        sent = named(spans, "send mail")
        assert [span.parent and span.parent.span_id for span in sent] == [
            request.get_span_context().span_id
        ] * 2
        assert (sent[0].attributes or {})["messaging.message.id"] == str(kept.id)
        assert found["trace"].split("-")[1:3] == [f"{whole:032x}", f"{sent[0].context.span_id:016x}"]
        async with app.worker():
            await kept.aresult(timeout=30)
            await eventually(lambda: ended(spans, "settle mail", 1))
    [ran] = named(spans, "process mail")
    assert ran.context.trace_id == whole


async def test_a_schedule_s_jobs_say_in_their_trace_whose_they_are(
    sqlite_url: str, spans: InMemorySpanExporter
) -> None:
    app, _ = application(sqlite_url)
    async with app, app.worker():
        platform = await app.platform()
        made = await platform.schedules.create(
            "nightly", {"task": "plain", "queue": "mail", "cron": "0 3 * * *"}
        )
        with trace.get_tracer("web").start_as_current_span("request") as request:
            await platform.schedules.trigger(made.name)
        await eventually(lambda: ended(spans, "settle mail", 1))
    [sent], [ran] = named(spans, "send mail"), named(spans, "process mail")
    assert {span.context.trace_id for span in (sent, ran)} == {request.get_span_context().trace_id}
    attributes = dict(sent.attributes or {})
    assert (attributes["taskforge.schedule.name"], attributes["taskforge.schedule.id"]) == (
        "nightly", str(made.id),
    )  # fmt: skip
    assert (ran.attributes or {})["taskforge.schedule.id"] == str(made.id)
    assert ran.parent is not None
    assert ran.parent.span_id == sent.context.span_id


async def test_a_request_s_trace_is_carried_though_the_server_has_no_tracer(sqlite_url: str) -> None:
    async with running(sqlite_url) as installation:
        client = installation.client
        await client.post("/queues", {"name": "mail"})
        made = []
        for headers in ({"traceparent": PARENT, "tracestate": "a=1"}, {"traceparent": "00-nonsense-01"}, {}):
            answer = await client.post("/jobs", {"job_type": "plain", "queue_name": "mail"}, headers=headers)
            made.append(UUID(answer.json()["data"]["id"]))
    app, _ = application(sqlite_url)
    async with app:
        assert [row["trace"] for row in await traces(app, *made)] == [f"{PARENT} a=1"]


async def test_a_remote_worker_goes_on_with_the_trace(sqlite_url: str, spans: InMemorySpanExporter) -> None:
    with served(sqlite_url) as server:
        app, _ = application(sqlite_url, server=server, key=KEY)
        async with Client(server, KEY) as client:
            with trace.get_tracer("web").start_as_current_span("request") as request:
                await client.queues.acreate("mail")
                job = await client.jobs.acreate("stumble", {}, queue="mail")
            async with app.worker():
                await client.jobs.aresult(job.id, 30)
    processed = named(spans, "process mail")
    assert len(processed) == 3
    assert {span.context.trace_id for span in processed} == {request.get_span_context().trace_id}
    assert [len(span.links) for span in processed] == [0, 1, 1]


def test_what_is_no_trace_is_none() -> None:
    for parent in (
        "",
        "00-" + "0" * 32 + "-00f067aa0ba902b7-01",
        PARENT + "x",
        PARENT.upper(),
        f"{PARENT} a=1",
    ):
        assert tracing.trace_of({"traceparent": parent}) is None
    assert tracing.trace_of({"traceparent": PARENT, "tracestate": "x" * 600}) == PARENT
    context = tracing.read(f"{PARENT} vendor=1")
    assert tracing.written(context) == f"{PARENT} vendor=1"
    assert tracing.read("nonsense") is None


async def test_without_a_tracer_nothing_is_written(sqlite_url: str) -> None:
    app, seen = application(sqlite_url)
    async with app, app.worker():
        await (await app.registry.find("plain").aenqueue()).aresult(timeout=30)
        assert await traces(app, UUID(seen[0]["job_id"])) == []
    assert "trace_id" not in seen[0]
    assert not tracing.is_traced()
