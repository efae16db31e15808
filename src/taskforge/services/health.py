"""Is all well? Which workers live, what is late, which records break a promise, and what mends it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from taskforge.domain.balancing import has_assignments, is_served_by
from taskforge.domain.queue import QueueState
from taskforge.domain.worker import WorkerStatus
from taskforge.services.processes import is_alive

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence, Set

    from taskforge.domain.ids import ProjectId
    from taskforge.domain.worker import Worker
    from taskforge.ports.health import HealthStore, OldTransaction, TableSize, Unfolded
    from taskforge.ports.partitions import PartitionStore
    from taskforge.ports.queues import QueueStore
    from taskforge.ports.schedules import TickStore
    from taskforge.ports.workers import WorkerStore

BACKLOG_BOUND = 10_000
RECENT_JOBS = 10_000
STRAYS = 10_000
TOLERATED_SKEW_SECONDS = 2.0
SHOWN_TABLES = 6
MANY_DEAD_ROWS = 100_000
OLD_TRANSACTION_SECONDS = 300
UNFOLDED_SECONDS = 300
OVERDUE_SECONDS = 10
SAFE_VALUES = {
    "fsync": ("on",),
    "full_page_writes": ("on",),
    "synchronous_commit": ("on", "local", "remote_write", "remote_apply"),
    "transaction_read_only": ("off",),
    "journal_mode": ("wal", "memory"),
    "synchronous": ("2", "3"),
    "quick_check": ("ok",),
}
"""Settings that a durable accept rests on, with the values that keep it."""


class Verdict(StrEnum):
    """How a finding is to be taken; only a problem is wrong."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class Finding(NamedTuple):
    """One thing that was looked at."""

    check: str
    verdict: Verdict
    detail: str
    hint: str | None = None


