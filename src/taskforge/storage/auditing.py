"""Entries of the audit log, as a call that a script makes after its change."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any

from taskforge.domain.access import NOBODY
from taskforge.domain.errors import Forbidden
from taskforge.domain.ids import Uuid7Source
from taskforge.ports.acting import Actor, actor
from taskforge.storage.codec import to_json
from taskforge.storage.engine import APPEND_AUDIT, Entry
from taskforge.storage.requests import note_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from taskforge.domain.ids import OrganizationId, ProjectId

_mint = Uuid7Source(
    lambda: time.time_ns() // 1_000_000, lambda bits: int.from_bytes(os.urandom(8), "big") >> (64 - bits)
)
_written = threading.Event()


def written() -> bool:
    """Whether this process has written entries, or tried to, since it was asked last."""
    found = _written.is_set()
    _written.clear()
    return found


class Audit:
    """Writes down what one caller does. Made outside of the script: a script may run in another thread."""

    def __init__(
        self, *, project_id: ProjectId | None = None, organization_id: OrganizationId | None = None
    ) -> None:
        self._who: Actor = actor()
        self._project_id = project_id
        self._organization_id = organization_id

    def of(self, organization_id: OrganizationId) -> Audit:
        """The same, for a change of something of this organization."""
        other = Audit(organization_id=organization_id)
        other._who = self._who
        return other

    def within(self, project_id: ProjectId) -> Audit:
        """The same, for a change of something in this project."""
        other = Audit(project_id=project_id)
        other._who = self._who
        return other

    def entry(
        self,
        action: str,
        resource_id: UUID | None,
        name: str | None = None,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> Entry:
        """The entry of a change: ``action`` is ``resource.verb``. Of what was changed, only what differs is kept."""
        principal = self._who.principal
        if principal == NOBODY:
            raise Forbidden("nobody is known to do this, so it cannot be written down, and is not done")
        if before is not None and after is not None:
            before, after = _difference(before, after)
        _written.set()
        way = self._who.way
        return Entry(
            APPEND_AUDIT,
            {
                "id": _mint(),
                "organization_id": self._organization_id,
                "project_id": self._project_id,
                "actor_kind": principal.kind,
                "actor_id": principal.id,
                "actor_label": principal.label,
                "credential_id": principal.credential_id,
                "address": self._who.address,
                "request_id": self._who.request_id,
                "action": action,
                "resource_kind": action.partition(".")[0],
                "resource_id": None if resource_id is None else str(resource_id),
                "resource_name": name,
                "before": None if before is None else to_json(before),
                "after": None if after is None else to_json(after),
            },
            None if way is None else note_of(way, action, resource_id),
        )


def _difference(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return (
        {name: before[name] for name in names if name in before},
        {name: after[name] for name in names if name in after},
    )
