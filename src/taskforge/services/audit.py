"""The audit log: read, exported, sealed and verified. It is written by what it tells of."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from taskforge.domain.audit import AuditFault, ChainCheck, Head
from taskforge.domain.errors import NotFound, TaskforgeError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence
    from uuid import UUID

    from taskforge.domain.audit import AuditEntry
    from taskforge.domain.ids import OrganizationId
    from taskforge.ports.audit import AuditFilter, AuditStore

BATCH = 1000
SCAN_SECONDS = 3600.0
"""How often a sealing process looks for entries of others, which have ended or seal nothing."""
MAX_FAULTS = 100


@dataclass(frozen=True, slots=True)
class Verification:
    """What became of a look at a chain: the entries it walked, its end, and what does not hold.

    Whoever keeps ``end`` elsewhere can tell later that nothing up to there was exchanged, not even all of it.
    """

    organization_id: OrganizationId
    checked: int
    end: Head
    faults: Sequence[AuditFault]

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not self.faults


class AuditLog:
    """The audit logs of all organizations; each call names one."""

    def __init__(self, store: AuditStore, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._monotonic = monotonic
        self._scanned = float("-inf")

    async def list(self, organization_id: OrganizationId, chosen: AuditFilter) -> Sequence[AuditEntry]:
        """A page, the newest first."""
        return await self._store.list(organization_id, chosen)

    async def get(self, organization_id: OrganizationId, entry_id: UUID) -> AuditEntry:
        """One entry. Raises NotFound."""
        entry = await self._store.get(organization_id, entry_id)
        if entry is None:
            raise NotFound(f"no entry of the audit log has the id {entry_id}")
        return entry

    async def export(
        self, organization_id: OrganizationId, *, after: int = 0
    ) -> AsyncGenerator[AuditEntry, None]:
        """All entries that are there now, sealed, in the order of the chain, from number ``after`` + 1."""
        await self._seal(organization_id)
        while page := await self._store.chain(organization_id, after, BATCH):
            for entry in page:
                yield entry
            after = page[-1].seq or after + len(page)

    async def verify(self, organization_id: OrganizationId, *, expected: Head | None = None) -> Verification:
        """Walk the chain from its beginning. ``expected``: an end that was kept elsewhere, to be met on the way."""
        head = await self._store.head(organization_id)
        check = ChainCheck()
        faults: list[AuditFault] = []
        async for entry in self._chain(organization_id, head.seq):
            faults += check.walk([entry])
            if expected is not None and entry.seq == expected.seq and entry.hash != expected.hash:
                faults.append(AuditFault(expected.seq, entry.id, "is not what it was when its hash was kept"))
            if len(faults) >= MAX_FAULTS:
                return Verification(organization_id, check.checked, check.end, faults)
        faults += check.finish(head)
        if expected is not None and check.end.seq < expected.seq:
            faults.append(AuditFault(expected.seq, None, "is missing, and was there when its hash was kept"))
        return Verification(organization_id, check.checked, check.end, faults)

    async def verify_all(self) -> Sequence[Verification]:
        """Walk every chain of the installation."""
        return [await self.verify(organization_id) for organization_id in await self._store.chains()]

    async def seal_due(self) -> int:
        """Seal what this process has written since the last call, and what others have left: that is looked for now
        and then, and after ``scan_soon``.

        For a loop of a second, in every process. Answers how many entries were sealed.
        """
        now = self._monotonic()
        if not self._store.written() and now - self._scanned < SCAN_SECONDS:
            return 0
        self._scanned = now
        return await self.seal_all()

    def scan_soon(self) -> None:
        """Others have left entries unsealed: the next ``seal_due`` sees to them."""
        self._scanned = float("-inf")

    async def seal_all(self) -> int:
        """Seal everything that waits for it."""
        return sum([await self._seal(organization_id) for organization_id in await self._store.unsealed()])

    async def seal_own(self) -> None:
        """Before the process leaves: seal what it has written, if the database still answers."""
        if self._store.written():
            with contextlib.suppress(TaskforgeError):
                await self.seal_all()

    async def _seal(self, organization_id: OrganizationId) -> int:
        sealed = last = await self._store.seal(organization_id, BATCH)
        while last == BATCH:
            last = await self._store.seal(organization_id, BATCH)
            sealed += last
        return sealed

    async def _chain(self, organization_id: OrganizationId, until: int) -> AsyncGenerator[AuditEntry, None]:
        """The chain up to the head that was read; what is sealed meanwhile is for the next time."""
        after = 0
        while page := await self._store.chain(organization_id, after, BATCH):
            for entry in page:
                if (entry.seq or 0) > until:
                    return
                yield entry
            after = page[-1].seq or after
