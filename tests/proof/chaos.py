"""Chaos: real workers on a real database, and a nemesis that a seed drives. `make chaos` runs it from a terminal.

While jobs are enqueued, workers are killed, frozen past their lease and woken; on PostgreSQL their connections are
cut and stalled by a proxy each, backends are terminated and the server is restarted without warning; on SQLite another program
holds the write lock. Every second worker gets its jobs by Redis, if there is one, which is emptied, killed and frozen. Then all heals, every job has to end within a bound, and the checker judges.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import redis.asyncio as redis_asyncio

from taskforge.cli.exit_codes import ExitCode
from taskforge.domain.errors import Unavailable
from tests.conformance.stage import run_sql
from tests.proof import app
from tests.proof.checker import FINISHED, Fault, Verdict, Violation, judge, total
from tests.proof.history import HISTORY_VARIABLE, RESTARTED, Event, read, write
from tests.proof.record import evidence
from tests.support.databases import migrate
from tests.support.freezing import is_file_held
from tests.support.postgres import start_server
from tests.support.postgres_installations import find_installations
from tests.support.processes import Processes
from tests.support.proxy import Proxy
from tests.support.redis_server import RedisProcess, find_program

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from tests.proof.record import Evidence
    from tests.support.postgres import PostgresServer
    from tests.support.processes import ChildProcess

ROOT = Path(__file__).parents[2]
LEASE_SECONDS = 3.0
RECOVERY_SECONDS = 0.5
SETTLING_SECONDS = 90.0
"""Once all is well, no job that is left may take longer to end after the one before."""
WORKERS = [f"worker-{number}" for number in range(1, 5)]
RECOVERERS = ["recoverer-1", "recoverer-2"]
LOCK_IT = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
time.sleep(float(sys.argv[2]))
connection.execute("ROLLBACK")
"""


class Member:
    """A worker's place: its process comes and goes, its name and its proxy stay."""

    def __init__(self, name: str, options: Sequence[str], proxy: Proxy | None) -> None:
        self.name = name
        self.options = options
        self.proxy = proxy
        self.is_troubled = False
        self.child: ChildProcess | None = None

    @property
    def pid(self) -> int:
        """Of the present process."""
        assert self.child is not None
        return self.child.pid


