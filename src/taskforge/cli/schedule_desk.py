"""What the commands `schedules` ask and order, of a database or of a server alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from taskforge.domain.worker import TaskDescription


class ScheduleDesk(Protocol):
    """Schedules by name, or what follows the last dot of it; documents are those of the API."""

    async def all(self) -> list[dict[str, Any]]:
        """All of them by name."""
        ...

    async def whole(self, name: str) -> dict[str, Any]:
        """One, with its latest run."""
        ...

    async def history(
        self, name: str, limit: int, outcome: str | None, success: bool | None
    ) -> list[dict[str, Any]]:
        """Its ticks, the latest due time first."""
        ...

    async def create(
        self, name: str, fields: Mapping[str, Any], tasks: Sequence[TaskDescription]
    ) -> dict[str, Any]:
        """A new one of a known task; beside a database, ``tasks`` are known from now on."""
        ...

    async def edit(self, name: str, fields: Mapping[str, Any], *, reset: bool) -> dict[str, Any]:
        """Change it; None goes back to what code says. With ``reset`` all does, before."""
        ...

    async def delete(self, name: str) -> str:
        """Remove it; answers its whole name."""
        ...

    async def rest(self, *, paused: bool) -> int:
        """Let all of them rest, or go on; answers how many that changed."""
        ...

    async def calendars(self) -> dict[str, dict[str, Any]]:
        """The calendars by name: their dates and weekdays."""
        ...

    async def put_calendar(self, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Make or replace a calendar."""
        ...

    async def delete_calendar(self, name: str) -> None:
        """Remove a calendar."""
        ...

    async def enable(self, name: str) -> dict[str, Any]:
        """Let it be due again."""
        ...

    async def disable(self, name: str) -> dict[str, Any]:
        """Let it be due no more."""
        ...

    async def trigger(self, name: str, wait: float | None) -> dict[str, Any]:
        """Run it now; with ``wait`` until its job has ended, or so many seconds."""
        ...

    async def backfill(self, name: str, since: datetime, until: datetime) -> dict[str, Any]:
        """Run the due times of a past span that have not run; whoever stops asking has stopped it."""
        ...
