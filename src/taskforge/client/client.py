"""``Client``: a server from the outside, for programs that have no database."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from taskforge.client.access import Keys, Organizations, Projects, Roles, Users
from taskforge.client.alerts import Alerts
from taskforge.client.assignments import Assignments
from taskforge.client.audit import Audit
from taskforge.client.breakers import Breakers
from taskforge.client.errors import Errors
from taskforge.client.metrics import Metrics
from taskforge.client.pauses import Pauses
from taskforge.client.resources import Jobs, Operations, Queues, Tasks, Workers
from taskforge.client.scaling import Scaling
from taskforge.client.schedules import Schedules
from taskforge.client.transport import Transport
from taskforge.client.views import Event
from taskforge.domain.errors import Unavailable
from taskforge.sdk.bridge import Bridge

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType
    from typing import Self

RECONNECT_FIRST, RECONNECT_LONGEST = 0.2, 5.0


class Client:
    """``with Client("https://jobs.example.org", "tfk_...") as client: client.jobs.get(job_id)``.

    Each verb has an asynchronous form (``await client.jobs.aget(job_id)``). ``timeout`` is seconds for an answer;
    a request that may be sent twice is sent up to ``tries`` times while the server is away. Errors are those that
    the same call raises beside a database.
    """

    def __init__(self, server: str, key: str, *, timeout: float = 30.0, tries: int = 4) -> None:
        self._bridge = Bridge()
        self._transport = Transport(server, key, timeout=timeout, tries=tries)
        self._bridge.on_close(self._transport.close)
        self.jobs = Jobs(self._transport, self._bridge)
        self.queues = Queues(self._transport, self._bridge)
        self.workers = Workers(self._transport, self._bridge)
        self.assignments = Assignments(self._transport, self._bridge)
        self.tasks = Tasks(self._transport, self._bridge)
        self.operations = Operations(self._transport, self._bridge)
        self.schedules = Schedules(self._transport, self._bridge)
        self.scaling = Scaling(self._transport, self._bridge)
        self.breakers = Breakers(self._transport, self._bridge)
        self.alerts = Alerts(self._transport, self._bridge)
        self.errors = Errors(self._transport, self._bridge)
        self.users = Users(self._transport, self._bridge)
        self.keys = Keys(self._transport, self._bridge)
        self.projects = Projects(self._transport, self._bridge)
        self.roles = Roles(self._transport, self._bridge)
        self.organizations = Organizations(self._transport, self._bridge)
        self.pauses = Pauses(self._transport, self._bridge)
        self.audit = Audit(self._transport, self._bridge)
        self.metrics = Metrics(self._transport, self._bridge)

    async def events(self, *kinds: str) -> AsyncIterator[Event]:
        """What may have changed (``job``, ``queue``, ``worker``), for ever: it connects again where it broke off.

        The first event is a ``reset``, as is the one after something was missed: look at everything then.
        """
        last: str | None = None
        pause = RECONNECT_FIRST
        params: dict[str, Any] = {"type": list(kinds)} if kinds else {}
        while True:
            headers = {} if last is None else {"Last-Event-ID": last}
            try:
                async with self._transport.lines("/events", params=params, headers=headers) as lines:
                    async for event in _events(lines):
                        pause = RECONNECT_FIRST
                        last = event.id
                        yield event
            except Unavailable:
                pass
            await asyncio.sleep(pause)
            pause = min(RECONNECT_LONGEST, pause * 2)

    def close(self) -> None:
        """Close what synchronous calls have opened."""
        self._bridge.close()

    async def aclose(self) -> None:
        """Close what the running event loop has opened."""
        await self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


async def _events(lines: AsyncIterator[str]) -> AsyncIterator[Event]:
    found: dict[str, str] = {}
    async for line in lines:
        name, _, value = line.partition(": ")
        if name in ("id", "event", "data"):
            found[name] = value
        elif not line and "id" in found:
            data = msgspec.json.decode(found.get("data", "{}"))
            yield msgspec.convert({**data, "id": found["id"], "kind": found.get("event", "")}, Event)
            found = {}
