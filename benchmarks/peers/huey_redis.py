"""huey on Redis, without results; `python -m benchmarks.peers.huey_redis` is its worker, with one thread."""

from __future__ import annotations

import logging
import os
import time

from huey import RedisHuey

from taskforge.bench.stamps import leave

URL = "TASKFORGE_BENCH_REDIS"
QUEUE = "huey.redis.bench"

huey = RedisHuey("bench", url=os.environ[URL], results=False)


@huey.task(name="noop")
def noop(n: int) -> None:
    leave(time.time())


@huey.task(name="latency")
def latency(sent: float) -> None:
    leave(time.time() - sent)


if __name__ == "__main__":
    from benchmarks.peers import huey_redis  # under the name by which its tasks are known

    logging.basicConfig(level=logging.WARNING)
    huey_redis.huey.create_consumer(workers=1, worker_type="thread", periodic=False).run()