class Chaos:
    """One run. All that is random comes from the seed (but not when the system runs what)."""

    def __init__(
        self,
        url: str,
        folder: Path,
        seed: int,
        *,
        server: PostgresServer | None,
        processes: Processes,
        redis: RedisProcess | None = None,
    ) -> None:
        self.url = url
        self._redis = redis
        self._troubling_redis = asyncio.Lock()
        self.seed = seed
        self.history = folder / "history.jsonl"
        self.findings: list[Violation] = []
        self.evidence: Evidence | None = None
        self._random = random.Random(seed)
        self._server = server
        self._processes = processes
        self._healing: set[asyncio.Task[None]] = set()
        self._restarting = asyncio.Lock()
        self._cleanup = contextlib.ExitStack()
        self._members = [self._member(name) for name in WORKERS] + [
            self._member(name, "-q", "idle") for name in RECOVERERS
        ]

    async def run(self, seconds: float) -> Verdict:
        """Rage for so long, heal, wait for the end of all jobs, judge."""
        application = app.make(self.url, **self._by_redis)
        with self._cleanup:
            for member in self._members:
                self._start(member)
            try:
                await application.platform()
                producing = asyncio.create_task(self._produce(application, seconds))
                await self._rage(seconds)
                await producing
                unfinished = await self._settle(application)
                await self._stop()
            finally:
                await application.aclose()
                self._end_all()
        self.evidence = await evidence(self.url, read(self.history))
        verdict = judge(self.evidence)
        if unfinished:
            self._find(
                Fault.LOST,
                f"{unfinished} jobs have not ended, and none has for {SETTLING_SECONDS:g} s though all was well",
            )
        verdict.violations += self.findings
        return verdict

    async def _produce(self, application: Any, seconds: float) -> None:
        """Enqueue, as an application does that notes each job it has been promised."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            name = self._random.choices(["plain", "work", "block", "stumble"], [3, 4, 3, 1])[0]
            length = 0.05 if name == "stumble" else self._random.choice([0.02, 0.1, 0.2, 0.3, 1.0, 4.0])
            call = application.registry.find(name).job(seconds=length)
            with contextlib.suppress(Unavailable):  # then nothing was promised
                for handle in await application.aenqueue_many([call] * self._random.randint(1, 3)):
                    write(Event.ACCEPTED, file=self.history, job=str(handle.id))
            await asyncio.sleep(self._random.uniform(0.02, 0.2))

    async def _rage(self, seconds: float) -> None:
        """One trouble after the other; several at a time, but never two for the same worker."""
        until = time.monotonic() + seconds
        await asyncio.sleep(min(3.0, seconds / 4))
        kinds: dict[Callable[[], Coroutine[Any, Any, None]], int] = {self._kill: 5, self._freeze: 3}
        if self._server is None:
            kinds |= {self._lock: 2}
        else:
            kinds |= {self._cut: 2, self._stall: 2, self._terminate: 1, self._restart: 1}
        if self._redis is not None:
            kinds |= {self._empty_redis: 1, self._kill_redis: 1, self._freeze_redis: 1}
        while time.monotonic() < until:
            [trouble] = self._random.choices(list(kinds), list(kinds.values()))
            task = asyncio.create_task(trouble())
            self._healing.add(task)  # kept: a trouble that failed by itself has to be seen
            await asyncio.sleep(self._random.uniform(0.4, 1.4))
            self._look_after()
        await asyncio.gather(*self._healing)

    async def _kill(self) -> None:
        """kill -9, and another process in its place."""
        member = self._pick()
        if member is not None and member.child is not None:
            write(Event.KILLED, file=self.history, pid=member.pid)
            await asyncio.to_thread(member.child.kill)
            self._start(member)
            member.is_troubled = False

    async def _freeze(self) -> None:
        """SIGSTOP past the lease, then SIGCONT: it wakes up and believes it still owns its jobs.

        One that stands in the middle of a write of the one file keeps everybody from it for so long.
        """
        member = self._pick()
        if member is not None:
            begun, seconds = time.monotonic(), LEASE_SECONDS * self._random.uniform(1.1, 1.8)
            write(Event.FROZEN, file=self.history, pid=member.pid, at=begun)
            os.kill(member.pid, signal.SIGSTOP)
            holds_all_up = await asyncio.to_thread(is_file_held, self.url, LEASE_SECONDS / 3)
            if holds_all_up:
                write(Event.CUT, file=self.history, pid=0, at=begun, what="frozen in the middle of a write")
            await asyncio.sleep(max(0.0, begun + seconds - time.monotonic()))
            os.kill(member.pid, signal.SIGCONT)
            write(Event.WOKEN, file=self.history, pid=member.pid)
            if holds_all_up:
                write(Event.HEALED, file=self.history, pid=0)
            member.is_troubled = False

    async def _cut(self) -> None:
        """Connections are reset, new ones refused."""
        await self._away(lambda proxy: proxy.cut(), "connections reset")

    async def _stall(self) -> None:
        """Nothing arrives, nothing is said: half-open connections."""
        await self._away(lambda proxy: proxy.stall(), "connections stalled")

    async def _away(self, act: Callable[[Proxy], None], what: str) -> None:
        member = self._pick()
        if member is not None and member.proxy is not None:
            write(Event.CUT, file=self.history, pid=member.pid, what=what)
            act(member.proxy)
            await asyncio.sleep(LEASE_SECONDS * self._random.uniform(0.3, 1.6))
            member.proxy.resume()
            await asyncio.sleep(1.0)  # to connect again
            write(Event.HEALED, file=self.history, pid=member.pid)
            member.is_troubled = False

    async def _terminate(self) -> None:
        """Every backend that works for somebody is ended by an administrator."""
        write(Event.CUT, file=self.history, pid=0, what="backends ended")
        with contextlib.suppress(OSError, asyncpg.PostgresError):
            await run_sql(
                self.url,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
        await asyncio.sleep(1.0)
        write(Event.HEALED, file=self.history, pid=0)

    async def _restart(self) -> None:
        """The server is stopped as by a loss of power, and started again."""
        assert self._server is not None
        async with self._restarting:
            write(Event.CUT, file=self.history, pid=0, what=RESTARTED)
            await asyncio.to_thread(self._server.restart, True)
            await asyncio.sleep(1.0)
            write(Event.HEALED, file=self.history, pid=0)

    async def _lock(self) -> None:
        """Another program holds the write lock."""
        write(Event.CUT, file=self.history, pid=0, what="locked")
        path = self.url.removeprefix("sqlite:///")
        program = self._processes.python("-c", LOCK_IT, path, str(self._random.uniform(0.5, 4.0)))
        await program.ended(60)
        write(Event.HEALED, file=self.history, pid=0)

    async def _empty_redis(self) -> None:
        """FLUSHALL."""
        assert self._redis is not None
        async with self._troubling_redis, redis_asyncio.Redis.from_url(self._redis.url) as client:
            await client.flushall()

    async def _kill_redis(self) -> None:
        """It is gone for a while, and comes back with nothing in it."""
        assert self._redis is not None
        async with self._troubling_redis:
            self._redis.kill()
            await asyncio.sleep(self._random.uniform(0.0, 2.0))
            await asyncio.to_thread(self._redis.start)

    async def _freeze_redis(self) -> None:
        """It stands still."""
        assert self._redis is not None
        async with self._troubling_redis:
            self._redis.freeze()
            await asyncio.sleep(self._random.uniform(0.5, 4.0))
            self._redis.thaw()

    @property
    def _by_redis(self) -> dict[str, Any]:
        """The settings of those who use it."""
        return {} if self._redis is None else {"redis_url": self._redis.url, "dispatch": "redis"}

    def _pick(self) -> Member | None:
        free = [member for member in self._members if not member.is_troubled]
        if not free:
            return None
        member = self._random.choice(free)
        member.is_troubled = True
        return member

    def _look_after(self) -> None:
        """No worker may end by itself, unless it found no database when it started: then it is started again."""
        for member in self._members:
            child = member.child
            if member.is_troubled or child is None or child.returncode is None:
                continue
            came_up = "is online" in child.output
            if came_up or child.returncode != ExitCode.UNAVAILABLE:
                self._find(Fault.LOST, f"{member.name} ended with {child.returncode}: {child.output[-2000:]}")
            self._start(member)

    async def _settle(self, application: Any) -> int:
        """Wait for the end of all jobs, and of what a long rage has heaped up; answers how many have none."""
        least, until = None, 0.0
        insights = (await application.platform()).insights
        while True:
            self._look_after()
            counts = await insights.counts()
            left: int = sum(count for status, count in counts.items() if status.value not in FINISHED)
            if least is None or left < least:
                least, until = left, time.monotonic() + SETTLING_SECONDS
            if left == 0 or time.monotonic() > until:
                return left
            await asyncio.sleep(0.1)

    async def _stop(self) -> None:
        """A deploy: everybody leaves in good order."""
        self._look_after()
        for member in self._members:
            assert member.child is not None
            member.child.terminate()
        for member in self._members:
            assert member.child is not None
            code = await member.child.ended(40)
            if code not in (0, -signal.SIGTERM):  # it had not come up yet
                self._find(Fault.LOST, f"{member.name} left with {code}: {member.child.output[-2000:]}")

    def _find(self, fault: Fault, text: str) -> None:
        self.findings.append(Violation(fault, "", text))

    def _member(self, name: str, *options: str) -> Member:
        proxy = None if self._server is None else self._cleanup.enter_context(Proxy.before(self.url))
        return Member(name, options, proxy)

    def _start(self, member: Member) -> None:
        by_redis = self._by_redis if self._members.index(member) % 2 == 0 else {}
        member.child = self._processes.taskforge(
            "worker",
            "tests.proof.app:app",
            "--name",
            member.name,
            "-c",
            "4",
            *member.options,
            environment={
                "TASKFORGE_DATABASE_URL": self.url if member.proxy is None else member.proxy.url(self.url),
                "TASKFORGE_LEASE_SECONDS": str(LEASE_SECONDS),
                "TASKFORGE_RECOVERY_INTERVAL_SECONDS": str(RECOVERY_SECONDS),
                "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
                HISTORY_VARIABLE: str(self.history),
                **{f"TASKFORGE_{name.upper()}": value for name, value in by_redis.items()},
            },
        )

    def _end_all(self) -> None:
        for member in self._members:
            if member.child is not None and member.child.returncode is None:
                member.child.kill()


def refused(folder: Path) -> int:
    """How many late writes of workers were refused, by what they say."""
    said = "".join(file.read_text(errors="replace") for file in folder.glob("process-*.log"))
    return len(re.findall(r"lease_lost: .* changed nothing", said))


def redis_of_its_own(folder: Path, stack: contextlib.ExitStack) -> RedisProcess | None:
    """A Redis that may be broken, if there is a program; `stack` ends it."""
    program = find_program()
    if program is None:
        return None
    redis = RedisProcess(program, folder)
    stack.callback(redis.kill)
    redis.start()
    return redis


def on_a_database_of_its_own(
    engine: str, folder: Path, stack: contextlib.ExitStack
) -> tuple[str, PostgresServer | None, Processes]:
    """A migrated database, the server that may be broken with it, and the processes; `stack` ends them all."""
    server = None
    url = f"sqlite:///{folder / 'chaos.db'}"
    if engine != "sqlite":
        server = start_server(next(found for found in find_installations() if found.label == engine))
        stack.callback(server.stop)
        url = server.create_database("chaos")
    processes = Processes(folder)
    stack.callback(processes.clean_up)
    migrate(url)
    return url, server, processes


async def once(engine: str, seed: int, seconds: float, keep: Path | None) -> Verdict:
    """A run on a database of its own; prints what came of it. What belongs to a finding is kept in a folder of `keep`."""
    with tempfile.TemporaryDirectory(prefix="taskforge-chaos-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        url, server, processes = on_a_database_of_its_own(engine, folder, stack)
        redis = redis_of_its_own(folder, stack)
        chaos = Chaos(url, folder, seed, server=server, processes=processes, redis=redis)
        verdict = await chaos.run(seconds)
        print(f"{engine} seed {seed}: {verdict}; late writes refused {refused(folder)}", flush=True)
        for violation in verdict.violations:
            print(f"    {violation.fault}: job {violation.job}: {violation.text}", flush=True)
        if verdict.violations and keep is not None:
            _keep(folder, keep / f"{engine}-{seed}", chaos.evidence)
        return verdict


def _keep(folder: Path, place: Path, found: Evidence | None) -> None:
    """Copy history, outputs, a SQLite file, and what the database said."""
    shutil.copytree(
        folder, place, ignore=lambda _, names: [name for name in names if name.startswith("redis")]
    )
    if found is not None:
        text = {
            "jobs": [job._asdict() for job in found.jobs.values()],
            "executions": [execution._asdict() for execution in found.executions],
            "lines": [line._asdict() for line in found.lines],
        }
        (place / "evidence.json").write_text(json.dumps(text, indent=1))
    print(f"    kept in {place}", flush=True)


def main() -> int:
    """`--seeds 10 --seconds 30 --engine sqlite`; `--seed N` repeats one."""
    engines = ["sqlite", *(found.label for found in find_installations())]
    parser = argparse.ArgumentParser(
        prog="chaos", description=__doc__.partition("\n")[0] if __doc__ else None
    )
    parser.add_argument("--seeds", type=int, default=1, help="how many runs on each database")
    parser.add_argument("--seed", type=int, help="the first seed; else a random one")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long each run rages")
    parser.add_argument("--minutes", type=float, help="begin no further seed after so long")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep there what belongs to findings")
    parser.add_argument(
        "--engine", action="append", choices=engines, help="repeatable; else all that are here"
    )
    chosen = parser.parse_args()
    first = random.SystemRandom().randrange(1_000_000) if chosen.seed is None else chosen.seed
    until = float("inf") if chosen.minutes is None else time.monotonic() + chosen.minutes * 60
    verdicts: dict[str, list[Verdict]] = {}
    for seed in range(first, first + chosen.seeds):
        if time.monotonic() < until:
            for engine in chosen.engine or engines:
                verdict = asyncio.run(once(engine, seed, chosen.seconds, chosen.keep))
                verdicts.setdefault(engine, []).append(verdict)
    for engine, of_engine in verdicts.items():
        print(f"{engine}, {len(of_engine)} runs of {chosen.seconds:g} s: {total(of_engine)}")
    runs = [verdict for of_engine in verdicts.values() for verdict in of_engine]
    good = sum(not verdict.violations for verdict in runs)
    print(f"{good} of {len(runs)} runs without a finding")
    return 0 if good == len(runs) else 1


if __name__ == "__main__":
    sys.exit(main())
