"""Server-sent events: a stream ends when the server does, and says something now and then, so that a dead peer is seen."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from starlette.responses import StreamingResponse

from taskforge.api.guard import check_again
from taskforge.domain.errors import TaskforgeError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from taskforge.api.call import Call
    from taskforge.api.stopping import Stopping

HEARTBEAT_SECONDS = 15.0
CHECK_SECONDS = 2.0
"""A revoked credential ends its streams within this, and the time for which a look-up of it is remembered."""
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


def event_stream(events: AsyncIterator[str], stopping: Stopping, call: Call) -> StreamingResponse:
    """An answer of these events, each a text with its empty line.

    It ends when they do, when the reader or the server does, and when the caller's credential no longer holds.
    """
    return StreamingResponse(
        _until_the_end(events, stopping, call), headers=HEADERS, media_type="text/event-stream"
    )


async def _until_the_end(events: AsyncIterator[str], stopping: Stopping, call: Call) -> AsyncIterator[str]:
    yield HEARTBEAT  # the head of the answer goes out with it
    ending = asyncio.create_task(stopping.wait())
    following: asyncio.Task[str] | None = None
    loop = asyncio.get_running_loop()
    check_at, speak_at = loop.time() + CHECK_SECONDS, loop.time() + HEARTBEAT_SECONDS
    try:
        while not stopping.is_set:
            if loop.time() >= check_at:
                await check_again(call)
                check_at = loop.time() + CHECK_SECONDS
            following = following or asyncio.ensure_future(_next(events))
            done, _ = await asyncio.wait(
                {ending, following},
                timeout=max(0.0, min(check_at, speak_at) - loop.time()),
                return_when=asyncio.FIRST_COMPLETED,
            )
            if following in done:
                try:
                    event = following.result()
                except StopAsyncIteration:
                    return
                following = None
                yield event
                speak_at = loop.time() + HEARTBEAT_SECONDS
            elif not done and loop.time() >= speak_at:
                yield HEARTBEAT
                speak_at = loop.time() + HEARTBEAT_SECONDS
    except TaskforgeError:
        return  # the head of the answer is gone: the caller comes again, and is told then
    finally:
        ending.cancel()
        if following is not None:
            following.cancel()
            await asyncio.wait({following})


async def _next(events: AsyncIterator[str]) -> str:
    return await anext(events)
