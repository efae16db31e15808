"""Tracing by OpenTelemetry, where a process has set a tracer provider; everywhere else it costs a look.

The context of a trace is a text here: a W3C ``traceparent``, and after a space the ``tracestate`` if there is one.
"""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from uuid import UUID

SYSTEM = "taskforge"
SEVERAL = "(several)"
SCHEDULE_ID = "taskforge.schedule.id"
LONGEST_STATE = 512
NOTHING: Mapping[str, str] = MappingProxyType({})
_PARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
_carried: ContextVar[str | None] = ContextVar("taskforge_trace", default=None)


class Sent(Protocol):
    """What is known of a job that is enqueued."""

    @property
    def queue(self) -> str: ...
    @property
    def job_type(self) -> str: ...


def tracing_api() -> Any:
    """The API of OpenTelemetry if this process has a tracer provider, else None."""
    api = sys.modules.get("opentelemetry.trace")
    if (
        api is None or getattr(api, "_TRACER_PROVIDER", api) is None
    ):  # asking for it takes longer than enqueueing may
        return None
    return None if isinstance(api.get_tracer_provider(), api.ProxyTracerProvider) else api


def is_traced() -> bool:
    """Whether jobs that are made here belong to a trace."""
    return _carried.get() is not None or tracing_api() is not None


def is_trace(text: str | None) -> bool:
    """Whether this is the context of a span."""
    return _PARENT.fullmatch((text or "").partition(" ")[0]) is not None


def trace_of(headers: Mapping[str, str]) -> str | None:
    """The context that a request carries; None when it carries none, or what is none."""
    parent = headers.get("traceparent", "")
    if not is_trace(parent) or " " in parent:
        return None
    state = headers.get("tracestate", "")
    return f"{parent} {state}" if state and len(state) <= LONGEST_STATE and state.isascii() else parent


@contextmanager
def carrying(trace: str | None) -> Iterator[None]:
    """Within the block, jobs that are made belong to this trace, unless a span of this process is current."""
    if trace is None:
        yield
        return
    token = _carried.set(trace)
    try:
        yield
    finally:
        _carried.reset(token)


def headers_of_now() -> dict[str, str]:
    """What a request carries of the span that is current."""
    api = tracing_api()
    context = None if api is None else api.get_current_span().get_span_context()
    if context is None or not context.is_valid:
        return {}
    parent, _, state = written(context).partition(" ")
    return {"traceparent": parent, **({"tracestate": state} if state else {})}


def written(context: Any) -> str:
    """The context of a span as text."""
    parent = f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"
    state = context.trace_state.to_header() if context.trace_state else ""
    return f"{parent} {state}" if state and len(state) <= LONGEST_STATE else parent


def read(trace: str | None) -> Any:
    """The context of a span that another process has written; None when it says nothing."""
    parent, _, state = (trace or "").partition(" ")
    found = _PARENT.fullmatch(parent)
    if found is None:
        return None
    from opentelemetry.trace import SpanContext, TraceFlags, TraceState

    return SpanContext(
        int(found[1], 16),
        int(found[2], 16),
        is_remote=True,
        trace_flags=TraceFlags(int(found[3], 16)),
        trace_state=TraceState.from_header([state]) if state else None,
    )


@contextmanager
def within(trace: str | None) -> Iterator[None]:
    """Within the block this is the current span, if OpenTelemetry is here: of another process, that ends it."""
    api = sys.modules.get("opentelemetry.trace")
    context = None if api is None else read(trace)
    if api is None or context is None:
        yield
        return
    with api.use_span(api.NonRecordingSpan(context)):
        yield


@contextmanager
def sending(
    queue: str, job_type: str | None, count: int, known: Mapping[str, str] = NOTHING
) -> Iterator[str | None]:
    """The span of enqueueing so many jobs; answers the trace that they belong to. ``known``: more attributes."""
    api = tracing_api()
    if api is None:
        yield _carried.get()
        return
    parent = None
    carried = read(_carried.get())
    if carried is not None and not api.get_current_span().get_span_context().is_valid:
        parent = api.set_span_in_context(api.NonRecordingSpan(carried))
    attributes: dict[str, Any] = {**attributes_of("send", queue, job_type), **known}
    if count > 1:
        attributes["messaging.batch.message_count"] = count
    tracer = api.get_tracer(SYSTEM)
    with tracer.start_as_current_span(
        f"send {queue}", context=parent, kind=api.SpanKind.PRODUCER, attributes=attributes
    ) as span:
        yield written(span.get_span_context())


@contextmanager
def sending_all(requests: Sequence[Sent]) -> Iterator[str | None]:
    """`sending` of these jobs together; None, and no span, where nothing is traced."""
    if not is_traced():
        yield None
        return
    queues, types = {request.queue for request in requests}, {request.job_type for request in requests}
    queue = queues.pop() if len(queues) == 1 else SEVERAL
    with sending(queue, types.pop() if len(types) == 1 else None, len(requests)) as trace:
        yield trace


def sent_by_schedule(schedule_id: UUID, name: str, queue: str, job_type: str, count: int) -> str | None:
    """The span of a due time's jobs, which says whose they are; answers the trace that they belong to."""
    known = {SCHEDULE_ID: str(schedule_id), "taskforge.schedule.name": name}
    with sending(queue, job_type, count, known) as trace:
        return trace


def attributes_of(operation: str, queue: str, job_type: str | None) -> dict[str, Any]:
    """What the semantic conventions of messaging want to know of an operation."""
    found = {
        "messaging.system": SYSTEM,
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
        "messaging.destination.name": queue,
    }
    return found if job_type is None else {**found, "taskforge.task": job_type}


def note_id(job_id: object) -> None:
    """The job that the current span makes."""
    api = tracing_api()
    if api is not None:
        api.get_current_span().set_attribute("messaging.message.id", str(job_id))
