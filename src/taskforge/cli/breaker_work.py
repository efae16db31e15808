"""What the commands `breakers` do with the services of a project, or with a server, and how they print it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from taskforge.cli.show import plain
from taskforge.cli.tables import print_fields, print_table
from taskforge.cli.text import stamp
from taskforge.domain.breaker import BreakerSettings
from taskforge.domain.errors import NotFound
from taskforge.services.directory import near

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from taskforge.client import Client
    from taskforge.domain.breaker import Breaker
    from taskforge.platform import Platform

    Document = dict[str, Any]

FIELDS = (
    "job_type", "state", "reason", "changed_by", "changed_at", "probe_at", "attempts", "failures", "probes_succeeded",
    "probes_under_way", "failure_rate", "minimum_attempts", "window_seconds", "open_seconds", "probes",
)  # fmt: skip


class LocalBreakers:
    """Implements ``BreakerDesk`` over the services of a project."""

    def __init__(self, platform: Platform) -> None:
        self._breakers = platform.breakers

    async def all(self) -> list[Document]:
        from taskforge.services.breaker_records import breaker_record

        return [plain(breaker_record(sight)) for sight in await self._breakers.list()]

    async def show(self, job_type: str) -> Document:
        return await self._shown(await self._breakers.named(job_type))

    async def put(self, job_type: str, values: Mapping[str, Any]) -> Document:
        known = {sight.breaker.job_type: sight.breaker for sight in await self._breakers.list()}
        if job_type in known:
            return await self._shown(await self._breakers.change(known[job_type].id, values))
        return await self._shown(await self._breakers.create(job_type, values))

    async def open(self, job_type: str, reason: str | None, seconds: int | None) -> Document:
        found = await self._breakers.named(job_type)
        return await self._shown(await self._breakers.open(found.id, reason=reason, seconds=seconds))

    async def close(self, job_type: str, reason: str | None) -> Document:
        found = await self._breakers.named(job_type)
        return await self._shown(await self._breakers.close(found.id, reason=reason))

    async def remove(self, job_type: str) -> None:
        await self._breakers.delete((await self._breakers.named(job_type)).id)

    async def _shown(self, breaker: Breaker) -> Document:
        from taskforge.services.breaker_records import breaker_record

        document: Document = plain(breaker_record(await self._breakers.see(breaker)))
        return document


class RemoteBreakers:
    """Implements ``BreakerDesk`` over the HTTP API."""

    def __init__(self, client: Client) -> None:
        self._breakers = client.breakers

    async def all(self) -> list[Document]:
        return await self._breakers.alist()

    async def show(self, job_type: str) -> Document:
        found = {document["job_type"]: document for document in await self.all()}
        if job_type not in found:
            raise NotFound(f"no breaker is set for the type {job_type!r}", hint=near(job_type, list(found)))
        return found[job_type]

    async def put(self, job_type: str, values: Mapping[str, Any]) -> Document:
        BreakerSettings.parse(values)
        for document in await self.all():
            if document["job_type"] == job_type:
                return await self._breakers.aupdate(UUID(document["id"]), **values)
        return await self._breakers.acreate(job_type, **values)

    async def open(self, job_type: str, reason: str | None, seconds: int | None) -> Document:
        return await self._breakers.aopen(await self._id(job_type), reason=reason, seconds=seconds)

    async def close(self, job_type: str, reason: str | None) -> Document:
        return await self._breakers.aclose(await self._id(job_type), reason=reason)

    async def remove(self, job_type: str) -> None:
        await self._breakers.adelete(await self._id(job_type))

    async def _id(self, job_type: str) -> UUID:
        return UUID((await self.show(job_type))["id"])


def print_breakers(found: Sequence[Document]) -> None:
    """A table of breakers."""
    print_table(
        ("TYPE", "STATE", "SINCE", "FAILED", "OPENS AT", "PROBES", "WHY"),
        [
            (
                one["job_type"],
                one["state"],
                stamp(one["changed_at"]),
                f"{one['failures']} of {one['attempts']}",
                f"{one['failure_rate']:.0%} of {one['minimum_attempts']} in {one['window_seconds']} s",
                one["probes"],
                one["reason"] or "",
            )
            for one in found
        ],
        empty="no job type has a breaker; set one: taskforge breakers set TYPE failure_rate=0.5",
    )


def print_breaker(breaker: Document) -> None:
    """All of a breaker, one a line."""
    print_fields((name, breaker[name]) for name in FIELDS)
