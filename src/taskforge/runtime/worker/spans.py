"""The spans of a worker: how long a job waited, its run, and how its end is written down."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from taskforge.domain.keys import schedule_in
from taskforge.domain.outcome import Cancelled, Failed, Released, Snoozed, Succeeded
from taskforge.sdk.context import Context, use_context
from taskforge.sdk.secrets import SECRETS
from taskforge.sdk.tracing import SCHEDULE_ID, SYSTEM, attributes_of, read, tracing_api, written

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from taskforge.runtime.worker.running import Running


class Spans:
    """Made of the API of OpenTelemetry where the process has a tracer provider."""

    def __init__(self, api: Any, worker: str) -> None:
        self._api = api
        self._tracer = api.get_tracer(SYSTEM)
        self._worker = worker

    def begin(self, running: Running) -> None:
        """A claimed job is about to run: its parent is the span that made it, a link leads to the attempt before."""
        attempt = running.attempt
        job, trace = attempt.job, attempt.trace
        creation = None if trace is None else read(trace.creation)
        previous = None if trace is None else read(trace.previous)
        parent = self._api.set_span_in_context(self._api.INVALID_SPAN)
        if creation is not None:
            parent = self._api.set_span_in_context(self._api.NonRecordingSpan(creation))
        attributes = {
            **attributes_of("process", attempt.queue_name, job.job_type),
            "messaging.message.id": str(job.id),
            "taskforge.execution.id": str(job.execution_id),
            "taskforge.attempt": job.attempt,
            "taskforge.worker": self._worker,
        }
        schedule_id = schedule_in(job.concurrency_key)
        if schedule_id is not None:
            attributes[SCHEDULE_ID] = schedule_id
        now = time.time_ns()
        links = [] if previous is None else [self._api.Link(previous)]
        if trace is not None:
            begun = now - 1000 * max(0, trace.waited_us)
            waiting = self._tracer.start_span(
                f"wait {attempt.queue_name}",
                context=parent,
                attributes=attributes
                | {"messaging.operation.name": "wait", "messaging.operation.type": "receive"},
                start_time=begun,
            )
            waiting.end(now)
        running.span = self._tracer.start_span(
            f"process {attempt.queue_name}",
            context=parent,
            kind=self._api.SpanKind.CONSUMER,
            attributes=attributes,
            links=links,
            start_time=now,
        )

    @contextmanager
    def inside(self, running: Running, context: Context) -> Iterator[None]:
        """The handler runs here."""
        with (
            use_context(context),
            self._api.use_span(
                running.span, end_on_exit=False, record_exception=False, set_status_on_exception=False
            ),
        ):
            yield

    def end(self, running: Running) -> None:
        """How it ended is known; None: its lease was lost."""
        span, running.span = running.span, None
        match running.outcome:
            case Succeeded():
                span.set_attribute("taskforge.outcome", "succeeded")
            case Failed(error):
                span.set_attribute("taskforge.outcome", "failed")
                span.set_attribute("error.type", error.type)
                span.set_status(
                    self._api.Status(
                        self._api.StatusCode.ERROR, SECRETS.text(f"{error.type}: {error.message}")[:1000]
                    )
                )
            case Cancelled():
                span.set_attribute("taskforge.outcome", "cancelled")
            case Snoozed():
                span.set_attribute("taskforge.outcome", "snoozed")
            case Released():
                span.set_attribute("taskforge.outcome", "released")
            case _:
                span.set_attribute("error.type", "lease_lost")
                span.set_status(self._api.Status(self._api.StatusCode.ERROR, "the lease was lost"))
        if isinstance(running.outcome, Failed | Snoozed | Released):
            running.trace = written(span.get_span_context())
        running.ran = span.get_span_context()
        span.end()

    @contextmanager
    def settling(self, batch: Sequence[Running]) -> Iterator[None]:
        """The ends of these are written down."""
        queues = {running.attempt.queue_name for running in batch}
        queue = queues.pop() if len(queues) == 1 else "(several)"
        attributes = {**attributes_of("settle", queue, None), "messaging.batch.message_count": len(batch)}
        links = [self._api.Link(running.ran) for running in batch if running.ran is not None]
        with self._tracer.start_as_current_span(
            f"settle {queue}",
            context=None,
            kind=self._api.SpanKind.CLIENT,
            attributes=attributes,
            links=links,
        ):
            yield


def spans_of(worker: str) -> Spans | None:
    """Those of this process; None where nobody traces."""
    api = tracing_api()
    return None if api is None else Spans(api, worker)
