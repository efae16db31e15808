"""Schedules in code: what a decorator, a call and a class say of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from taskforge import BaseScheduledJob, Context, TaskForge
from taskforge.domain.errors import Conflict, InvalidInput, JobFailed
from taskforge.domain.schedule_fields import parse_spec
from taskforge.sdk.scheduled_job import ReportedFailure


def test_a_task_with_a_schedule() -> None:
    app = TaskForge()

    @app.task(
        name="report",
        queue="reports",
        max_attempts=5,
        timeout=120,
        cron="0 9 * * 1-5",
        timezone="Asia/Jakarta",
    )
    async def report(day: str = "today") -> dict[str, str]:
        """Write the report."""
        return {"day": day}

    [declared] = app.schedules
    assert declared.name == "report"
    spec = parse_spec(declared.fields)
    assert (spec.task, spec.queue, spec.max_attempts, spec.timeout_seconds) == ("report", "reports", 5, 120.0)
    assert (spec.cron, spec.timezone, spec.description) == (
        "0 9 * * 1-5",
        "Asia/Jakarta",
        "Write the report.",
    )


def test_an_interval_and_more_fields() -> None:
    app = TaskForge()

    @app.task(name="t", every=30, schedule={"missed": "all", "jitter": "5s", "catch_up": timedelta(hours=1)})
    def t() -> None: ...

    [declared] = app.schedules
    spec = parse_spec(declared.fields)
    assert (spec.interval_seconds, spec.missed, spec.jitter_seconds, spec.catch_up_seconds) == (
        30.0,
        "all",
        5.0,
        3600.0,
    )


def test_schedules_of_calls() -> None:
    app = TaskForge()

    @app.task(name="report", retry_base=7.0)
    def report(day: str) -> None: ...

    app.schedule("yesterday", report.job("yesterday"), cron="0 2 * * *")
    app.schedule("hourly", report.options(priority=3).job(day="now"), every="1h")
    first, second = (parse_spec(declared.fields) for declared in app.schedules)
    assert (first.arguments, first.retry_base) == ({"day": "yesterday"}, 7.0)
    assert (second.arguments, second.priority, second.interval_seconds) == ({"day": "now"}, 3, 3600.0)
    with pytest.raises(Conflict):
        app.schedule("hourly", report.job("x"), every=60)
    with pytest.raises(InvalidInput, match="its own time"):
        app.schedule("later", report.options(delay=5).job("x"), every=60)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"cron": "0 0 30 2 *"}, "cron"),
        ({"cron": "0 9 * * *", "timezone": "Mars/Olympus"}, "timezone"),
        ({"every": 0}, "interval_seconds"),
        ({"schedule": {"colour": "red"}}, "colour"),
        ({"timezone": "UTC"}, "cron"),
    ],
)
def test_bad_schedules_are_refused_where_they_are_written(fields: dict[str, Any], field: str) -> None:
    app = TaskForge()
    with pytest.raises(InvalidInput) as refusal:
        app.task(name="t", **fields)(lambda: None)
    assert refusal.value.field == field
    assert len(app.registry) == 0


def test_a_task_that_needs_arguments_cannot_run_by_itself() -> None:
    app = TaskForge()
    with pytest.raises(InvalidInput, match=r"app\.schedule|cannot run by a schedule"):

        @app.task(name="t", every=60)
        def t(day: str) -> None: ...


class Daily(BaseScheduledJob):
    """Does it daily."""

    job_id = "daily"
    description = "Setiap hari"
    cron = "30 0 * * *"
    timezone = "Asia/Jakarta"
    max_retries = 2
    retry_delay_seconds = 5

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    async def execute(self) -> Any:
        return self.answer


async def _run(answer: Any) -> Any:
    app = TaskForge()
    app.register(Daily(answer))
    return await app.registry.find("daily")()


@pytest.mark.anyio
async def test_a_scheduled_job_class() -> None:
    app = TaskForge()
    app.register(Daily(None))
    [declared] = app.schedules
    spec = parse_spec(declared.fields)
    assert (spec.task, spec.cron, spec.max_attempts, spec.retry_base, spec.retry_multiplier) == (
        "daily",
        "30 0 * * *",
        3,
        5.0,
        1.0,
    )
    assert spec.description == "Setiap hari"
    assert await _run(None) is None
    good = {"success": True, "message": "Selesai", "data": {"created": 2}}
    assert await _run(good) == good
    with pytest.raises(ReportedFailure, match="tidak bisa"):
        await _run({"success": False, "message": "tidak bisa"})


@pytest.mark.anyio
async def test_the_stock_task_that_forgets() -> None:
    app = TaskForge("sqlite:///:memory:")
    app.maintain(days=7)
    [declared] = app.schedules
    assert (declared.name, declared.fields["arguments"]) == ("cleanup_old_logs", {"days": 7})
    async with app:
        assert (await app.registry.find("cleanup_old_logs")(days=7))["data"] == {"removed": 0}


@pytest.mark.anyio
async def test_a_locked_job_is_skipped_while_somebody_else_holds_its_lock() -> None:
    class Locked(Daily):
        job_id = "locked"
        lock = "database"

    app = TaskForge("sqlite:///:memory:")
    app.register(Locked({"success": True, "message": "done"}))
    task = app.registry.find("locked")
    async with app, app.lock("scheduled_job locked"):
        assert "skipped" in (await task())["message"]
    async with app:
        assert (await task())["message"] == "done"


@pytest.mark.anyio
async def test_a_running_task_holds_a_lock_and_a_thread_cannot() -> None:
    app = TaskForge("sqlite:///:memory:")

    @app.task(max_attempts=1)
    async def alone(ctx: Context) -> int:
        async with ctx.lock("import", ttl=30) as held:
            held.check()
            with pytest.raises(Conflict, match="somebody else"):
                async with app.lock("import"):
                    pass
            return held.fence

    @app.task(max_attempts=1)
    def in_thread(ctx: Context) -> None:
        ctx.lock("import")

    async with app, app.worker():
        first, second = [await (await alone.aenqueue()).aresult(timeout=20) for _ in range(2)]
        assert first < second
        with pytest.raises(JobFailed, match="async tasks of a worker beside a database"):
            await (await in_thread.aenqueue()).aresult(timeout=20)
    with pytest.raises(Conflict, match=r"ctx\.lock"):
        in_thread()


def test_a_scheduled_job_class_that_is_not_whole() -> None:
    app = TaskForge()

    class Nameless(BaseScheduledJob):
        cron = "0 9 * * *"

        async def execute(self) -> None: ...

    class Timeless(BaseScheduledJob):
        job_id = "timeless"

        async def execute(self) -> None: ...

    class Plain(BaseScheduledJob):
        job_id = "plain"
        cron = "0 9 * * *"

        def execute(self) -> None: ...  # type: ignore[override]

    for kind, field in ((Nameless, "job_id"), (Timeless, "cron"), (Plain, "execute")):
        with pytest.raises(InvalidInput) as refusal:
            app.register(kind())
        assert refusal.value.field == field
