"""The worker process of pgqueuer: `python -m benchmarks.peers.pgqueuer_worker`.

Batch size 500, as in the team's earlier comparison of peers (its default is 10); its event loop is uvloop.
"""

from __future__ import annotations

import asyncio
import json
import os
import time

import asyncpg
import uvloop
from pgqueuer import AsyncpgDriver, Job, PgQueuer

from taskforge.bench.stamps import leave

BATCH_SIZE = 500


async def work() -> None:
    queuer = PgQueuer(AsyncpgDriver(await asyncpg.connect(os.environ["TASKFORGE_DATABASE_URL"])))

    @queuer.entrypoint("noop")
    async def noop(job: Job) -> None:
        json.loads(job.payload or b"")
        leave(time.time())

    @queuer.entrypoint("latency")
    async def latency(job: Job) -> None:
        leave(time.time() - json.loads(job.payload or b"")["n"])

    await queuer.run(batch_size=BATCH_SIZE)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work())
