"""The worker process of huey: `python -m benchmarks.peers.huey_worker`.

Settings by its own defaults (WAL, SQLite's own synchronous=FULL, polling from 0.1 s) and one thread, as in the
team's earlier comparison of peers; without stored results, which would cost it another write a job.
"""

from __future__ import annotations

import logging
import os

from benchmarks.peers.huey_tasks import build

FILE = "TASKFORGE_BENCH_HUEY_FILE"


def work() -> None:
    logging.basicConfig(level=logging.WARNING)
    build(os.environ[FILE]).huey.create_consumer(workers=1, worker_type="thread", periodic=False).run()


if __name__ == "__main__":
    work()
