"""What HTTP costs: one server process, and callers on connections that stay open.

``python -m benchmarks.http [--seconds N] [--jobs N]`` measures the database of the settings: single creations beside a
bare route of the same framework that checks the same body and does one INSERT, bulk creations, pages of a list.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.serving import serving
from taskforge.settings import load_settings
from tests.support.remote import KEY, free_port

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

CALLERS = 16
BULK = 1000
BARE = """
import asyncpg, sys, uvicorn, uuid
from contextlib import asynccontextmanager
from fastapi import FastAPI
from pydantic import BaseModel

class NewJob(BaseModel):
    job_type: str
    queue_name: str
    payload: dict

@asynccontextmanager
async def lifespan(app):
    app.state.pool = await asyncpg.create_pool(sys.argv[2], min_size=10, max_size=10)
    await app.state.pool.execute("CREATE TABLE IF NOT EXISTS bare_jobs (id uuid PRIMARY KEY, queue text, type text, payload text)")
    yield
    await app.state.pool.execute("DROP TABLE bare_jobs")

app = FastAPI(lifespan=lifespan)

@app.post("/jobs", status_code=201)
async def create(job: NewJob):
    row = await app.state.pool.fetchrow(
        "INSERT INTO bare_jobs VALUES ($1, $2, $3, $4) RETURNING id", uuid.uuid4(), job.queue_name, job.job_type, str(job.payload))
    return {"id": str(row["id"])}

uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False, log_level="warning")
"""


class Figures(NamedTuple):
    """Answers a second, and milliseconds for one at the median and at the 95th of a hundred."""

    per_second: float
    p50: float
    p95: float

    def __str__(self) -> str:
        return f"{self.per_second:,.0f}/s, p50 {self.p50:.1f} ms, p95 {self.p95:.1f} ms"


class Caller:
    """One connection that stays open: the least that a client can do, so that the server is measured."""

    def __init__(self, port: int, path: str, body: bytes | None) -> None:
        self._port = port
        head = f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n"
        if body is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        self._request = head.encode() + b"\r\n" + (body or b"")

    async def ask_until(self, until: float, times: list[float]) -> None:
        """Ask and wait for the answer, again and again; once at least."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        while True:
            began = time.monotonic()
            writer.write(self._request)
            head = await reader.readuntil(b"\r\n\r\n")
            if head[9:12] not in (b"200", b"201"):
                raise RuntimeError(head.decode())
            length = next(
                int(line.partition(b":")[2])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length")
            )
            await reader.readexactly(length)
            times.append(time.monotonic() - began)
            if began >= until:
                break
        writer.close()


async def load(port: int, path: str, body: Any, *, callers: int, seconds: float) -> Figures:
    """So many callers at once for so many seconds, after one of a second that does not count."""
    data = None if body is None else json.dumps(body).encode()
    for span in (1.0, seconds):
        times: list[float] = []
        until = time.monotonic() + span
        await asyncio.gather(*(Caller(port, path, data).ask_until(until, times) for _ in range(callers)))
    cut = statistics.quantiles(times, n=20)
    return Figures(len(times) / seconds, statistics.median(times) * 1000, cut[18] * 1000)


async def measure(url: str, seconds: float, jobs: int) -> None:
    """All of it, one after the other."""
    job = {"job_type": "t", "queue_name": "q", "payload": {"to": "somebody@example.org", "number": 7}}
    with tempfile.TemporaryDirectory() as folder:
        async with serving(url, Path(folder)) as server:
            port = int(server["TASKFORGE_SERVER"].rpartition(":")[2])
            await Caller(port, "/api/v1/queues", b'{"name": "q"}').ask_until(0.0, [])
            single = await load(port, "/api/v1/jobs", job, callers=CALLERS, seconds=seconds)
            print(f"create one, {CALLERS} callers: {single}", flush=True)
            lone = await load(port, "/api/v1/jobs", job, callers=1, seconds=seconds)
            print(f"create one, one caller: {lone}", flush=True)
            bulk = await load(port, "/api/v1/jobs/bulk", {"jobs": [job] * BULK}, callers=2, seconds=seconds)
            print(f"create {BULK}: {bulk.per_second * BULK:,.0f} jobs/s, {bulk}", flush=True)
            made = 0.0
            while made < jobs:
                more = await load(port, "/api/v1/jobs/bulk", {"jobs": [job] * BULK}, callers=2, seconds=5.0)
                made += more.per_second * 5.0 * BULK
            page = await load(port, "/api/v1/jobs?limit=50", None, callers=1, seconds=seconds)
            print(
                f"list 50 among at least {made + bulk.per_second * seconds * BULK:,.0f} jobs: {page}",
                flush=True,
            )
        if url.startswith("postgresql"):
            print(f"a bare route, {CALLERS} callers: {await bare(url, job, seconds)}", flush=True)


async def bare(url: str, job: Any, seconds: float) -> Figures:
    """The same load on a route that only checks the body and inserts."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", BARE, str(port), url)
    try:
        await answering(lambda: asyncio.open_connection("127.0.0.1", port))
        return await load(port, "/jobs", job, callers=CALLERS, seconds=seconds)
    finally:
        process.terminate()
        await process.wait()


async def answering(connect: Callable[[], Awaitable[Any]]) -> None:
    """Wait for a server."""
    for _ in range(200):
        try:
            _, writer = await connect()
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise TimeoutError("the server does not answer")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument(
        "--jobs", type=int, default=0, help="so many jobs at least before the list is asked for"
    )
    given = parser.parse_args()
    asyncio.run(measure(load_settings({}).database_url, given.seconds, given.jobs))
