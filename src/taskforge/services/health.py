"""Is all well? Which workers live, what is late, which records break a promise, and what mends it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from taskforge.domain.balancing import has_assignments, is_served_by
from taskforge.domain.queue import QueueState
from taskforge.domain.worker import WorkerStatus
from taskforge.services.disk import examine_disk
from taskforge.services.findings import found
from taskforge.services.processes import is_alive

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from taskforge.domain.ids import ProjectId
    from taskforge.domain.worker import Worker
    from taskforge.ports.health import HealthStore, OldTransaction, TableSize, Unfolded
    from taskforge.ports.partitions import PartitionStore
    from taskforge.ports.queues import QueueStore
    from taskforge.ports.schedules import TickStore
    from taskforge.ports.workers import WorkerStore
    from taskforge.services.findings import Finding

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


class Health:
    """Examines one project. ``lease`` and ``interval`` (of recovery) are seconds; ``folder``: of the database's file."""

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
        folder: Path | None = None,
    ) -> None:
        self._folder = folder
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
            *examine_disk(self._folder),
            self._clock(await self._store.now(), datetime.now(UTC)),
            self._presence(workers),
            *await self._backlog(workers),
            await self._unknown_types(),
            *await self._arrears(),
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
        looked_at = {name: value for name, value in settings.items() if name in SAFE_VALUES}
        wrong = [f"{name} {value}" for name, value in looked_at.items() if value not in SAFE_VALUES[name]]
        if wrong:
            return found("durability_unsafe", settings=wrong)
        shown = [f"{name} {value}" for name, value in looked_at.items()]
        return found("durability", version=settings["version"], settings=shown)

    def _clock(self, theirs: datetime, ours: datetime) -> Finding:
        skew = (ours - theirs).total_seconds()
        if abs(skew) <= TOLERATED_SKEW_SECONDS:
            return found("clock", milliseconds=round(abs(skew) * 1000))
        return found("clock_ahead" if skew > 0 else "clock_behind", seconds=round(abs(skew), 1))

    def _presence(self, workers: Sequence[tuple[Worker, WorkerStatus]]) -> Finding:
        silent = [
            worker.name
            for wanted in (WorkerStatus.UNHEALTHY, WorkerStatus.OFFLINE)
            for worker, status in workers
            if status is wanted
        ]
        alive = len(workers) - len(silent)
        if silent:
            return found("workers_silent", count=alive, names=silent)
        return found("workers", count=alive) if alive else found("workers_none")

    async def _backlog(self, workers: Sequence[tuple[Worker, WorkerStatus]]) -> Sequence[Finding]:
        waiting = {
            log.queue: log.pending for log in await self._store.backlogs(self._project_id, BACKLOG_BOUND)
        }
        queues = {queue.name: queue for queue in await self._queues.list(self._project_id)}
        online = [worker for worker, status in workers if status is WorkerStatus.ONLINE]
        stranded = [
            name
            for name in waiting
            if name not in queues
            or not any(is_served_by(queues[name], worker.name, worker.queues) for worker in online)
        ]
        unassigned = [name for name in stranded if name in queues and has_assignments(queues[name])]
        unserved = [name for name in stranded if name not in unassigned]
        paused = [name for name in waiting if name in queues and queues[name].state is QueueState.PAUSED]
        said: list[tuple[str, Sequence[str], dict[str, Any]]] = [
            ("queues_unserved", unserved, {"names": ",".join(unserved)}),
            ("queues_unassigned", unassigned, {}),
            ("queues_paused", paused, {}),
        ]
        findings = [
            found(code, queues={name: _bounded(waiting[name]) for name in names}, first=names[0], **more)
            for code, names, more in said
            if names
        ]
        return findings or [found("queues", count=_bounded(sum(waiting.values())))]

    async def _unknown_types(self) -> Finding:
        unknown = await self._store.unknown_types(self._project_id)
        return found("job_types_unknown", types=unknown) if unknown else found("job_types")

    async def _schedules(self) -> Finding:
        outlook = await self._ticks.outlook()
        due = outlook.next_fire_at
        if due is None:
            return found("schedules")
        is_late = (outlook.now - due).total_seconds() > OVERDUE_SECONDS
        return found("schedules_overdue" if is_late else "schedules_next", at=due)

    async def _arrears(self) -> Sequence[Finding]:
        late = await self._store.arrears(self._project_id, self._slack_us)
        counts = {
            "recovery_leases": late.expired_leases,
            "recovery_scheduled": late.overdue_scheduled,
            "recovery_limits": late.overdue_limits,
        }
        findings = [found(code, count=count) for code, count in counts.items() if count]
        return findings or [found("recovery")]

    async def _settings(self) -> Finding:
        broken = await self._store.broken_settings(self._project_id)
        if not broken:
            return found("settings")
        return found("settings_broken", queues=broken, first=next(iter(broken)))

    async def _records(self) -> Finding:
        counts = await self._store.broken_records(self._project_id, RECENT_JOBS)
        broken = {name.replace("_", " "): count for name, count in counts.items() if count}
        return found("records_broken", records=broken) if broken else found("records", count=RECENT_JOBS)

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
        strays = await self._partitions.strays(STRAYS)
        lying = {table: _bounded(rows, STRAYS) for table, rows in strays.items() if rows}
        findings = []
        if missing:
            findings.append(found("partitions_missing", days=[str(day) for day in sorted(missing)]))
        if lying:
            findings.append(found("partitions_strays", tables=lying))
        if findings:
            return findings
        days = sorted({leaf.day for leaf in leaves if leaf.day is not None})
        mebibytes = round(sum(leaf.bytes for leaf in leaves) / 2**20)
        count = len(leaves) - len(nets)
        return [found("partitions", count=count, first=str(days[0]), last=str(days[-1]), mebibytes=mebibytes)]

    def _tables(self, sizes: Sequence[TableSize]) -> Finding:
        shown = sizes[:SHOWN_TABLES]
        tables = {table.name: f"{table.bytes / 2**20:,.1f} MiB" for table in shown if table.bytes is not None}
        bloated = {
            table.name: table.dead_rows
            for table in sizes
            if (table.dead_rows or 0) > MANY_DEAD_ROWS and (table.dead_rows or 0) > (table.live_rows or 0)
        }
        if bloated:
            return found("tables_bloated", tables=tables, dead=bloated)
        dead = {table.name: table.dead_rows for table in shown if table.dead_rows is not None}
        if dead:
            return found("tables_dead", tables=tables, dead=dead)
        rows = {table.name: table.live_rows for table in shown if table.live_rows is not None}
        return found("tables_rows", tables=tables, rows=rows) if rows else found("tables", tables=tables)

    def _transactions(self, oldest: OldTransaction | None) -> Finding:
        if oldest is None:
            return found("transactions")
        if oldest.seconds < OLD_TRANSACTION_SECONDS:
            return found("transactions_open", seconds=oldest.seconds)
        return found(
            "transactions_old",
            seconds=oldest.seconds,
            pid=str(oldest.pid),
            program=oldest.program or "unnamed",
            state=oldest.state,
        )

    def _indexes(self, broken: Sequence[str]) -> Finding:
        return found("indexes_broken", names=broken, first=broken[0]) if broken else found("indexes")

    def _counters(self, unfolded: Unfolded) -> Finding:
        if unfolded.seconds <= UNFOLDED_SECONDS:
            return found("counters", count=unfolded.deltas)
        return found("counters_behind", count=unfolded.deltas, seconds=unfolded.seconds)


def _bounded(count: int, bound: int = BACKLOG_BOUND) -> int | str:
    """A count that ends at a bound says so."""
    return count if count < bound else f"{bound:,}+"
