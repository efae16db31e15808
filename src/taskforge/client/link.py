"""The link of a worker whose platform is a server: no database, the same promises."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, TypeVar

from taskforge.client.transport import Transport
from taskforge.domain.errors import NameTaken, TaskforgeError, TooManyRequests, Unauthenticated, Unavailable
from taskforge.ports.link import BeatReply, Welcome, Work
from taskforge.sdk.tracing import tracing_api
from taskforge.services.processes import is_alive
from taskforge.wire import link as wire
from taskforge.wire import values
from taskforge.wire.codec import read, write
from taskforge.wire.envelope import data_of
from taskforge.wire.usage import usage_body

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from uuid import UUID

    import msgspec

    from taskforge.domain.job import ClaimedJob
    from taskforge.domain.outcome import Report
    from taskforge.domain.worker import Incidents, ProcessIdentity, Registration, Usage
    from taskforge.ports.jobs import Beat, FencedLine

    A = TypeVar("A", bound=wire.Answer)

MAX_BYTES = 4 * 1024 * 1024
"""What one message may be; the server takes twice as much."""
RECONNECT_FIRST, RECONNECT_LONGEST = 0.2, 5.0
WANTS_COMMANDS = {"Prefer": "return=representation"}

logger = logging.getLogger("taskforge.link")


class RemoteLink:
    """Implements ``Link`` over HTTP. Give ``welcome`` and ``token`` for a second link of a worker."""

    def __init__(self, server: str, key: str, *, welcome: wire.RegisterAnswer | None = None) -> None:
        self._server = server
        self._transport = Transport(server, key if welcome is None else welcome.token)
        self._welcome = welcome
        self._held: dict[UUID, ClaimedJob] = {}
        self._may_own_more = False
        self._hears = False

    def lull(self) -> float:
        return 0.0

    def stand_by(
        self, suspects: int, take: Callable[[Work | None, float], None]
    ) -> Callable[[], bool] | None:
        return None

    @property
    def poll_interval(self) -> float:
        welcome = self.registered
        return (welcome.poll_interval_ms if self._hears else welcome.poll_without_hints_ms) / 1000

    @property
    def registered(self) -> wire.RegisterAnswer:
        """What the server said when the worker registered. Raises Unauthenticated before."""
        if self._welcome is None:
            raise Unauthenticated("this worker has not registered")
        return self._welcome

    async def register(self, registration: Registration) -> Welcome:
        """Announce this incarnation; from then on its own credential is used, not the key."""
        try:
            answer = await self._register(registration, None)
        except NameTaken as error:
            if error.process is None or is_alive(error.process) is not False:
                raise
            answer = await self._register(registration, error.process)
        await self._transport.close()
        self._transport = Transport(self._server, answer.token)
        self._welcome = answer
        return Welcome(answer.worker_id, answer.lease_ms / 1000, answer.heartbeat_interval_ms / 1000)

    async def _register(
        self, registration: Registration, replaces: ProcessIdentity | None
    ) -> wire.RegisterAnswer:
        body = write(values.register_request(registration, replaces))
        answer = await self._transport.send("POST", "/workers", body=body)
        return read(wire.RegisterAnswer, data_of(answer.body))

    async def claim(self, free: int, suspects: int) -> Work:
        in_hand = None
        if self._may_own_more:
            in_hand = [values.fence_body(job) for job in self._held.values()]
        self._may_own_more = True
        answer = await self._ask(
            "claim",
            wire.ClaimRequest(
                free=free, suspects=suspects, in_hand=in_hand, traced=tracing_api() is not None
            ),
            wire.ClaimAnswer,
        )
        self._may_own_more = False
        attempts = [values.attempt_of(body) for body in answer.attempts]
        for attempt in attempts:
            self._held[attempt.job.execution_id] = attempt.job
        due = answer.next_due_in_ms
        return Work(attempts, answer.now, None if due is None else due / 1000, answer.wanted_slots)

    async def settle(self, reports: Sequence[Report]) -> frozenset[UUID]:
        lost: set[UUID] = {r.execution_id for r in reports if r.execution_id not in self._held}
        known = [report for report in reports if report.execution_id in self._held]
        lost |= await self._settle(known)
        self.forget([report.execution_id for report in known])
        return frozenset(lost)

    async def _settle(self, reports: Sequence[Report]) -> frozenset[UUID]:
        """In as many messages as their size demands."""
        if not reports:
            return frozenset()
        bodies = [values.report_body(report, self._held[report.execution_id]) for report in reports]
        data = write(wire.SettleRequest(reports=bodies))
        if len(data) > MAX_BYTES and len(reports) > 1:
            half = len(reports) // 2
            return await self._settle(reports[:half]) | await self._settle(reports[half:])
        if len(data) > MAX_BYTES and reports[0].lines:
            job = self._held[reports[0].execution_id]
            await self.log([(job.id, job.claim_seq, job.execution_id, line) for line in reports[0].lines])
            return await self._settle([reports[0]._replace(lines=())])
        return frozenset(read(wire.LostAnswer, data_of(await self._post("settle", data))).lost)

    async def beat(
        self, beats: Sequence[Beat], incidents: Incidents | None = None, usage: Usage | None = None
    ) -> BeatReply:
        answer = await self._ask(
            "heartbeat",
            wire.HeartbeatRequest(
                executions=[values.beat_body(beat) for beat in beats],
                incidents=values.incidents_body(incidents),
                usage=usage_body(usage),
            ),
            wire.HeartbeatAnswer,
        )
        return BeatReply(
            frozenset(answer.cancel), frozenset(answer.lost), answer.drain, answer.max_concurrent_jobs
        )

    async def log(self, lines: Sequence[FencedLine]) -> frozenset[UUID]:
        if not lines:
            return frozenset()
        data = write(values.log_request(lines))
        if (len(data) > MAX_BYTES or len(lines) > wire.MAX_LINES) and len(lines) > 1:
            half = len(lines) // 2
            return await self.log(lines[:half]) | await self.log(lines[half:])
        return frozenset(read(wire.LostAnswer, data_of(await self._post("log", data))).lost)

    def forget(self, execution_ids: Sequence[UUID]) -> None:
        for execution_id in execution_ids:
            self._held.pop(execution_id, None)

    async def leave(self) -> None:
        in_hand = [values.fence_body(job) for job in self._held.values()] if self._may_own_more else None
        await self._post("leave", write(wire.LeaveRequest(in_hand=in_hand)))

    async def close(self) -> None:
        """Let go of the connections."""
        await self._transport.close()

    def on_hint(self, wake: Callable[[], None], cancel: Callable[[], None]) -> Callable[[], None]:
        hearing = asyncio.get_running_loop().create_task(self._hear(wake, cancel))
        return lambda: _end(hearing)

    async def _hear(self, wake: Callable[[], None], cancel: Callable[[], None]) -> None:
        pause = RECONNECT_FIRST
        while True:
            try:
                async with self._transport.lines(self._path("hints")) as lines:
                    self._hears = True
                    pause = RECONNECT_FIRST
                    async for line in lines:
                        if line == "event: ready":
                            wake()
                        elif line == "event: cancel":
                            cancel()
            except TaskforgeError as error:
                logger.debug("no hints for now: %s", error)
            finally:
                self._hears = False
            await asyncio.sleep(pause)
            pause = min(RECONNECT_LONGEST, pause * 2)

    async def _ask(self, verb: str, request: msgspec.Struct, kind: type[A]) -> A:
        return read(kind, data_of(await self._post(verb, write(request))))

    async def _post(self, verb: str, body: bytes) -> bytes:
        timeout = max(5.0, self.registered.lease_ms / 2000)
        try:
            answer = await self._transport.send(
                "POST", self._path(verb), body=body, headers=WANTS_COMMANDS, timeout=timeout
            )
        except TooManyRequests as error:  # nothing is wrong with what was sent: it is to be sent again
            raise Unavailable(f"{self._server}: {error.message}") from error
        return answer.body

    def _path(self, verb: str) -> str:
        return f"/workers/{self.registered.worker_id}/{verb}"


class ServerSource:
    """Where a remote worker gets its links from. Nothing here opens a database."""

    def __init__(self, server: str, key: str) -> None:
        self._server = server
        self._key = key
        self._link: RemoteLink | None = None

    async def open(self) -> RemoteLink:
        """The worker's own link, not yet registered."""
        self._link = RemoteLink(self._server, self._key)
        return self._link

    @contextlib.asynccontextmanager
    async def beat_link(self, worker_id: UUID) -> AsyncIterator[RemoteLink]:
        """A second link of the registered worker, with a connection of its own, for the loop of its heartbeats."""
        if self._link is None or self._link.registered.worker_id != worker_id:
            raise Unauthenticated("this worker has not registered here")
        link = RemoteLink(self._server, self._key, welcome=self._link.registered)
        try:
            yield link
        finally:
            await link.close()

    async def close(self) -> None:
        """Let go of what this event loop has opened."""
        if self._link is not None:
            await self._link.close()


def _end(hearing: asyncio.Task[None]) -> None:
    with contextlib.suppress(RuntimeError):  # its event loop has ended
        hearing.get_loop().call_soon_threadsafe(hearing.cancel)
