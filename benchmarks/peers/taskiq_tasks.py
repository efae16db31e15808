"""taskiq on a Redis list, without results: `taskiq worker benchmarks.peers.taskiq_tasks:broker`."""

from __future__ import annotations

import os
import time

from taskiq_redis import ListQueueBroker

from taskforge.bench.stamps import leave

URL = "TASKFORGE_BENCH_REDIS"
QUEUE = "taskiq"

broker = ListQueueBroker(url=os.environ[URL], queue_name=QUEUE)


@broker.task(task_name="noop")
async def noop(n: int) -> None:
    leave(time.time())


@broker.task(task_name="latency")
async def latency(sent: float) -> None:
    leave(time.time() - sent)
