"""Calendars: named sets of days on which scheduled jobs do not run."""

from typing import Annotated

from fastapi import Path
from starlette.responses import Response

from taskforge.api.call import Calling
from taskforge.api.routing import Resource
from taskforge.api.tenancy import OneProject
from taskforge.api.views.schedules import CalendarContent, CalendarView
from taskforge.domain.access import Permission
from taskforge.domain.calendar import Calendar

calendars = Resource("/calendars", "scheduled-jobs")

Name = Annotated[str, Path(min_length=1, max_length=100, description="The calendar's name.")]


@calendars.get(
    "",
    permission=Permission.SCHEDULE_READ,
    name="calendars.list",
    answers=list[CalendarView],
    problems=(404,),
)
async def list_calendars(call: Calling, project: OneProject) -> Response:
    """All calendars of a project by name."""
    found = await project.schedules.calendars()
    return call.answer([_view_of(name, calendar) for name, calendar in sorted(found.items())])


@calendars.put(
    "/{name}",
    permission=Permission.SCHEDULE_WRITE,
    name="calendars.put",
    answers=CalendarView,
    problems=(404,),
)
async def put_calendar(call: Calling, project: OneProject, name: Name, body: CalendarContent) -> Response:
    """Make or replace a calendar; schedules that name it are due anew."""
    calendar = await project.schedules.put_calendar(name, body.model_dump())
    return call.answer(_view_of(name, calendar), "updated")


@calendars.delete(
    "/{name}",
    permission=Permission.SCHEDULE_WRITE,
    name="calendars.delete",
    status=204,
    problems=(404, 409),
)
async def delete_calendar(call: Calling, project: OneProject, name: Name) -> Response:
    """Remove a calendar that no schedule names."""
    await project.schedules.delete_calendar(name)
    return call.done(None, "deleted")


def _view_of(name: str, calendar: Calendar) -> CalendarView:
    content = calendar.to_json()
    return CalendarView(name, content["dates"], content["weekdays"])
