"""Server-sent events: a stream ends when the server does, and says something now and then, so that a dead peer is seen."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from starlette.responses import StreamingResponse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from taskforge.api.stopping import Stopping

HEARTBEAT_SECONDS = 15.0
HEARTBEAT = ": still here\n\n"
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
EVENT_STREAM: dict[str, Any] = {
    "responses": {
        "200": {
            "description": "A stream of events",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        }
    }
}
"""What OpenAPI says of such an operation."""


def event_stream(events: AsyncIterator[str], stopping: Stopping) -> StreamingResponse:
    """An answer of these events, each a text with its empty line, until they, the reader or the server end."""
    return StreamingResponse(
        _until_the_end(events, stopping), headers=HEADERS, media_type="text/event-stream"
    )


async def _until_the_end(events: AsyncIterator[str], stopping: Stopping) -> AsyncIterator[str]:
    yield HEARTBEAT  # the head of the answer goes out with it
    ending = asyncio.create_task(stopping.wait())
    following: asyncio.Task[str] | None = None
    try:
        while not stopping.is_set:
            following = following or asyncio.ensure_future(_next(events))
            done, _ = await asyncio.wait(
                {ending, following}, timeout=HEARTBEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            if following in done:
                try:
                    event = following.result()
                except StopAsyncIteration:
                    return
                following = None
                yield event
            elif not done:
                yield HEARTBEAT
    finally:
        ending.cancel()
        if following is not None:
            following.cancel()
            await asyncio.wait({following})


async def _next(events: AsyncIterator[str]) -> str:
    return await anext(events)
