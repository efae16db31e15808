"""The scenes of the crash points: what is prepared, and what the victim is doing when it is killed."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from taskforge.domain.queue import QueueState
from taskforge.storage.address import parse_address
from tests.proof.client import MANY
from tests.proof.stand import WORKER
from tests.proof.victim import Side
from tests.support.redis_server import HOW_TO_GET, RedisProcess, find_program

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.proof.stand import Stand

EMPTIED = ("jobs", "executions", "log_lines")
VICTIM = [*WORKER, "--name", "victim"]


async def work(stand: Stand, label: str, side: str) -> None:
    """A worker runs jobs that log, beat and keep a checkpoint."""
    await stand.enqueue("work", 2, seconds=0.7)
    await stand.enqueue("block", 1, seconds=0.7)
    await stand.die(stand.fork(*VICTIM, label=label, side=side), label, side)


async def idle(stand: Stand, label: str, side: str) -> None:
    """A worker asks what there is to do, which is its heartbeat while it has nothing in hand; on SQLite a look writes nothing."""
    if stand.environment["TASKFORGE_DATABASE_URL"].startswith("sqlite"):
        pytest.skip("a look only reads")
    await plain(stand, label, side)


async def plain(stand: Stand, label: str, side: str) -> None:
    """A worker runs jobs that leave nothing but a result."""
    await stand.enqueue("plain", 3)
    await stand.die(stand.fork(*VICTIM, label=label, side=side), label, side)


async def from_redis(stand: Stand, label: str, side: str) -> None:
    """A worker is told by Redis which jobs are next; Redis goes down with it."""
    program = find_program()
    if program is None:
        pytest.skip(f"no Redis: {HOW_TO_GET}")
    redis = RedisProcess(program, stand.output.parent)
    redis.start()
    try:
        stand.environment |= {
            "TASKFORGE_REDIS_URL": redis.url,
            "TASKFORGE_DISPATCH": "redis",
            "TASKFORGE_POLL_SECONDS": "0.1",
        }
        dying = asyncio.create_task(stand.die(stand.fork(*VICTIM, label=label, side=side), label, side))
        for _ in range(10):  # the database hands some out as well
            await stand.enqueue("plain", 40)
            await asyncio.wait({dying}, timeout=2)
            if dying.done():
                break
        await dying
    finally:
        redis.kill()


async def stumble(stand: Stand, label: str, side: str) -> None:
    """Attempts fail and are to be retried."""
    await stand.enqueue("stumble", 3)
    await stand.die(stand.fork(*VICTIM, label=label, side=side), label, side)


async def leave(stand: Stand, label: str, side: str) -> None:
    """A worker is told to stop, and hands back what does not end."""
    await stand.enqueue("work", 2, seconds=1.0)
    victim = stand.fork(*VICTIM, "--grace", "0", label=label, side=side)
    await stand.began(2)
    os.kill(victim, signal.SIGTERM)
    await stand.die(victim, label, side)


async def rescue(stand: Stand, label: str, side: str) -> None:
    """One worker was killed; the next is killed while it brings back that one's jobs."""
    await stand.enqueue("work", 2, seconds=0.05)
    await stand.die(stand.fork(*VICTIM, label="handler", side=Side.AFTER), "handler", Side.AFTER)
    await stand.die(
        stand.fork(*WORKER, "-q", "idle", "--name", "rescuer", label=label, side=side), label, side
    )


async def rescue_suspect(stand: Stand, label: str, side: str) -> None:
    """A job that has lost a worker before loses another one; who brings it back is killed."""
    await stand.enqueue("work", seconds=0.05)
    for _ in range(2):
        await stand.die(stand.fork(*VICTIM, label="handler", side=Side.AFTER), "handler", Side.AFTER)
    await stand.die(
        stand.fork(*WORKER, "-q", "idle", "--name", "rescuer", label=label, side=side), label, side
    )


async def delayed(stand: Stand, label: str, side: str) -> None:
    """Jobs become due."""
    await stand.enqueue("plain", 2, delay=0.2)
    await stand.die(stand.fork(*VICTIM, label=label, side=side), label, side)


async def expired(stand: Stand, label: str, side: str) -> None:
    """A job has waited longer than it may; nobody serves its queue."""
    rest = stand.app.registry.find("rest")
    await rest.options(expires=0.05).aenqueue()
    await stand.die(stand.fork(*VICTIM, "-q", "default", label=label, side=side), label, side)


