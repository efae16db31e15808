"""What the commands `schedules` do with the services of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.cli.arguments import json_or_text, moment, pairs
from taskforge.domain.errors import InvalidInput, NotFound, TaskforgeError
from taskforge.ports.schedules import RunFilter
from taskforge.services.schedule_records import execution_record, schedule_detail, schedule_record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from taskforge.cli.session import Session
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


async def make(
    platform: Platform, session: Session, app: str | None, name: str, fields: dict[str, Any]
) -> dict[str, Any]:
    """A new schedule; the tasks of an application that is here are known from now on."""
    await _declare_tasks(platform, session, app)
    schedule = await platform.schedules.create(name, fields)
    return document(schedule_record(schedule))


async def _declare_tasks(platform: Platform, session: Session, app: str | None) -> None:
    from taskforge.domain.worker import TaskDescription

    try:
        application = session.application(app)
    except (NotFound, InvalidInput):
        if app is not None:
            raise
        return
    tasks = [
        TaskDescription(task.name, task.queue, task.schema(), options=task.defaults)
        for task in application.registry
    ]
    if tasks:
        await platform.declare(tasks)


async def all_of(platform: Platform) -> list[dict[str, Any]]:
    """All schedules by name."""
    return [document(schedule_record(schedule)) for schedule in await platform.schedules.list()]


async def whole(platform: Platform, name: str) -> dict[str, Any]:
    """One, with its latest run."""
    schedule = await platform.schedules.named(name)
    return document(schedule_detail(schedule, await platform.schedules.latest(schedule)))


async def history(
    platform: Platform, name: str, limit: int, outcome: str | None, success: bool | None
) -> list[dict[str, Any]]:
    """Its ticks, the latest due time first."""
    schedule = await platform.schedules.named(name)
    chosen = RunFilter(outcome=outcome, ended_well=success, limit=limit)
    return [document(execution_record(run)) for run in await platform.schedules.runs(schedule, chosen)]


async def trigger(platform: Platform, name: str, wait: float | None) -> dict[str, Any]:
    """Run it now; with ``wait`` until its job has ended, or so many seconds."""
    job_id = await platform.schedules.trigger(name)
    answer: dict[str, Any] = {"job_id": name, "queue_job_id": job_id, "success": None, "result": None}
    if wait is not None:
        answer |= await _ending(platform, job_id, wait)
    return document(answer)


async def _ending(platform: Platform, job_id: UUID, wait: float) -> dict[str, Any]:
    from taskforge.storage.codec import from_json

    try:
        return {"success": True, "result": from_json(await platform.results.wait(job_id, wait))}
    except TimeoutError:
        raise
    except TaskforgeError as error:
        return {"success": False, "message": error.message}


async def backfill(platform: Platform, name: str, since: str, until: str) -> dict[str, Any]:
    """Run the due times of a past span that have not run."""
    start, end = moment(since, "from"), moment(until, "to")
    assert start is not None and end is not None  # noqa: S101, PT018 - texts were given
    span, due = await platform.backfill.span(await platform.schedules.named(name), start, end)
    return {"job_id": name, "due": due, "run": await platform.backfill.run(span)}


def document(record: Any) -> dict[str, Any]:
    """A record as JSON values."""
    from taskforge.cli.show import plain

    values: dict[str, Any] = plain(record)
    return values
