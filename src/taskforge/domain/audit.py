"""The audit log: what an entry says, and the chain of hashes that makes a later change of it visible.

Each organization has a chain of its own, numbered from 1. A sealer chains what has been written since; the hash of an
entry covers all of its columns, its number, and the hash before it.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taskforge.domain.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.access import PrincipalKind
    from taskforge.domain.ids import OrganizationId, ProjectId

GENESIS = "0" * 64
"""What stands before the first entry of a chain."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to what. ``before`` and ``after`` are JSON texts of what was changed, as they are stored."""

    id: UUID
    organization_id: OrganizationId
    project_id: ProjectId | None
    actor_kind: PrincipalKind
    actor_id: UUID
    actor_label: str
    credential_id: UUID | None
    address: str | None
    request_id: str | None
    action: str
    resource_kind: str
    resource_id: str | None
    resource_name: str | None
    before: str | None
    after: str | None
    happened_at: datetime
    seq: int | None = None
    previous_hash: str | None = None
    hash: str | None = None

    def document(self) -> dict[str, Any]:
        """The entry as plain JSON values, seal included."""
        return {
            "id": str(self.id),
            "organization_id": str(self.organization_id),
            "project_id": _text(self.project_id),
            "actor": {
                "kind": str(self.actor_kind),
                "id": str(self.actor_id),
                "label": self.actor_label,
                "credential_id": _text(self.credential_id),
            },
            "address": self.address,
            "request_id": self.request_id,
            "action": self.action,
            "resource": {"kind": self.resource_kind, "id": self.resource_id, "name": self.resource_name},
            "before": _decoded(self.before),
            "after": _decoded(self.after),
            "happened_at": self.happened_at.isoformat().replace("+00:00", "Z"),
            "seq": self.seq,
            "previous_hash": self.previous_hash,
            "hash": self.hash,
        }

    def sealed_hash(self, seq: int, previous_hash: str) -> str:
        """The SHA-256 of the entry as number ``seq`` after the entry of that hash."""
        values = [
            seq,
            previous_hash,
            str(self.id),
            str(self.organization_id),
            _text(self.project_id),
            str(self.actor_kind),
            str(self.actor_id),
            self.actor_label,
            _text(self.credential_id),
            self.address,
            self.request_id,
            self.action,
            self.resource_kind,
            self.resource_id,
            self.resource_name,
            self.before,
            self.after,
            self.happened_at.isoformat(timespec="microseconds"),
        ]
        return hashlib.sha256(json.dumps(values, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: how many entries it has, and the hash of the last."""

    seq: int = 0
    hash: str = GENESIS

    @classmethod
    def parse(cls, text: str, field: str) -> Head:
        """An end that was written down as ``NUMBER:HASH``. Raises InvalidInput."""
        number, _, found = text.partition(":")
        if not re.fullmatch(r"[0-9]{1,15}", number) or not re.fullmatch(r"[0-9a-f]{64}", found):
            raise InvalidInput(
                f"{text!r:.120} is no end of a chain",
                field=field,
                hint="NUMBER:HASH, as a verification tells it",
            )
        return cls(int(number), found)


@dataclass(frozen=True, slots=True)
class AuditFault:
    """Where a chain does not hold: at entry ``seq``, and what is wrong there."""

    seq: int
    entry_id: UUID | None
    problem: str

    def __str__(self) -> str:
        which = "" if self.entry_id is None else f" ({self.entry_id})"
        return f"entry {self.seq}{which}: {self.problem}"


class ChainCheck:
    """Walks a chain in its order. ``end`` is what the chain has come to so far."""

    def __init__(self) -> None:
        self.end = Head()
        self.checked = 0

    def walk(self, entries: Iterable[AuditEntry]) -> Iterator[AuditFault]:
        """What is wrong with the next entries."""
        for entry in entries:
            seq = entry.seq or 0
            self.checked += 1
            if seq != self.end.seq + 1:
                missing = (
                    f"{self.end.seq + 1}" if seq == self.end.seq + 2 else f"{self.end.seq + 1} to {seq - 1}"
                )
                yield AuditFault(self.end.seq + 1, None, f"removed, or never there: {missing}")
            elif entry.previous_hash != self.end.hash:
                yield AuditFault(seq, entry.id, "does not follow the entry before it")
            if entry.hash != entry.sealed_hash(seq, entry.previous_hash or ""):
                yield AuditFault(seq, entry.id, "was changed after it was sealed")
            self.end = Head(seq, entry.hash or "")

    def finish(self, head: Head) -> Iterator[AuditFault]:
        """What is wrong with the end, which ``head`` remembers."""
        if self.end.seq < head.seq:
            yield AuditFault(self.end.seq + 1, None, f"removed: the chain had {head.seq} entries")
        elif self.end != head:
            yield AuditFault(self.end.seq, None, "is not the end that was sealed last")


def _text(identity: UUID | None) -> str | None:
    return None if identity is None else str(identity)


def _decoded(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text
