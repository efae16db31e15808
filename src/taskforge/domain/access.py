"""Who may do what: permissions, the built-in roles, and the principal that a credential proves."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from taskforge.domain.errors import Forbidden, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from taskforge.domain.ids import OrganizationId, ProjectId, QueueId

LONGEST_NAME = 100
_NOBODY_ID = UUID(int=0)


class Permission(StrEnum):
    """What can be allowed: ``resource:action``. Each stands alone; `write` does not include `read`."""

    QUEUE_READ = "queue:read"
    QUEUE_WRITE = "queue:write"
    JOB_READ = "job:read"
    JOB_WRITE = "job:write"
    PAYLOAD_READ = "payload:read"
    """Payloads, results, checkpoints and logs of jobs: what the tenant's own data may be in."""
    PAYLOAD_UNREDACT = "payload:unredact"
    """The members of payloads, results and checkpoints that the organization has redacted for others."""
    ERROR_READ = "error:read"
    """Tracebacks of handlers."""
    WORKER_READ = "worker:read"
    WORKER_WRITE = "worker:write"
    WORKER_RUN = "worker:run"
    """Register a worker over HTTP and do its work: claim, beat, log, settle."""
    SCHEDULE_READ = "schedule:read"
    SCHEDULE_WRITE = "schedule:write"
    SCHEDULE_EXECUTE = "schedule:execute"
    SCALING_READ = "scaling:read"
    SCALING_WRITE = "scaling:write"
    ASSIGNMENT_READ = "assignment:read"
    ASSIGNMENT_WRITE = "assignment:write"
    ALERT_READ = "alert:read"
    ALERT_WRITE = "alert:write"
    KEY_READ = "key:read"
    KEY_WRITE = "key:write"
    USER_READ = "user:read"
    USER_WRITE = "user:write"
    """Users of the organization, their memberships, and its roles."""
    PROJECT_READ = "project:read"
    PROJECT_WRITE = "project:write"
    ORGANIZATION_READ = "organization:read"
    ORGANIZATION_WRITE = "organization:write"
    ORGANIZATION_CREATE = "organization:create"
    """Make organizations and set their limits: for administrators of the installation, in no role."""
    AUDIT_READ = "audit:read"
    METRICS_READ = "metrics:read"
    """What `/metrics` tells monitoring systems."""


ALIASES: Mapping[str, Permission] = {
    "scheduled_job.read": Permission.SCHEDULE_READ,
    "scheduled_job.write": Permission.SCHEDULE_WRITE,
    "scheduled_job.execute": Permission.SCHEDULE_EXECUTE,
}
"""Other names that are accepted wherever a permission is given."""

ALL = frozenset(Permission)
GRANTABLE = ALL - {Permission.ORGANIZATION_CREATE}
"""What a role or a key can give."""


def permission(name: str) -> Permission:
    """The permission of this name or alias. Raises InvalidInput."""
    found = ALIASES.get(name)
    if found is not None:
        return found
    try:
        return Permission(name)
    except ValueError:
        raise InvalidInput(
            f"there is no permission {name!r}",
            field="permissions",
            hint=f"one of: {', '.join(sorted(GRANTABLE))}",
        ) from None


def permissions(names: Iterable[str]) -> frozenset[Permission]:
    """These permissions, as a role or a key may give them. Raises InvalidInput."""
    found = frozenset(permission(name) for name in names)
    for beyond in sorted(found - GRANTABLE):
        raise InvalidInput(f"{beyond} cannot be given by a role or a key", field="permissions")
    return found


class BuiltinRole(StrEnum):
    """The roles that every organization has. Each of the first five includes the next."""

    OWNER = "owner"
    ADMIN = "admin"
    OPERATOR = "operator"
    DEVELOPER = "developer"
    VIEWER = "viewer"
    WORKER = "worker"
    """For the key of a machine that only works."""


