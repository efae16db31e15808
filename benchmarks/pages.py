"""What the dashboard's pages cost: processor time of the server, and what the database does for them.

    python -m benchmarks.pages --finished 950000 --waiting 50000

Each request that a page sends when it is opened is asked of the application itself, in this process, again and again;
between turns nothing else runs. The database has the jobs of `benchmarks.large`. Processor time only: other work on
the machine changes it little.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import gzip
import pstats
import sys
import tempfile
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import asyncpg
import msgspec
import uvloop

from benchmarks.large import fill, fold, open_site, say
from benchmarks.server import postgres_server
from benchmarks.spent import STATISTICS, cpu_ms
from benchmarks.workspace import PostgresWorkspace
from taskforge.api.server import spare_the_collector
from taskforge.api_session import api_application
from taskforge.domain.ids import DEFAULT_PROJECT
from taskforge.settings import load_settings
from taskforge.wiring import Wiring
from tests.support.remote import KEY, SECRET, ByHeart

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import ASGIApp, Message

PROJECT = f"project_id={DEFAULT_PROJECT}"
SHELL = ["/auth/me", "/projects?limit=200"]
PAGES: dict[str, list[str]] = {
    "what surrounds all pages": SHELL,
    "Overview": [
        f"/metrics?{PROJECT}&hours=1",
        f"/metrics/throughput?{PROJECT}&hours=1",
        f"/metrics/depths?{PROJECT}",
        f"/queues?{PROJECT}&limit=200",
        f"/assignments/matrix?{PROJECT}",
        f"/workers?{PROJECT}&limit=200&stopped=false",
        f"/scheduled-jobs?{PROJECT}&page=1&limit=200",
        f"/jobs/failures?{PROJECT}&limit=8",
    ],
    "Jobs": [f"/jobs/counts?{PROJECT}", f"/jobs?{PROJECT}&limit=50&page=1"],
    "Jobs, by status": [
        f"/jobs?{PROJECT}&status={status}&limit=50&page=1"
        for status in ("pending", "scheduled", "processing", "succeeded", "failed", "cancelled")
    ],
    "Jobs, page 200": [f"/jobs?{PROJECT}&limit=50&page=200"],
    "one job": ["/jobs/{job}", "/jobs/{job}/executions?limit=100"],
    "Queues": [
        f"/queues?{PROJECT}&limit=200",
        f"/metrics/depths?{PROJECT}",
        f"/metrics/queues?{PROJECT}&hours=1&limit=200",
        f"/assignments/matrix?{PROJECT}",
        f"/breakers?{PROJECT}&limit=200",
        f"/pauses?{PROJECT}&limit=200",
    ],
    "Insights": [
        f"/metrics?{PROJECT}&hours=24",
        f"/metrics/throughput?{PROJECT}&hours=24",
        f"/metrics/job-types?{PROJECT}&hours=24&limit=200",
        f"/metrics/queues?{PROJECT}&hours=24&limit=200",
        f"/metrics/workers?{PROJECT}&hours=24&limit=200",
        f"/workers?{PROJECT}&limit=200&stopped=true",
    ],
}
HTTP_OK = 200
STATEMENTS = """
SELECT coalesce(sum(s.calls), 0)::bigint AS calls, coalesce(sum(s.total_exec_time), 0)::float8 AS ms
FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
WHERE d.datname = current_database() AND s.query NOT LIKE '%pg_stat_statements%'
"""


class Cost(NamedTuple):
    """Of one request: milliseconds of this process, of the database's, in its statements; how many; bytes."""

    server: float = 0.0
    database: float = 0.0
    statements_ms: float = 0.0
    statements: float = 0.0
    size: float = 0.0

    def plus(self, other: Cost) -> Cost:
        """Both."""
        return Cost(*(one + more for one, more in zip(self, other, strict=True)))

    def __str__(self) -> str:
        return (
            f"server {self.server:6.1f} ms, database {self.database:6.1f} ms (statements {self.statements_ms:6.1f} ms, "
            f"{self.statements:4.1f} of them), {self.size:,.0f} bytes"
        )


