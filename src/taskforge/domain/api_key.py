"""API keys and sessions, as they are shown: without their secrets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.access import BuiltinRole, Permission
    from taskforge.domain.ids import OrganizationId, ProjectId, QueueId


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key. ``project_id`` None: every project; ``queue_ids`` None: every queue.

    ``role`` is set when it allows what a built-in role allows. ``user_id`` is the user who answers for it: it allows
    no more than they may do now. ``parent_id`` is the key that made it.
    """

    id: UUID
    organization_id: OrganizationId
    project_id: ProjectId | None
    name: str
    role: BuiltinRole | None
    permissions: frozenset[Permission]
    queue_ids: frozenset[QueueId] | None
    user_id: UUID | None
    parent_id: UUID | None
    expires_at: datetime | None
    last_used_at: datetime | None
    last_used_from: str | None
    revoked_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class LoginSession:
    """A login that holds: of a program with tokens, or of the dashboard with its cookie."""

    id: UUID
    organization_id: OrganizationId
    user_id: UUID
    address: str | None
    is_cookie: bool
    expires_at: datetime
    last_used_at: datetime
    created_at: datetime
