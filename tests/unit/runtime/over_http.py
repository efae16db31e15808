"""The fake platform behind the real routes of the worker protocol: its worker knows a server, and nothing else.

Requests go to the application as they are written, without a socket between; hints alone take a shorter way, since
tests/api/test_remote_link.py has their stream.
"""

from __future__ import annotations

import asyncio
import contextlib
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import httpx2

from taskforge.api.application import create_application
from taskforge.api.backend import ApiOptions
from taskforge.client.link import RemoteLink
from taskforge.domain.ids import DEFAULT_PROJECT
from taskforge.ports.jobs import Fence
from taskforge.services.remote_workers import RemoteWorkers
from tests.support.remote import KEY, ByHeart
from tests.unit.runtime.fake_link import FakeLink

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from uuid import UUID

    from fastapi import FastAPI

    from taskforge.client.transport import Transport
    from taskforge.domain.worker import Registration
    from taskforge.ports.link import Welcome, Work

SERVER = "http://127.0.0.1:1"


class ServedLink(FakeLink):
    """What the server knows of the worker: the fake platform, and what it has handed out."""

    def __init__(self) -> None:
        super().__init__()
        self._handed_out: dict[UUID, Fence] = {}
        self.application = _application(self)
        self._welcome: Any = None

    @property
    def poll_intervals(self) -> tuple[float, float]:
        """Both as the fake has it."""
        return self.poll_interval, self.poll_interval

    async def claim(self, free: int, suspects: int) -> Work:
        work = await super().claim(free, suspects)
        for attempt in work.attempts:
            job = attempt.job
            self._handed_out[job.execution_id] = Fence(job.id, job.claim_seq, job.execution_id)
        return work

    async def adopt(self, fences: Sequence[Fence]) -> frozenset[UUID]:
        """Those that were handed out."""
        return frozenset(f.execution_id for f in fences if self._handed_out.get(f.execution_id) == f)

    async def only(self, fences: Sequence[Fence]) -> None:
        """What the worker says it has in hand."""

    def trust_answers(self) -> None:
        """It has heard of everything."""

    def worker_end(self) -> RemoteLink:
        """The worker's own end."""
        return _InProcess(self.application)

    @contextlib.asynccontextmanager
    async def connect(self, worker_id: UUID) -> AsyncIterator[Any]:
        async with super().connect(worker_id):
            link = _InProcess(self.application, welcome=self._welcome)
            try:
                yield link
            finally:
                await link.close()


class _InProcess(RemoteLink):
    """Its requests reach the application without a socket."""

    def __init__(self, application: FastAPI, **options: Any) -> None:
        super().__init__(SERVER, KEY, **options)
        self._application = application
        self._transport = _through(application, self._transport)

    async def register(self, registration: Registration) -> Welcome:
        welcome = await super().register(registration)
        self._transport = _through(self._application, self._transport)
        served: ServedLink = self._application.state.link
        served._welcome = self.registered
        return welcome

    def forget(self, execution_ids: Sequence[UUID]) -> None:
        super().forget(execution_ids)
        self._application.state.link.forget(execution_ids)

    def on_hint(self, wake: Any, cancel: Any) -> Any:
        return self._application.state.link.on_hint(wake, cancel)


def _through(application: FastAPI, transport: Transport) -> Transport:
    """The same, with the application at its end."""

    def client() -> httpx2.AsyncClient:
        loop = asyncio.get_running_loop()
        found = transport._clients.get(loop)
        if found is None:
            found = transport._clients[loop] = httpx2.AsyncClient(
                transport=httpx2.ASGITransport(app=cast("Any", application), client=("127.0.0.1", 1)),
                headers={"Authorization": f"Bearer {transport._key}"},
            )
        return found

    transport._client = client  # type: ignore[method-assign]
    return transport


def _application(link: ServedLink) -> FastAPI:
    """The API over a backend that has one project, and in it the workers alone."""
    workers = SimpleNamespace(list=_nobody, forget=_nobody, at_work=_nobody)
    remote = RemoteWorkers(DEFAULT_PROJECT, cast("Any", workers), cast("Any", lambda **_: link))
    project = SimpleNamespace(project_id=DEFAULT_PROJECT, remote_workers=remote)
    callers = ByHeart()

    async def same(*_: Any) -> Any:
        return project

    async def unlimited(_: Any) -> None: ...

    async def projects_of(_: Any) -> list[Any]:
        return [DEFAULT_PROJECT]

    application = create_application(cast("Any", None), ApiOptions(secret=b"0" * 32))
    application.state.backend = SimpleNamespace(
        authenticator=callers,
        project=same,
        projects_of=projects_of,
        worker_token=callers.worker_token,
        security=SimpleNamespace(limits=SimpleNamespace(count_request=unlimited)),
    )
    application.state.link = link
    return application


async def _nobody(*_: Any, **__: Any) -> Any:
    return []
