"""The error groups of a database or of a server, as the commands `errors` ask for them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import UUID

from taskforge.cli.desk import RedriveProgress
from taskforge.cli.show import plain
from taskforge.domain.error_group import ErrorStatus
from taskforge.domain.errors import Conflict, InvalidInput, NotFound
from taskforge.domain.ids import short
from taskforge.domain.operation import OperationStatus
from taskforge.services.error_records import error_record

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence
    from datetime import datetime

    from taskforge.client import Client
    from taskforge.domain.error_group import ErrorGroup
    from taskforge.platform import Platform
    from taskforge.services.bulk import BulkProgress

SHORTEST_SUFFIX = 4


class LocalErrors:
    """Implements ``ErrorDesk`` over the services of a project."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._errors = platform.errors

    async def all(self, statuses: Sequence[ErrorStatus] | None, job_type: str | None) -> list[dict[str, Any]]:
        names = await self._errors.queue_names()
        return [plain(error_record(group, names)) for group in await self._errors.list(statuses, job_type)]

    async def whole(self, text: str) -> dict[str, Any]:
        return await self._document(await self._errors.get(await self._id(text)))

    async def judge(self, text: str, status: ErrorStatus, until: datetime | None = None) -> dict[str, Any]:
        group_id = await self._id(text)
        if status is ErrorStatus.RESOLVED:
            return await self._document(await self._errors.resolve(group_id))
        if status is ErrorStatus.MUTED:
            return await self._document(await self._errors.mute(group_id, until))
        return await self._document(await self._errors.reopen(group_id))

    async def redrive(
        self, text: str, target: str | None, per_second: int | None
    ) -> AsyncGenerator[RedriveProgress, None]:
        """The steps are taken here, beside any server that takes them as well."""
        from taskforge.housekeeping import Housekeeping

        platform, steps = self._platform, Housekeeping(self._platform).operation_steps
        queue = None if target is None else await platform.queues.get(target)
        group_id = await self._id(text)
        operation = await self._errors.redrive(group_id, per_second=per_second, target=queue)
        try:
            while operation.status is OperationStatus.RUNNING:
                yield RedriveProgress(operation.id, operation.counted, operation.done, operation.skipped)
                due = await steps.take()
                if due:
                    await asyncio.sleep(min(due, 1.0))
                operation = await platform.operations.find(operation.id) or operation
            yield RedriveProgress(operation.id, operation.counted, operation.done, operation.skipped)
            if operation.status is OperationStatus.FAILED:
                raise Conflict(operation.failure or "the operation failed")
        finally:
            if operation.status is OperationStatus.RUNNING:
                await platform.operations.cancel(operation.id)

    async def _id(self, text: str) -> UUID:
        return await named(text, lambda: self.all(None, None))

    async def _document(self, group: ErrorGroup) -> dict[str, Any]:
        document: dict[str, Any] = plain(error_record(group, await self._errors.queue_names()))
        return document


class RemoteErrors:
    """Implements ``ErrorDesk`` over the HTTP API. ``followed`` tells how far an operation is, and stops it when left."""

    def __init__(
        self, client: Client, followed: Callable[[UUID], AsyncGenerator[BulkProgress, None]]
    ) -> None:
        self._client = client
        self._followed = followed

    async def all(self, statuses: Sequence[ErrorStatus] | None, job_type: str | None) -> list[dict[str, Any]]:
        words = None if statuses is None else [status.value for status in statuses]
        return await self._client.errors.alist(status=words, job_type=job_type)

    async def whole(self, text: str) -> dict[str, Any]:
        return await self._client.errors.aget(await self._id(text))

    async def judge(self, text: str, status: ErrorStatus, until: datetime | None = None) -> dict[str, Any]:
        group_id = await self._id(text)
        if status is ErrorStatus.RESOLVED:
            return await self._client.errors.aresolve(group_id)
        if status is ErrorStatus.MUTED:
            return await self._client.errors.amute(group_id, until)
        return await self._client.errors.areopen(group_id)

    async def redrive(
        self, text: str, target: str | None, per_second: int | None
    ) -> AsyncGenerator[RedriveProgress, None]:
        given = {"queue_name": target, "per_second": per_second}
        said = {name: value for name, value in given.items() if value is not None}
        operation = await self._client.errors.aredrive(await self._id(text), **said)
        async for progress in self._followed(operation.id):
            yield RedriveProgress(operation.id, operation.counted, progress.done, progress.skipped)

    async def _id(self, text: str) -> UUID:
        return await named(text, lambda: self.all(None, None))


async def named(text: str, every: Callable[[], Any]) -> UUID:
    """The id of the group that is meant. Raises Conflict, InvalidInput, NotFound."""
    try:
        return UUID(text)
    except ValueError:
        suffix = text.lower().replace("-", "")
    if len(suffix) < SHORTEST_SUFFIX or not set(suffix) <= set("0123456789abcdef"):
        raise InvalidInput(
            f"{text!r} is no id of an error group",
            field="ID",
            hint="give the id, or at least 4 of its last characters",
        )
    found = [UUID(record["id"]) for record in await every() if record["id"].replace("-", "").endswith(suffix)]
    if not found:
        raise NotFound(f"no error group has an id that ends with {text!r}", hint="taskforge errors list")
    if len(found) > 1:
        raise Conflict(
            f"several error groups end with {text!r}: {', '.join(map(short, found))}",
            hint="give more characters",
        )
    return found[0]