class Client:
    """Asks an application directly."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """The status and the body as they would go over the wire."""
        where, _, query = path.partition("?")
        headers = [
            (b"host", b"x"),
            (b"authorization", f"Bearer {KEY}".encode()),
            (b"accept-encoding", b"gzip, deflate, br"),
            (b"accept-language", b"en"),
        ]
        if body:
            headers += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": where,
            "raw_path": where.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": headers,
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        sent: list[Message] = []
        is_read = False

        async def receive() -> Message:
            nonlocal is_read
            if is_read:
                await asyncio.Event().wait()
            is_read = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        await self._application(scope, receive, send)
        return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Client]:
    """The API over a database, in this process."""
    application = api_application(
        Wiring(load_settings({"database_url": url, "secret_key": SECRET})), ByHeart()
    )
    async with application.router.lifespan_context(application):
        spare_the_collector()  # as a server does
        yield Client(application)


class Meter:
    """What a database has done so far."""

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record] | None, postmaster: int) -> None:
        self._connection = connection
        self._postmaster = postmaster

    async def read(self) -> Cost:
        """Until now, with the processor time of this process."""
        if self._connection is None:
            return Cost(time.process_time() * 1000)
        [row] = await self._connection.fetch(STATEMENTS)
        return Cost(time.process_time() * 1000, cpu_ms(self._postmaster), row["ms"], row["calls"])


@asynccontextmanager
async def meter_of(url: str) -> AsyncIterator[Meter]:
    """Of a PostgreSQL database what its server did; SQLite works in this process."""
    if not url.startswith("postgresql"):
        yield Meter(None, 0)
        return
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"CREATE EXTENSION IF NOT EXISTS {STATISTICS}")
        postmaster = await connection.fetchval(
            "SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int"
        )
        yield Meter(connection, postmaster)
    finally:
        await connection.close()


async def cost_of(client: Client, meter: Meter, path: str, times: int) -> Cost:
    """The mean over so many times, after two that fill caches."""
    for _ in range(2):
        status, data = await client.ask("GET", path)
        if status != HTTP_OK:
            raise RuntimeError(f"{path}: {status} {data[:300]!r}")
    before = await meter.read()
    for _ in range(times):
        await client.ask("GET", path)
    spent = [(now - then) / times for now, then in zip(await meter.read(), before, strict=True)]
    return Cost(*spent)._replace(size=len(data))


async def measure(url: str, chosen: argparse.Namespace) -> None:
    """Every page, request by request."""
    async with opened(url) as client, meter_of(url) as meter:
        _, listed = await client.ask("GET", "/api/v1/jobs?status=failed&limit=1&fields=id")
        [job] = msgspec.json.decode(gzip.decompress(listed) if listed[:1] != b"{" else listed)["data"]
        for page, paths in PAGES.items():
            if chosen.page and chosen.page not in page:
                continue
            total = Cost()
            for path in paths:
                where = "/api/v1" + path.replace("{job}", job["id"])
                found = await cost_of(client, meter, where, chosen.times)
                total = total.plus(found)
                say(f"  {found}  {path.replace(PROJECT, '').replace('?&', '?')}")
            say(f"{total}  {page}")
        if chosen.profile:
            profile = cProfile.Profile()
            with profile:
                for _ in range(chosen.times):
                    await client.ask("GET", "/api/v1" + chosen.profile.replace("{job}", job["id"]))
            pstats.Stats(profile).sort_stats("tottime").print_stats(45)


async def run(chosen: argparse.Namespace, address: str, folder: Path) -> None:
    if chosen.database:
        await measure(chosen.database, chosen)
        return
    async with PostgresWorkspace(address, folder).fresh() as url:
        site = await open_site(url)
        await fill(site, chosen.finished, chosen.waiting)
        await fold(site)
        await site.engine.close()
        await measure(url, chosen)
        if chosen.keep:
            say(f"database: {url}")
            await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages", description=__doc__)
    parser.add_argument("--finished", type=int, default=950_000)
    parser.add_argument("--waiting", type=int, default=50_000)
    parser.add_argument("--times", type=int, default=20, help="how often each request is asked")
    parser.add_argument("--page", help="only pages with this in their names")
    parser.add_argument("--profile", help="also a profile of this request")
    parser.add_argument("--database", help="one that is filled already")
    parser.add_argument("--keep", action="store_true", help="keep the database until a line is entered")
    chosen = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="taskforge-benchmarks-") as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        if chosen.database:
            runner.run(run(chosen, "", Path(folder)))
        else:
            with postgres_server(preload=STATISTICS) as address:
                runner.run(run(chosen, address, Path(folder)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