async def record(stand: Stand, label: str, side: str) -> None:
    """Attempts have ended, and their worker has left their counts; who folds these is killed."""
    await stand.enqueue("plain", 3)
    usual = dict(stand.environment)
    for look in ("RECOVERY", "ALERT"):
        stand.environment[f"TASKFORGE_{look}_INTERVAL_SECONDS"] = "3600"
    await stand.finish()
    stand.environment = usual
    await _steer(stand, "keep_record", "", label, side)


async def sample(stand: Stand, label: str, side: str) -> None:
    """Jobs wait; who writes down how many is killed."""
    await stand.enqueue("plain", 3)
    await _steer(stand, "keep_record", "", label, side)


async def enqueue(stand: Stand, label: str, side: str) -> None:
    """A program enqueues a job; committed is accepted, also when nobody was told."""
    await stand.die(stand.fork("client", "enqueue", label=label, side=side), label, side)
    if label == "accept_job":
        assert await stand.stored() == (side == Side.AFTER)
    await stand.perform("client", "enqueue")


async def enqueue_to_itself(stand: Stand, label: str, side: str) -> None:
    """A program enqueues a job that its own worker takes, on SQLite with the commit that stores it."""
    if side == Side.UNCOMMITTED and parse_address(stand.url).kind != "sqlite":
        pytest.skip("each is committed for itself there")
    await stand.die(stand.fork("client", "enqueue_to_itself", label=label, side=side), label, side)


async def enqueue_many(stand: Stand, label: str, side: str) -> None:
    """A program enqueues several at once: all or none."""
    await stand.die(stand.fork("client", "enqueue_many", label=label, side=side), label, side)
    assert await stand.stored() == (MANY if side == Side.AFTER else 0)
    await stand.perform("client", "enqueue_many")


async def enqueue_keyed(stand: Stand, label: str, side: str) -> None:
    """A program enqueues jobs with a key: all or none."""
    await stand.die(stand.fork("client", "enqueue_keyed", label=label, side=side), label, side)
    assert await stand.stored() == (MANY if side == Side.AFTER else 0)
    await stand.perform("client", "enqueue_keyed")


async def keyed(stand: Stand, label: str, side: str) -> None:
    """A worker runs jobs of which one at a time may run: each end gives the next its place."""
    await stand.perform("client", "enqueue_keyed")
    await stand.die(stand.fork(*VICTIM, label=label, side=side), label, side)


async def full(stand: Stand, label: str, side: str) -> None:
    """A job comes to a queue that is full: the oldest one makes room."""
    await stand.enqueue("plain", MANY)
    await stand.perform("client", "bound_queue")
    await stand.die(stand.fork("client", "enqueue", label=label, side=side), label, side)
    await stand.perform("client", "enqueue")


async def cancel_waiting(stand: Stand, label: str, side: str) -> None:
    """A waiting job is cancelled; then again, by somebody who does not know."""
    await _steer(stand, "cancel", await stand.enqueue("rest"), label, side)


async def cancel_running(stand: Stand, label: str, side: str) -> None:
    """A running job is cancelled."""
    job = await stand.enqueue("work", seconds=60)
    worker = stand.fork(*WORKER, "--name", "runner")
    await stand.began()
    await _steer(stand, "cancel", job, label, side)
    os.kill(worker, signal.SIGTERM)
    assert await stand.victims.end(worker) == 0


async def reschedule(stand: Stand, label: str, side: str) -> None:
    """A waiting job gets another due time."""
    await _steer(stand, "reschedule", await stand.enqueue("rest"), label, side)


async def steer_worker(stand: Stand, label: str, side: str) -> None:
    """A worker is told to drain, then not to, then to run more at once, then that it is gone."""
    await _steer(stand, "steer_worker", "", label, side)


async def retry(stand: Stand, label: str, side: str) -> None:
    """A cancelled job gets another chance."""
    job = await stand.enqueue("plain")
    await stand.perform("client", "cancel", job)
    await _steer(stand, "retry", job, label, side)


async def delete(stand: Stand, label: str, side: str) -> None:
    """An ended job is removed, with its executions and its log."""
    job = await stand.enqueue("work", seconds=0.01)
    await stand.finish()
    stand.deleted.add(job)
    await _steer(stand, "delete", job, label, side)
    assert [len(await stand.sql(f"SELECT 1 FROM {table}")) for table in EMPTIED] == [0, 0, 0]


async def bulk_cancel(stand: Stand, label: str, side: str) -> None:
    """All jobs are cancelled."""
    await stand.enqueue("plain", 3)
    await _steer(stand, "bulk", "", label, side, "cancel")


