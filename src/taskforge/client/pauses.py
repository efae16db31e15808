"""Pauses of a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.client.resources import WHOLE, Resource, synchronous
from taskforge.wire.codec import read
from taskforge.wire.envelope import Envelope

if TYPE_CHECKING:
    from taskforge.domain.pause import PauseKind


class Pauses(Resource):
    """``client.pauses``: jobs of a type, with a tag or of a key that are not handed out. Queues have their own pause."""

    async def alist(self) -> list[dict[str, Any]]:
        """What is paused, oldest first."""
        return await self._by_number(dict[str, Any], "/pauses")

    async def acreate(
        self, kind: PauseKind, value: str, *, reason: str | None = None
    ) -> tuple[dict[str, Any], bool]:
        """Hand out no more of these jobs; the pause, and whether it is new. Raises InvalidInput."""
        body = {"kind": kind, "value": value, "reason": reason}
        status, found = await self._done(dict[str, Any], "/pauses", body)
        return found, status == 201

    async def aremove(self, kind: PauseKind, value: str) -> dict[str, Any]:
        """Hand them out again; ``released`` waiting jobs were let go. Raises NotFound."""
        which = {"kind": kind.value, "value": value}
        answer = await self._transport.ask("DELETE", "/pauses", params=which, headers=WHOLE)
        return read(dict[str, Any], bytes(read(Envelope, answer.body).data))

    list = synchronous(alist)
    create = synchronous(acreate)
    remove = synchronous(aremove)
