"""What the commands `schedules` do with the services of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.cli.arguments import json_or_text, moment, pairs
from taskforge.domain.errors import InvalidInput, JobCancelled, JobFailed, NotFound
from taskforge.ports.schedules import RunFilter
from taskforge.services.schedule_records import execution_record, schedule_detail, schedule_record

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from taskforge.cli.session import Session
    from taskforge.domain.worker import TaskDescription
    from taskforge.platform import Platform

LISTS = ("calendars", "tags")


def fields_of(options: Mapping[str, Any], texts: Sequence[str] | None) -> dict[str, Any]:
    """The fields of options that were given, and of KEY=VALUE texts."""
    given = {name: value for name, value in options.items() if value is not None}
    for name, value in pairs(texts).items():
        if isinstance(value, str) and name in LISTS:
            value = [part.strip() for part in value.split(",")]
        elif name in ("cron", "description", "timezone", "task", "queue") and value is not None:
            value = value if isinstance(value, str) else str(value)
        given[name] = value
    return given


def arguments_of(text: str | None) -> Any:
    """The payload of a command line. Raises InvalidInput when it is no JSON object."""
    if text is None:
        return None
    value = json_or_text(text)
    if isinstance(value, str):
        raise InvalidInput("--args is not JSON", field="arguments", hint='quote it: \'{"day": "today"}\'')
    return value


def tasks_here(session: Session, app: str | None) -> list[TaskDescription]:
    """The tasks of an application that is here, so that a schedule may name one before any worker has.

    None with a server, which knows those that its workers have told of. Raises InvalidInput when one is named then.
    """
    from taskforge.domain.worker import TaskDescription

    if session.settings().server is not None:
        if app is not None:
            raise InvalidInput(
                "a server knows the tasks that its workers have told of, not those of files here",
                field="--app",
                hint="leave it out",
            )
        return []
    try:
        application = session.application(app)
    except (NotFound, InvalidInput):
        if app is not None:
            raise
        return []
    return [
        TaskDescription(task.name, task.queue, task.schema(), options=task.defaults)
        for task in application.registry
    ]


class LocalSchedules:
    """Implements ``ScheduleDesk`` over the services of a project."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._schedules = platform.schedules

    async def create(
        self, name: str, fields: Mapping[str, Any], tasks: Sequence[TaskDescription]
    ) -> dict[str, Any]:
        if tasks:
            await self._platform.declare(tasks)
        return document(schedule_record(await self._schedules.create(name, fields)))

    async def edit(self, name: str, fields: Mapping[str, Any], *, reset: bool) -> dict[str, Any]:
        schedule = await self._schedules.reset(name) if reset else await self._schedules.named(name)
        if fields:
            schedule = await self._schedules.edit(schedule.name, fields)
        return document(schedule_record(schedule))

    async def delete(self, name: str) -> str:
        return (await self._schedules.delete(name)).name

    async def rest(self, *, paused: bool) -> int:
        return await (self._schedules.pause_all if paused else self._schedules.resume_all)()

    async def calendars(self) -> dict[str, dict[str, Any]]:
        found = await self._schedules.calendars()
        return {name: found[name].to_json() for name in sorted(found)}

    async def put_calendar(self, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        return (await self._schedules.put_calendar(name, values)).to_json()

    async def delete_calendar(self, name: str) -> None:
        await self._schedules.delete_calendar(name)

    async def all(self) -> list[dict[str, Any]]:
        return [document(schedule_record(schedule)) for schedule in await self._schedules.list()]

    async def whole(self, name: str) -> dict[str, Any]:
        schedule = await self._schedules.named(name)
        return document(schedule_detail(schedule, await self._schedules.latest(schedule)))

    async def history(
        self, name: str, limit: int, outcome: str | None, success: bool | None
    ) -> list[dict[str, Any]]:
        schedule = await self._schedules.named(name)
        chosen = RunFilter(outcome=outcome, ended_well=success, limit=limit)
        return [document(execution_record(run)) for run in await self._schedules.runs(schedule, chosen)]

    async def enable(self, name: str) -> dict[str, Any]:
        return document(schedule_record(await self._schedules.enable(name)))

    async def disable(self, name: str) -> dict[str, Any]:
        return document(schedule_record(await self._schedules.disable(name)))

    async def trigger(self, name: str, wait: float | None) -> dict[str, Any]:
        job_id = await self._schedules.trigger(name)
        return await triggered(name, job_id, wait, self._platform.results.wait)

    async def backfill(self, name: str, since: datetime, until: datetime) -> dict[str, Any]:
        backfill = self._platform.backfill
        span, due = await backfill.span(await self._schedules.named(name), since, until)
        return {"job_id": name, "due": due, "run": await backfill.run(span)}


async def triggered(
    name: str, job_id: UUID, wait: float | None, output: Callable[[UUID, float], Awaitable[str | None]]
) -> dict[str, Any]:
    """A run by hand; with ``wait`` what its job came to, whose ``output`` is JSON text. Raises ResultTimeout."""
    from taskforge.storage.codec import from_json

    answer: dict[str, Any] = {"job_id": name, "queue_job_id": str(job_id), "success": None, "result": None}
    if wait is None:
        return answer
    try:
        return answer | {"success": True, "result": from_json(await output(job_id, wait))}
    except (JobFailed, JobCancelled) as error:
        return answer | {"success": False, "message": error.message}


def span_of(since: str, until: str) -> tuple[datetime, datetime]:
    """The ends of a span, as they were typed. Raises InvalidInput."""
    start, end = moment(since, "from"), moment(until, "to")
    assert start is not None and end is not None  # noqa: S101, PT018 - texts were given
    return start, end


def document(record: Any) -> dict[str, Any]:
    """A record as JSON values."""
    from taskforge.cli.show import plain

    values: dict[str, Any] = plain(record)
    return values
