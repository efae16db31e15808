"""What programs other than workers do to jobs, one operation each; every one may be done again after a crash."""

from __future__ import annotations

import asyncio
import contextlib
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from taskforge.domain.breaker import BreakerState
from taskforge.domain.errors import Conflict, NotFound
from taskforge.domain.operation import BulkAction
from taskforge.domain.pause import PauseKind
from taskforge.domain.retention import PRUNED, Retention
from taskforge.domain.worker import Registration, TaskDescription, WorkerType
from taskforge.housekeeping import Housekeeping
from taskforge.ports.history import JobFilter
from taskforge.services.bulk import BulkOrder
from taskforge.services.partitions import Partitions
from taskforge.services.processes import this_process
from taskforge.services.retention import Pruning
from taskforge.storage.partitions import SqlPartitionStore
from taskforge.storage.retention import SqlRetentionStore
from taskforge.version import VERSION
from tests.proof import app
from tests.proof.history import Event, write

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from taskforge import TaskForge
    from taskforge.sdk.handle import JobHandle

MANY = 3


async def run(name: str, arguments: Sequence[str]) -> None:
    """Do one of the operations below on the database of the environment."""
    application = app.make()
    try:
        await OPERATIONS[name](application, *arguments)
    finally:
        await application.aclose()


def accepted(*handles: JobHandle[object]) -> None:
    """Write down that the platform has said yes."""
    for handle in handles:
        write(Event.ACCEPTED, job=str(handle.id))


async def enqueue(application: TaskForge) -> None:
    """One job."""
    accepted(await application.registry.find("work").aenqueue(seconds=0.02))


async def enqueue_to_itself(application: TaskForge) -> None:
    """One job after the other, in a process with an idle worker of its own."""
    async with application.worker(name="victim"):
        for _ in range(MANY):
            job = await application.registry.find("plain").aenqueue()
            accepted(job)
            await job.aresult(timeout=30)


async def enqueue_many(application: TaskForge) -> None:
    """Several jobs, all or none."""
    work = application.registry.find("plain")
    accepted(*await application.aenqueue_many([work.job() for _ in range(MANY)]))


async def enqueue_keyed(application: TaskForge) -> None:
    """Jobs of which one at a time may run."""
    plain = application.registry.find("plain").options(concurrency_key="one")
    accepted(*await application.aenqueue_many([plain.job() for _ in range(MANY)]))


async def bound_queue(application: TaskForge) -> None:
    """Give a queue a length; what is too much makes room."""
    queues = (await application.platform()).queues
    await queues.update("default", settings={"max_length": MANY, "on_full": "drop_oldest"})


async def keep_record(application: TaskForge) -> None:
    """Fold what was settled, write down what waits, forget what is old."""
    await (await application.platform()).foundation.recording.keep()


async def cancel(application: TaskForge, job: str) -> None:
    """Cancel a job, whatever it does."""
    await (await application.platform()).control.cancel(UUID(job))


async def reschedule(application: TaskForge, job: str) -> None:
    """Give a waiting job another due time, which has come."""
    with contextlib.suppress(Conflict):  # it runs, or has run
        await (await application.platform()).control.reschedule(UUID(job), datetime.now(UTC))


async def retry(application: TaskForge, job: str) -> None:
    """Give an ended job another chance, with its payload written anew."""
    with contextlib.suppress(Conflict):  # it has been given one
        await (await application.platform()).control.retry(UUID(job), payload="{}")


async def delete(application: TaskForge, job: str) -> None:
    """Remove an ended job."""
    with contextlib.suppress(NotFound):  # it is removed
        await (await application.platform()).control.delete(UUID(job))


async def steer_worker(application: TaskForge) -> None:
    """A worker registers, is told to drain, then not to, then to run more at once, then that it is gone."""
    platform = await application.platform()
    registration = Registration(
        f"steered-{os.getpid()}", WorkerType.GENERAL, {}, 1, ["idle"], [], this_process(), VERSION
    )
    worker_id = (await platform.link().register(registration)).worker_id
    await platform.worker_fleet.drain(worker_id)
    await platform.worker_fleet.undrain(worker_id)
    await platform.worker_fleet.resize(worker_id, 2)
    await platform.worker_fleet.deregister(worker_id)


async def bulk(application: TaskForge, action: str) -> None:
    """Do something to all jobs to which it can be done; those that move go to the queue `idle`."""
    platform = await application.platform()
    target = await platform.queues.get("idle") if action == BulkAction.MOVE else None
    async for _ in platform.bulk.run(BulkOrder(BulkAction(action), JobFilter(), target)):
        pass


