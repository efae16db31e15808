"""The audit log of a database or of a server, as the commands `audit` ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.cli.access_options import refuse_organization
from taskforge.domain.errors import InvalidInput
from taskforge.ports.audit import AuditFilter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from taskforge.cli.record_desk import EntryFilter
    from taskforge.client import Client
    from taskforge.domain.audit import Head
    from taskforge.domain.ids import OrganizationId
    from taskforge.platform import Platform
    from taskforge.services.audit import Verification

Document = dict[str, Any]


class LocalAudit:
    """Implements ``AuditDesk`` over a database, for an organization by name; without one, all chains are verified."""

    def __init__(self, platform: Platform, organization: str | None) -> None:
        self._platform = platform
        self._log = platform.foundation.audit
        self._name = organization

    async def entries(self, chosen: EntryFilter) -> list[Document]:
        found = await self._log.list(await self._id(), AuditFilter(**chosen._asdict()))
        return [entry.document() for entry in found]

    async def export(self, after: int) -> AsyncIterator[Document]:
        async for entry in self._log.export(await self._id(), after=after):
            yield entry.document()

    async def verify(self, expected: Head | None) -> list[Document]:
        if expected is not None and self._name is None:
            raise InvalidInput("an end belongs to the chain of one --organization", field="--expect")
        await self._log.seal_all()
        if self._name is None:
            return [_document(found) for found in await self._log.verify_all()]
        return [_document(await self._log.verify(await self._id(), expected=expected))]

    async def _id(self) -> OrganizationId:
        return (await self._platform.security.organizations.named(self._name or "default")).id


class RemoteAudit:
    """Implements ``AuditDesk`` over the HTTP API. Which organization is meant, the key says."""

    def __init__(self, client: Client, organization: str | None) -> None:
        refuse_organization(organization)
        self._log = client.audit

    async def entries(self, chosen: EntryFilter) -> list[Document]:
        return await self._log.alist(
            limit=chosen.limit,
            action=chosen.action,
            resource_id=chosen.resource_id,
            since=None if chosen.since is None else chosen.since.isoformat(),
            until=None if chosen.until is None else chosen.until.isoformat(),
        )

    async def export(self, after: int) -> AsyncIterator[Document]:
        async for entry in self._log.export(after=after):
            yield entry

    async def verify(self, expected: Head | None) -> list[Document]:
        kept = None if expected is None else f"{expected.seq}:{expected.hash}"
        return [await self._log.averify(expect=kept)]


def _document(found: Verification) -> Document:
    return {
        "organization_id": str(found.organization_id),
        "holds": found.holds,
        "checked": found.checked,
        "end": {"seq": found.end.seq, "hash": found.end.hash},
        "faults": [str(fault) for fault in found.faults],
    }