async def bulk_retry(stand: Stand, label: str, side: str) -> None:
    """All jobs that ended without success get another chance."""
    await stand.enqueue("plain", 3)
    await stand.perform("client", "bulk", "cancel")
    await _steer(stand, "bulk", "", label, side, "retry")


async def bulk_delete(stand: Stand, label: str, side: str) -> None:
    """All ended jobs are removed, with their executions and logs."""
    stand.deleted.add(await stand.enqueue("work", seconds=0.01))
    await stand.finish()
    await _steer(stand, "bulk", "", label, side, "delete")
    assert [len(await stand.sql(f"SELECT 1 FROM {table}")) for table in EMPTIED] == [0, 0, 0]


async def bulk_move(stand: Stand, label: str, side: str) -> None:
    """All waiting jobs go to another queue."""
    await stand.enqueue("rest")
    await stand.enqueue("plain", 3)
    await _steer(stand, "bulk", "", label, side, "move")


async def prune(stand: Stand, label: str, side: str) -> None:
    """Ended jobs are removed, with their executions and logs; one of them was tried twice."""
    stand.deleted |= {await stand.enqueue("work", seconds=0.01), await stand.enqueue("stumble")}
    await stand.finish()
    await _steer(stand, "prune", "", label, side)
    emptied = EMPTIED if parse_address(stand.url).kind == "sqlite" else EMPTIED[:1]
    assert [len(await stand.sql(f"SELECT 1 FROM {table}")) for table in emptied] == [0] * len(emptied)


async def prune_strays(stand: Stand, label: str, side: str) -> None:
    """The same, with what lies outside of the days."""
    if parse_address(stand.url).kind == "sqlite":
        pytest.skip("a file has no partitions")
    await prune(stand, label, side)


async def drop_days(stand: Stand, label: str, side: str) -> None:
    """A day is dropped while its jobs are still there: what belongs to them is moved away before."""
    if parse_address(stand.url).kind == "sqlite":
        pytest.skip("a file has no partitions")
    await stand.enqueue("work", 2, seconds=0.01)
    await stand.enqueue("stumble")
    before = await stand.finish()
    await _steer(stand, "drop_days", "", label, side)
    assert (await stand.finish()).executions == before.executions


async def create_queue(stand: Stand, label: str, side: str) -> None:
    """A queue is made."""
    await _steer(stand, "create_queue", "", label, side)
    assert [queue.name for queue in await (await stand.app.platform()).queues.list()].count("made") == 1


async def pause(stand: Stand, label: str, side: str) -> None:
    """A queue in which a job waits is paused and resumed."""
    await stand.enqueue("plain")
    await _steer(stand, "pause_and_resume", "", label, side)


async def limit(stand: Stand, label: str, side: str) -> None:
    """A queue in which jobs wait gets a limit and a rate."""
    await stand.enqueue("plain", 3)
    await _steer(stand, "limit_queue", "", label, side)


async def limited(stand: Stand, label: str, side: str) -> None:
    """A worker takes jobs of a queue with a limit and a rate, while it holds its gate."""
    await stand.enqueue("plain", 4)
    await stand.perform("client", "limit_queue")
    await stand.die(stand.fork(*VICTIM, label=label, side=side, crowded=True), label, side)


async def make_fair(stand: Stand, label: str, side: str) -> None:
    """A queue in which jobs wait becomes fair."""
    await stand.enqueue("plain", 3)
    await _steer(stand, "make_fair", "", label, side)


async def weigh(stand: Stand, label: str, side: str) -> None:
    """The first heavy job comes to a queue."""
    await stand.enqueue("plain", 2)
    await stand.die(stand.fork("client", "enqueue_heavy", label=label, side=side), label, side)
    await stand.perform("client", "enqueue_heavy")


async def shared(stand: Stand, label: str, side: str) -> None:
    """A worker takes jobs of a fair queue, one of them heavy."""
    await stand.enqueue("plain", 3)
    await stand.perform("client", "make_fair")
    await stand.perform("client", "enqueue_heavy")
    await stand.die(stand.fork(*VICTIM, label=label, side=side), label, side)


async def divided(stand: Stand, label: str, side: str) -> None:
    """A worker takes jobs of a fair queue that is divided among workers, and has room left."""
    await stand.enqueue("plain", 3)
    await stand.perform("client", "limit_queue")
    await stand.perform("client", "make_fair")
    await stand.die(stand.fork(*VICTIM, label=label, side=side), label, side)


