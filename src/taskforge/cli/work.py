"""Running a worker process for the commands `worker` and `dev`."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskforge.cli.arguments import pairs, seconds, split
from taskforge.cli.errors import note
from taskforge.cli.logs import write_logs
from taskforge.domain.bounds import check_seconds
from taskforge.domain.errors import InvalidInput, NotFound
from taskforge.domain.names import check_name
from taskforge.domain.worker import MAX_CONCURRENCY, WorkerType

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from taskforge.app import TaskForge
    from taskforge.cli.session import Session
    from taskforge.runtime.liveness import LivenessOptions
    from taskforge.runtime.worker.worker import Worker
    from taskforge.settings import Settings


@dataclass(frozen=True, slots=True)
class WorkerChoice:
    """What the options say of the worker; None leaves it to the settings and the tasks."""

    queues: Sequence[str]
    concurrency: int | None
    name: str | None
    type: WorkerType
    capabilities: dict[str, Any]
    grace: float | None

    @classmethod
    def parse(
        cls,
        *,
        queues: Sequence[str] | None,
        concurrency: int | None,
        name: str | None,
        worker_type: str,
        capabilities: Sequence[str] | None,
        grace: str | None,
    ) -> WorkerChoice:
        """The texts of the command line, checked. Raises InvalidInput."""
        if worker_type not in list(WorkerType):
            raise InvalidInput(
                f"there is no worker type {worker_type!r}",
                field="type",
                hint=f"types: {', '.join(WorkerType)}",
            )
        if concurrency is not None and not 1 <= concurrency <= MAX_CONCURRENCY:
            raise InvalidInput(
                f"concurrency must be from 1 to {MAX_CONCURRENCY}, not {concurrency}", field="concurrency"
            )
        wait = seconds(grace, "grace")
        return cls(
            queues=[check_name(queue) for queue in split(queues)],
            concurrency=concurrency,
            name=None if name is None else check_name(name, "worker name"),
            type=WorkerType(worker_type),
            capabilities=pairs(capabilities),
            grace=None if wait is None else check_seconds(wait, "grace", least=0.0),
        )


def run_worker(
    session: Session,
    reference: str | None,
    choice: WorkerChoice,
    *,
    liveness: Mapping[str, Any] | None = None,
    leaves_with_parent: bool = False,
    schedules: bool = False,
    autoscale: bool = False,
) -> int:
    """Run a worker of the application until it is told to stop; answer the exit code.

    ``liveness`` are the settings of that name which the command line gives. ``schedules``: it is a scheduler as well.
    ``autoscale``: it starts and stops further workers.
    """
    from taskforge.runtime.process import DRAINED, run_worker_process
    from taskforge.runtime.standard_streams import never_blocking

    with never_blocking():
        application = session.application(reference)
        application.configure(**(liveness or {}))
        write_logs(application.settings, verbose=session.verbose)
        if leaves_with_parent:
            leave_with_parent()
        command = None
        if autoscale:
            from taskforge.cli.scaling_run import command_of_workers

            command = command_of_workers(session, reference, choice.concurrency)
        return run_worker_process(
            lambda: _opened(application, choice, schedules=schedules, command=command),
            liveness_of(application.settings),
            after_drain=DRAINED if leaves_with_parent else 0,
        )


def liveness_of(settings: Settings) -> LivenessOptions:
    """Where and when a process tells that it is alive."""
    from taskforge.runtime.liveness import LivenessOptions

    return LivenessOptions(
        file=None if settings.liveness_file is None else Path(settings.liveness_file),
        port=settings.liveness_port or None,
        metrics_port=settings.metrics_port or None,
        host=settings.liveness_host,
        limit=settings.liveness_seconds,
    )


@asynccontextmanager
async def _opened(
    application: TaskForge,
    choice: WorkerChoice,
    *,
    schedules: bool,
    command: Callable[[str, str], Sequence[str]] | None,
) -> AsyncIterator[Worker]:
    session = application.worker(
        queues=choice.queues,
        concurrency=choice.concurrency,
        name=choice.name,
        type=choice.type,
        capabilities=choice.capabilities,
        grace=choice.grace,
    )
    try:
        await _check_queues(application, choice.queues)
        worker = await session.open()
        try:
            _introduce(application, worker)
            async with (
                _scheduling(application, wanted=schedules),
                nullcontext() if command is None else application.autoscaler(command, alone=False),
            ):
                yield worker
        finally:
            await session.close()
    finally:
        await application.aclose()


@asynccontextmanager
async def _scheduling(application: TaskForge, *, wanted: bool) -> AsyncIterator[None]:
    """What the code says of schedules is made known; within the block a scheduler runs, if wanted."""
    if wanted:
        async with application.scheduler(alone=False):
            yield
        return
    if application.settings.server is None:
        await application.declare_schedules()
        if application.schedules:
            note(
                f"{len(application.schedules)} schedules are declared; a scheduler sees to them (--schedules: this one)"
            )
    yield


async def _check_queues(application: TaskForge, names: Sequence[str]) -> None:
    """A queue must be there or be named in code: a worker of a mistyped queue would wait for ever.

    A server makes the queues that its workers name, as code does.
    """
    if application.settings.server is not None:
        return
    declared = {task.queue for task in application.registry}
    directory = (await application.platform()).directory
    for name in names:
        if name in declared:
            continue
        try:
            await directory.named(name)
        except NotFound as error:
            raise NotFound(
                error.message, hint=f"{error.hint}; or make it: taskforge queues create {name}"
            ) from None


def _introduce(application: TaskForge, worker: Worker) -> None:
    from taskforge.storage.address import masked

    options, settings = worker.options, application.settings
    note(f"worker {options.name}: {options.concurrency} at a time from {', '.join(options.queues)}")
    if settings.server is not None:
        note(f"server {settings.server}")
    else:
        note(f"database {masked(settings.database_url)} (from {origin_of_database(application)})")


def origin_of_database(application: TaskForge) -> str:
    """Where the address of the database comes from, as people say it."""
    origin = application.settings.origins["database_url"]
    return "an option or the application's code" if origin == "argument" else origin


def leave_with_parent() -> None:
    """Drain when standard input ends: it is a pipe that nobody writes to, and ends with the parent."""

    def wait() -> None:
        while os.read(
            0, 1024
        ):  # not by sys.stdin: its lock, held here, would stop the interpreter from ending
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()
