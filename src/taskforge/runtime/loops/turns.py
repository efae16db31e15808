"""What one of all processes has to do, where a place beside the database can say whose turn it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskforge.domain.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from taskforge.domain.ids import ProjectId
    from taskforge.ports.dispatch import ReadyQueues

OWN_PART = 0.9
"""Of an interval, that a turn is somebody's: less than all, since who had it last may come a little early."""


class Turns:
    """Where ``ready`` is none, or does not answer, it is everybody's turn."""

    def __init__(self, ready: ReadyQueues | None, project_id: ProjectId) -> None:
        self._ready = ready
        self._project_id = project_id

    def take(
        self, name: str, interval: float, activity: Callable[[], Awaitable[object]]
    ) -> Callable[[], Awaitable[object]]:
        """``activity``, once in ``interval`` seconds by one of all who ask. Who fails, or dies, leaves it to another."""
        ready, project_id = self._ready, self._project_id
        if ready is None:
            return activity

        async def at_our_turn() -> None:
            try:
                is_ours = await ready.turn(project_id, name, interval * OWN_PART)
            except Unavailable:
                is_ours = True
            if not is_ours:
                return
            try:
                await activity()
            except Exception:
                await self._leave(name)
                raise

        return at_our_turn

    async def _leave(self, name: str) -> None:
        if self._ready is not None:
            try:
                await self._ready.end_turn(self._project_id, name)
            except Unavailable:
                return  # it ends by itself