async def limited_and_heavy(stand: Stand, label: str, side: str) -> None:
    """A worker takes jobs of a queue with a limit, one of them heavy, while it holds the gate."""
    await stand.enqueue("plain", 3)
    await stand.perform("client", "limit_queue")
    await stand.perform("client", "enqueue_heavy")
    await stand.die(stand.fork(*VICTIM, label=label, side=side, crowded=True), label, side)


async def pause_type(stand: Stand, label: str, side: str) -> None:
    """Jobs of a type are held back, later let go."""
    await stand.enqueue("plain", 2)
    await _steer(stand, "pause_type", "", label, side, "plain")
    await stand.perform("client", "resume_type", "plain")


async def resume_type(stand: Stand, label: str, side: str) -> None:
    """Jobs of a type that were held back are let go."""
    await stand.enqueue("plain", 2)
    await stand.perform("client", "pause_type", "plain")
    await _steer(stand, "resume_type", "", label, side, "plain")


async def break_type(stand: Stand, label: str, side: str) -> None:
    """The breaker of a type in which jobs wait opens."""
    await stand.enqueue("plain", 2)
    await _steer(stand, "break_type", "", label, side, "plain")


async def try_type(stand: Stand, label: str, side: str) -> None:
    """A breaker that was open lets a job through."""
    await stand.enqueue("plain", 2)
    await stand.perform("client", "break_type", "plain")
    await _steer(stand, "try_type", "", label, side, "plain")


async def delete_queue(stand: Stand, label: str, side: str) -> None:
    """A queue is removed."""
    await stand.perform("client", "create_queue")
    await _steer(stand, "delete_queue", "", label, side)
    assert "made" not in [queue.name for queue in await (await stand.app.platform()).queues.list()]


async def tick(stand: Stand, label: str, side: str) -> None:
    """A due time becomes a job: one, whoever dies over it."""
    await stand.perform("client", "make_schedule", "default")
    await _steer(stand, "tick", "", label, side)
    assert [row[0] for row in await stand.sql("SELECT outcome FROM ticks")] == ["fired"]
    assert await stand.stored() == 1


async def refused_tick(stand: Stand, label: str, side: str) -> None:
    """A due time comes, and its queue takes no jobs."""
    queues = (await stand.app.platform()).queues
    await queues.create("shut", state=QueueState.CLOSED)
    await stand.perform("client", "make_schedule", "shut")
    await _steer(stand, "tick", "", label, side)
    assert [row[0] for row in await stand.sql("SELECT reason FROM ticks")] == ["queue_closed"]
    assert await stand.stored() == 0


async def finish_tick(stand: Stand, label: str, side: str) -> None:
    """What the job of a tick came to is copied."""
    await stand.perform("client", "make_schedule", "default")
    await stand.perform("client", "tick")
    await stand.finish()
    await _steer(stand, "finish_tick", "", label, side)
    assert [row[0] for row in await stand.sql("SELECT status FROM ticks")] == ["succeeded"]


async def migrate(stand: Stand, label: str, side: str) -> None:
    """The tables are made; the database has none."""
    await stand.die(stand.fork("migrate", label=label, side=side), label, side)
    await stand.perform("migrate")
    await stand.perform("client", "enqueue")


async def _steer(stand: Stand, operation: str, job: str, label: str, side: str, *more: str) -> None:
    """An operation of a client that is killed in the middle, and done again."""
    arguments = ["client", operation, *([str(UUID(job))] if job else []), *more]
    await stand.die(stand.fork(*arguments, label=label, side=side), label, side)
    await stand.perform(*arguments)


SCENES: dict[str, Callable[[Stand, str, str], Awaitable[None]]] = {
    scene.__name__: scene
    for scene in (
        work,
        idle,
        plain,
        from_redis,
        stumble,
        leave,
        rescue,
        rescue_suspect,
        delayed,
        expired,
        record,
        sample,
        enqueue,
        enqueue_many,
        enqueue_to_itself,
        enqueue_keyed,
        keyed,
        full,
        cancel_waiting,
        cancel_running,
        reschedule,
        steer_worker,
        retry,
        delete,
        bulk_cancel,
        bulk_retry,
        bulk_delete,
        bulk_move,
        prune,
        prune_strays,
        drop_days,
        create_queue,
        pause,
        limit,
        limited,
        make_fair,
        weigh,
        shared,
        divided,
        limited_and_heavy,
        pause_type,
        resume_type,
        break_type,
        try_type,
        delete_queue,
        tick,
        refused_tick,
        finish_tick,
        migrate,
    )
}