_VIEWER = frozenset(
    {
        Permission.QUEUE_READ,
        Permission.JOB_READ,
        Permission.WORKER_READ,
        Permission.SCHEDULE_READ,
        Permission.SCALING_READ,
        Permission.ASSIGNMENT_READ,
        Permission.ALERT_READ,
        Permission.PROJECT_READ,
        Permission.METRICS_READ,
    }
)
_DEVELOPER = _VIEWER | {
    Permission.JOB_WRITE,
    Permission.PAYLOAD_READ,
    Permission.ERROR_READ,
    Permission.SCHEDULE_EXECUTE,
    Permission.WORKER_RUN,
}
_OPERATOR = _DEVELOPER | {
    Permission.QUEUE_WRITE,
    Permission.WORKER_WRITE,
    Permission.SCHEDULE_WRITE,
    Permission.SCALING_WRITE,
    Permission.ASSIGNMENT_WRITE,
    Permission.ALERT_WRITE,
}
_ADMIN = _OPERATOR | {
    Permission.PAYLOAD_UNREDACT,
    Permission.KEY_READ,
    Permission.KEY_WRITE,
    Permission.USER_READ,
    Permission.USER_WRITE,
    Permission.PROJECT_WRITE,
    Permission.ORGANIZATION_READ,
    Permission.AUDIT_READ,
}

ROLES: Mapping[BuiltinRole, frozenset[Permission]] = {
    BuiltinRole.OWNER: GRANTABLE,
    BuiltinRole.ADMIN: _ADMIN,
    BuiltinRole.OPERATOR: _OPERATOR,
    BuiltinRole.DEVELOPER: _DEVELOPER,
    BuiltinRole.VIEWER: _VIEWER,
    BuiltinRole.WORKER: frozenset({Permission.WORKER_RUN}),
}


class PrincipalKind(StrEnum):
    """What kind of credential speaks."""

    USER = "user"
    KEY = "key"
    WORKER = "worker"
    SYSTEM = "system"
    """A program or a person with the database's own credentials: the command line, a loop, user code."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who acts, in which organization, and what is allowed to them.

    ``id`` is the user's, the key's or the worker's own. ``project_id`` None: every project of the organization.
    ``queue_ids`` None: every queue there. ``credential_id`` is the key, or the session, that proved it. ``redacted`` are the names of
    members of payloads that are not shown to it.
    """

    kind: PrincipalKind
    id: UUID
    label: str
    organization_id: OrganizationId | None
    project_id: ProjectId | None = None
    queue_ids: frozenset[QueueId] | None = None
    permissions: frozenset[Permission] = field(default=frozenset())
    credential_id: UUID | None = None
    expires_at: datetime | None = None
    redacted: frozenset[str] = frozenset()

    def may(self, permission: Permission) -> bool:
        """Whether this is allowed to it at all; `reaches` says where."""
        return permission in self.permissions

    def require(self, permission: Permission) -> None:
        """Raises Forbidden, naming the permission that is missing."""
        if permission not in self.permissions:
            raise Forbidden(f"this needs the permission {permission}", permission=permission)

    def reaches(self, project_id: ProjectId) -> bool:
        """Whether a project *of its organization* is in its scope."""
        return self.project_id is None or self.project_id == project_id

    def reaches_queue(self, queue_id: QueueId) -> bool:
        """Whether a queue *of a project that it reaches* is in its scope."""
        return self.queue_ids is None or queue_id in self.queue_ids

    def may_grant(
        self,
        permissions: frozenset[Permission],
        project_id: ProjectId | None = None,
        queue_ids: frozenset[QueueId] | None = None,
    ) -> bool:
        """Whether nothing of this goes beyond what it has itself."""
        return (
            permissions <= self.permissions
            and (self.project_id is None or self.project_id == project_id)
            and (self.queue_ids is None or (queue_ids is not None and queue_ids <= self.queue_ids))
        )


def system(label: str) -> Principal:
    """The principal of those who have the database's own credentials: everything, in every organization."""
    return Principal(PrincipalKind.SYSTEM, _NOBODY_ID, label, None, permissions=ALL)


NOBODY = Principal(PrincipalKind.SYSTEM, _NOBODY_ID, "nobody", None)
"""Who acts where nobody has been authenticated: nothing is allowed, and nothing can be audited as theirs."""