async def create_queue(application: TaskForge) -> None:
    """Make a queue."""
    with contextlib.suppress(Conflict):  # it was made
        await (await application.platform()).queues.create("made")


async def pause_and_resume(application: TaskForge) -> None:
    """Change a queue, twice."""
    queues = (await application.platform()).queues
    await queues.pause("default")
    await queues.resume("default")


async def limit_queue(application: TaskForge) -> None:
    """Give a queue a limit and a rate, and divide it among its workers."""
    queues = (await application.platform()).queues
    settings = {"max_concurrent_jobs": 2, "rate_limit": 600, "strategy": "weighted"}
    await queues.update("default", settings=settings)


async def make_fair(application: TaskForge) -> None:
    """Let the lines of a queue take turns."""
    queues = (await application.platform()).queues
    await queues.update("default", settings={"policy": "fair"})


async def enqueue_heavy(application: TaskForge) -> None:
    """A job that takes two slots: from then on its queue weighs its jobs."""
    accepted(await application.registry.find("plain").options(slots=2).aenqueue())


async def pause_type(application: TaskForge, job_type: str) -> None:
    """Hold back all jobs of a type."""
    await (await application.platform()).pauses.create(PauseKind.TYPE, job_type)


async def resume_type(application: TaskForge, job_type: str) -> None:
    """Let them go."""
    with contextlib.suppress(NotFound):  # they are let go, or recovery does it
        await (await application.platform()).pauses.remove(PauseKind.TYPE, job_type)


async def break_type(application: TaskForge, job_type: str) -> None:
    """Open the breaker of a type for a second."""
    breakers = (await application.platform()).breakers
    with contextlib.suppress(Conflict):  # it was made
        await breakers.create(job_type, {})
    await breakers.open((await breakers.named(job_type)).id, seconds=1)


async def try_type(application: TaskForge, job_type: str) -> None:
    """Let a job of it through as soon as the breaker may."""
    platform = await application.platform()
    breaking = platform.foundation.breaking
    await breaking.look_at_all()
    while (breaker := await platform.breakers.named(job_type)).state is BreakerState.OPEN:
        await _until(breaker.probe_at)
        await breaking.look_at_all()


async def delete_queue(application: TaskForge) -> None:
    """Remove an empty queue."""
    with contextlib.suppress(NotFound):  # it is removed
        await (await application.platform()).queues.delete("made")


async def prune(application: TaskForge) -> None:
    """Remove all that has ended."""
    engine = (await application.platform()).foundation.engine
    await Pruning(SqlRetentionStore(engine), Retention(0, 0, 0)).prune()


async def drop_days(application: TaskForge) -> None:
    """Drop today's partitions, though every job is still there."""
    engine = (await application.platform()).foundation.engine
    late = await SqlRetentionStore(engine).now() + timedelta(days=2)
    await Partitions(SqlPartitionStore(engine)).drop_old(late, dict.fromkeys(PRUNED, timedelta()))


async def make_schedule(application: TaskForge, queue: str) -> None:
    """A schedule that is due once, in a moment."""
    platform = await application.platform()
    await platform.declare([TaskDescription("plain", "default")])
    soon = datetime.now(UTC) + timedelta(seconds=0.3)
    await platform.schedules.create("once", {"task": "plain", "queue": queue, "run_at": soon})


async def tick(application: TaskForge) -> None:
    """See to its due time as soon as it has come."""
    ticking = Housekeeping(await application.platform()).ticking
    while (due := await ticking.next_due()) is not None:
        await _until(due)
        await ticking.look()


async def finish_tick(application: TaskForge) -> None:
    """Copy what its job came to."""
    await Housekeeping(await application.platform()).ticking.finish()


async def _until(moment: datetime | None) -> None:
    assert moment is not None
    await asyncio.sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds()))


OPERATIONS: dict[str, Callable[..., Awaitable[None]]] = {
    operation.__name__: operation
    for operation in (
        enqueue,
        enqueue_many,
        enqueue_to_itself,
        enqueue_keyed,
        bound_queue,
        keep_record,
        cancel,
        reschedule,
        retry,
        delete,
        steer_worker,
        bulk,
        create_queue,
        pause_and_resume,
        limit_queue,
        make_fair,
        enqueue_heavy,
        pause_type,
        resume_type,
        break_type,
        try_type,
        delete_queue,
        prune,
        drop_days,
        make_schedule,
        tick,
        finish_tick,
    )
}
