"""The pauses of a database or of a server, as the commands `pauses` ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.cli.show import plain
from taskforge.domain.errors import NotFound
from taskforge.domain.pause import check_pause_value, check_words
from taskforge.domain.queue import QueueState
from taskforge.services.directory import near

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskforge.client import Client
    from taskforge.domain.pause import Pause, PauseKind
    from taskforge.platform import Platform

Document = dict[str, Any]


class LocalPauses:
    """Implements ``PauseDesk`` over the services of a project."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    async def all(self) -> list[Document]:
        others = [_document(pause) for pause in await self._platform.pauses.list()]
        return [*_paused(await self._platform.queues.list()), *others]

    async def create(
        self, kind: PauseKind, value: str, reason: str | None, by: str | None
    ) -> tuple[Document, bool]:
        pause, is_new = await self._platform.pauses.create(kind, value, reason=reason, by=by)
        return _document(pause), is_new

    async def remove(self, kind: PauseKind, value: str) -> int:
        return await self._platform.pauses.remove(kind, value)


class RemotePauses:
    """Implements ``PauseDesk`` over the HTTP API, where the server knows who pauses."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def all(self) -> list[Document]:
        others = [_told(pause) for pause in await self._client.pauses.alist()]
        return [*_paused(await self._client.queues.alist()), *others]

    async def create(
        self, kind: PauseKind, value: str, reason: str | None, by: str | None
    ) -> tuple[Document, bool]:
        value, reason = check_pause_value(kind, value), check_words(reason, "reason")
        pause, is_new = await self._client.pauses.acreate(kind, value, reason=reason)
        return _told(pause), is_new

    async def remove(self, kind: PauseKind, value: str) -> int:
        value = check_pause_value(kind, value)
        try:
            return int((await self._client.pauses.aremove(kind, value))["released"])
        except NotFound:
            known = [pause["value"] for pause in await self._client.pauses.alist() if pause["kind"] == kind]
            raise NotFound(f"no {kind.value} {value!r} is paused", hint=near(value, known)) from None


def _document(pause: Pause) -> Document:
    """What a person may know of a pause."""
    names = ("kind", "value", "reason", "by", "created_at")
    return {name: plain(getattr(pause, name)) for name in names}


def _told(view: Document) -> Document:
    """The same, of what a server tells."""
    names = ("kind", "value", "reason", "paused_by", "created_at")
    return {name.removeprefix("paused_"): view[name] for name in names}


def _paused(queues: Sequence[Any]) -> list[Document]:
    return [
        {
            "kind": "queue",
            "value": queue.name,
            "reason": queue.pause_reason,
            "by": queue.paused_by,
            "created_at": plain(queue.paused_at),
        }
        for queue in queues
        if queue.state is QueueState.PAUSED
    ]