class Health:
    """Examines one project. ``lease`` and ``interval`` (of recovery) are seconds."""

    def __init__(
        self,
        store: HealthStore,
        workers: WorkerStore,
        queues: QueueStore,
        project_id: ProjectId,
        *,
        lease: float,
        interval: float,
        ticks: TickStore,
        partitions: PartitionStore | None = None,
    ) -> None:
        self._store = store
        self._ticks = ticks
        self._partitions = partitions
        self._workers = workers
        self._queues = queues
        self._project_id = project_id
        self._lease = timedelta(seconds=lease)
        self._slack_us = round((lease + 2 * interval) * 1_000_000)

    async def now(self) -> datetime:
        """The database's clock, by which everything is decided."""
        return await self._store.now()

    async def workers(self, *, stopped: bool = False) -> Sequence[tuple[Worker, WorkerStatus]]:
        """Workers with their status, newest first; a process of this machine that is gone is offline at once."""
        now = await self._store.now()
        found = await self._workers.list(self._project_id, stopped=stopped)
        return [
            (
                worker,
                WorkerStatus.OFFLINE
                if is_alive(worker.process) is False
                else worker.status(now, self._lease),
            )
            for worker in found
        ]

    async def servants(self, queue: str) -> Sequence[Worker]:
        """The workers that are online and serve this queue."""
        found = await self._queues.find(self._project_id, queue)
        return [
            worker
            for worker, status in await self.workers()
            if status is WorkerStatus.ONLINE
            and (queue in worker.queues if found is None else is_served_by(found, worker.name, worker.queues))
        ]

    async def examine(self, *, whole: bool = True) -> Sequence[Finding]:
        """Everything that is cheap to look at; ``whole``: also what reads all of a SQLite file."""
        workers = await self.workers()
        return [
            self._durability(await self._store.settings(whole=whole)),
            self._clock(await self._store.now(), datetime.now(UTC)),
            self._presence(workers),
            await self._backlog(workers),
            await self._unknown_types(),
            await self._arrears(),
            await self._schedules(),
            await self._settings(),
            await self._records(),
            *await self._days(),
            self._tables(await self._store.table_sizes()),
            self._transactions(await self._store.oldest_transaction()),
            self._indexes(await self._store.broken_indexes()),
            self._counters(await self._store.unfolded()),
        ]

    def _durability(self, settings: Mapping[str, str]) -> Finding:
        wrong = [
            f"{name} is {settings[name]}"
            for name, safe in SAFE_VALUES.items()
            if name in settings and settings[name] not in safe
        ]
        shown = ", ".join(f"{name} {value}" for name, value in settings.items() if name in SAFE_VALUES)
        if wrong:
            return Finding(
                "durability", Verdict.PROBLEM, ", ".join(wrong), "an accepted job may be lost; set it back"
            )
        return Finding("durability", Verdict.OK, f"version {settings['version']}, {shown}")

    def _clock(self, theirs: datetime, ours: datetime) -> Finding:
        skew = (ours - theirs).total_seconds()
        if abs(skew) <= TOLERATED_SKEW_SECONDS:
            return Finding("clock", Verdict.OK, f"{abs(skew) * 1000:.0f} ms from the database's")
        return Finding(
            "clock",
            Verdict.WARNING,
            f"this machine is {abs(skew):.1f} s {'ahead of' if skew > 0 else 'behind'} the database",
            "synchronize both; due times follow the database's clock",
        )

    def _presence(self, workers: Sequence[tuple[Worker, WorkerStatus]]) -> Finding:
        gone = [worker.name for worker, status in workers if status is WorkerStatus.OFFLINE]
        ill = [worker.name for worker, status in workers if status is WorkerStatus.UNHEALTHY]
        alive = len(workers) - len(gone) - len(ill)
        if ill or gone:
            said = ", ".join(f"{name} is silent" for name in [*ill, *gone])
            return Finding(
                "workers",
                Verdict.WARNING,
                f"{alive} alive; {said}",
                "recovery takes their jobs over by itself",
            )
        return Finding("workers", Verdict.OK, f"{alive} alive" if alive else "none runs")

    async def _backlog(self, workers: Sequence[tuple[Worker, WorkerStatus]]) -> Finding:
        backlogs = await self._store.backlogs(self._project_id, BACKLOG_BOUND)
        queues = await self._queues.list(self._project_id)
        online = [worker for worker, status in workers if status is WorkerStatus.ONLINE]
        served = {
            queue.name
            for queue in queues
            if any(is_served_by(queue, worker.name, worker.queues) for worker in online)
        }
        assigned = {queue.name for queue in queues if has_assignments(queue)}
        states = {queue.name: queue.state for queue in queues}
        stranded = [log for log in backlogs if log.queue not in served]
        paused = [log for log in backlogs if states.get(log.queue) is QueueState.PAUSED]
        if stranded:
            return Finding(
                "queues",
                Verdict.PROBLEM,
                "; ".join(
                    f"{log.queue!r} has {_jobs(log.pending)}, and no worker serves it" for log in stranded
                ),
                _who_could_serve([log.queue for log in stranded], assigned),
            )
        if paused:
            return Finding(
                "queues",
                Verdict.WARNING,
                "; ".join(f"{log.queue!r} has {_jobs(log.pending)} and is paused" for log in paused),
                f"taskforge queues resume {paused[0].queue}",
            )
        return Finding("queues", Verdict.OK, f"{_jobs(sum(log.pending for log in backlogs))}")

    async def _unknown_types(self) -> Finding:
        unknown = await self._store.unknown_types(self._project_id)
        if not unknown:
            return Finding("job types", Verdict.OK, "every waiting job is known to a worker")
        return Finding(
            "job types",
            Verdict.WARNING,
            "; ".join(
                f"{_jobs(count)} of {name!r}, which no worker knows" for name, count in unknown.items()
            ),
            "start a worker with the application that has the task, or cancel them",
        )

    async def _schedules(self) -> Finding:
        outlook = await self._ticks.outlook()
        due = outlook.next_fire_at
        if due is None:
            return Finding("schedules", Verdict.OK, "nothing is due")
        if (outlook.now - due).total_seconds() <= OVERDUE_SECONDS:
            return Finding("schedules", Verdict.OK, f"the next run is due at {due:%Y-%m-%d %H:%M:%S} UTC")
        return Finding(
            "schedules",
            Verdict.PROBLEM,
            f"a run has been due since {due:%Y-%m-%d %H:%M:%S} UTC",
            "no scheduler runs: taskforge scheduler APP, or taskforge worker APP --schedules",
        )

    async def _arrears(self) -> Finding:
        late = await self._store.arrears(self._project_id, self._slack_us)
        said = [
            f"{count} {what}"
            for count, what in (
                (late.expired_leases, "running jobs whose lease ran out"),
                (late.overdue_scheduled, "scheduled jobs that are overdue"),
                (late.overdue_limits, "jobs that waited longer than they may"),
            )
            if count
        ]
        if said:
            return Finding(
                "recovery",
                Verdict.PROBLEM,
                ", ".join(said),
                "no process looks after them: start a worker, each does the recovery too",
            )
        return Finding("recovery", Verdict.OK, "nothing is late")

    async def _settings(self) -> Finding:
        broken = await self._store.broken_settings(self._project_id)
        if not broken:
            return Finding("settings", Verdict.OK, "those of every queue are sound")
        return Finding(
            "settings",
            Verdict.PROBLEM,
            "; ".join(f"queue {name!r}: {', '.join(faults)}" for name, faults in broken.items()),
            f"they count as not set; write them anew: taskforge queues set {next(iter(broken))} KEY=VALUE",
        )

    async def _records(self) -> Finding:
        broken = {
            name: count
            for name, count in (await self._store.broken_records(self._project_id, RECENT_JOBS)).items()
            if count
        }
        if broken:
            said = ", ".join(f"{count} jobs {name.replace('_', ' ')}" for name, count in broken.items())
            return Finding("records", Verdict.PROBLEM, said, "please report this: it must not happen")
        return Finding("records", Verdict.OK, f"sound in the {RECENT_JOBS:,} newest jobs")

    async def _days(self) -> Sequence[Finding]:
        """Partitions that are missing, or that were missing when rows came."""
        if self._partitions is None:
            return []
        today = (await self._store.now()).astimezone(UTC).date()
        leaves = await self._partitions.all()
        present = {(leaf.table, leaf.outcome, leaf.day) for leaf in leaves}
        nets = [leaf for leaf in leaves if leaf.day is None]
        missing = {
            day
            for day in (today + timedelta(days=ahead) for ahead in range(2))
            for net in nets
            if (net.table, net.outcome, day) not in present
        }
        strays = {table: rows for table, rows in (await self._partitions.strays(STRAYS)).items() if rows}
        if missing or strays:
            said = [f"none for {day}" for day in sorted(missing)]
            said += [
                f"{rows:,}{'+' if rows == STRAYS else ''} rows of {table} in none"
                for table, rows in strays.items()
            ]
            return [
                Finding(
                    "partitions",
                    Verdict.WARNING,
                    "; ".join(said),
                    "workers make them, if their role may create tables; so does taskforge migrate. "
                    "Rows in none are pruned one by one",
                )
            ]
        days = sorted({leaf.day for leaf in leaves if leaf.day is not None})
        size = sum(leaf.bytes for leaf in leaves) / 2**20
        detail = f"{len(leaves) - len(nets)} from {days[0]} to {days[-1]}, {size:,.0f} MiB"
        return [Finding("partitions", Verdict.OK, detail)]

    def _tables(self, sizes: Sequence[TableSize]) -> Finding:
        said = ", ".join(_size(table) for table in sizes[:SHOWN_TABLES])
        bloated = [
            table
            for table in sizes
            if (table.dead_rows or 0) > MANY_DEAD_ROWS and (table.dead_rows or 0) > (table.live_rows or 0)
        ]
        if bloated:
            return Finding(
                "tables",
                Verdict.WARNING,
                "; ".join(f"{table.name} has {table.dead_rows:,} dead rows" for table in bloated)
                + f"; {said}",
                "see that autovacuum runs, and that no transaction stays open; VACUUM helps at once",
            )
        return Finding("tables", Verdict.OK, said)

    def _transactions(self, oldest: OldTransaction | None) -> Finding:
        if oldest is None or oldest.seconds < OLD_TRANSACTION_SECONDS:
            said = "none is open" if oldest is None else f"the oldest is open for {oldest.seconds} s"
            return Finding("transactions", Verdict.OK, said)
        return Finding(
            "transactions",
            Verdict.WARNING,
            f"one is open for {oldest.seconds:,} s (pid {oldest.pid}, {oldest.program or 'unnamed'}, {oldest.state})",
            "no dead row goes while it is open, so tables grow and claims slow down: end it",
        )

    def _indexes(self, broken: Sequence[str]) -> Finding:
        if not broken:
            return Finding("indexes", Verdict.OK, "all are valid")
        return Finding(
            "indexes",
            Verdict.PROBLEM,
            f"not valid: {', '.join(broken)}",
            f"REINDEX INDEX CONCURRENTLY {broken[0]}",
        )

    def _counters(self, unfolded: Unfolded) -> Finding:
        said = f"{unfolded.deltas:,} wait to be folded"
        if unfolded.seconds <= UNFOLDED_SECONDS:
            return Finding("counters", Verdict.OK, said)
        return Finding(
            "counters",
            Verdict.WARNING,
            f"{said}, the oldest for {unfolded.seconds:,} s",
            "metrics are right, and get slow: start a worker or a server, each folds",
        )


def _size(table: TableSize) -> str:
    parts = []
    if table.bytes is not None:
        parts.append(f"{table.bytes / 1024 / 1024:,.1f} MiB")
    if table.dead_rows is not None:
        parts.append(f"{table.dead_rows:,} dead rows")
    elif table.live_rows is not None:
        parts.append(f"up to {table.live_rows:,} rows")
    return f"{table.name} {' with '.join(parts) or 'empty'}"


def _who_could_serve(queues: Sequence[str], assigned: Set[str]) -> str:
    """A worker for those that anybody may serve; an assignment says which ones may serve the others."""
    hints = []
    anybodys = [name for name in queues if name not in assigned]
    if anybodys:
        hints.append(f"start one: taskforge worker -q {','.join(anybodys)}")
    hints += [
        f"start a worker that is assigned to it: taskforge assignments list -q {name}"
        for name in queues
        if name in assigned
    ]
    return "; ".join(hints)


def _jobs(count: int) -> str:
    if count >= BACKLOG_BOUND:
        return f"{BACKLOG_BOUND:,} waiting jobs or more"
    return "1 waiting job" if count == 1 else f"{count:,} waiting jobs"
