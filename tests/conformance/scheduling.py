"""A project with schedules, for the tests that are about them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from taskforge.coordination.local import Hub, LocalSignals
from taskforge.domain.outcome import Failed, Succeeded
from taskforge.ports.schedules import RunFilter
from taskforge.services.backfill import Backfill
from taskforge.services.directory import QueueDirectory
from taskforge.services.limits import LimitGuard
from taskforge.services.payload_schemas import PayloadSchemas
from taskforge.services.schedules import Schedules
from taskforge.services.submission import Submission
from taskforge.services.ticking import FiringPlans, Ticking
from taskforge.storage.codec import retry_policy_of, to_json
from taskforge.storage.schedules import SqlScheduleStore
from taskforge.storage.tenants import SqlTenantStore
from taskforge.storage.ticks import SqlTickStore
from tests.conformance.stage import BOOM, NOON, plain_policy

if TYPE_CHECKING:
    from taskforge.domain.ids import ProjectId
    from taskforge.domain.schedule import Schedule
    from taskforge.domain.tick import Run
    from tests.conformance.stage import Stage


class Yard:
    """The schedules of a stage's project, and a scheduler."""

    def __init__(self, stage: Stage, project: ProjectId | None = None) -> None:
        self.stage = stage
        self.project = project or stage.project
        signals = LocalSignals(Hub())
        directory = QueueDirectory(stage.queues, self.project, retry_policy_of)
        limits = LimitGuard(SqlTenantStore(stage.engine, stage.mint))
        submission = Submission(
            stage.jobs, directory, signals, mint=stage.mint, encode=to_json, limits=limits
        )
        self.ticks = SqlTickStore(stage.engine, stage.jobs, stage.queues, stage.mint)
        self.plans = FiringPlans(submission, signals, to_json)
        self.schedules = Schedules(
            SqlScheduleStore(stage.engine, stage.mint),
            self.ticks,
            self.plans,
            PayloadSchemas(stage.workers, self.project),
            signals,
            self.project,
            timezone="UTC",
        )
        self.backfill = Backfill(
            SqlScheduleStore(stage.engine, stage.mint), self.ticks, self.plans, self.project
        )
        self.ticking = self.scheduler()

    def scheduler(self) -> Ticking:
        return Ticking(self.ticks, self.plans)

    async def make(self, name: str = "s", **fields: Any) -> Schedule:
        """A schedule of the task ``t``, every ten seconds unless something else is said."""
        await self.stage.know("t", project=self.project)
        if not {"cron", "run_at"} & fields.keys():
            fields.setdefault("interval_seconds", 10)
        return await self.schedules.create(name, {"task": "t", **fields})

    async def at(self, seconds: float) -> float | None:
        """Look at so many seconds after noon."""
        self.stage.clock.time = NOON + timedelta(seconds=seconds)
        return await self.ticking.look()

    async def runs(self, name: str = "s", **chosen: Any) -> list[Run]:
        """The ticks of a schedule, the oldest first."""
        schedule = await self.schedules.named(name)
        return list(reversed(await self.schedules.runs(schedule, RunFilter(limit=2000, **chosen))))

    async def told(self, name: str = "s") -> list[tuple[float, str, str | None]]:
        """Seconds after noon, what became of it, why."""
        return [
            ((r.due_at - NOON).total_seconds(), r.outcome.value, r.reason and r.reason.value)
            for r in await self.runs(name)
        ]

    async def jobs(self) -> int:
        return int((await self.stage.sql("SELECT count(*) FROM jobs"))[0][0])

    async def finish_all(self, *, well: bool = True) -> None:
        """Run what waits."""
        [queue] = await self.stage.queues.list(self.project)
        while jobs := await self.stage.claim(queue, project=self.project):
            for job in jobs:
                outcome = (
                    Succeeded('{"success": true, "message": "done", "data": {"n": 1}}')
                    if well
                    else Failed(BOOM)
                )
                assert await self.stage.finish(job, outcome, policy=plain_policy(1))
