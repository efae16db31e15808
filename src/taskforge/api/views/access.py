"""Organizations, people, keys and logins in bodies. No secret is shown but where it is made."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import Field

from taskforge.api.values import Body, Id, Moment
from taskforge.domain.access import Permission, Principal, PrincipalKind
from taskforge.domain.api_key import ApiKey, LoginSession
from taskforge.domain.organization import Organization, Project
from taskforge.domain.people import Member, Role
from taskforge.domain.redaction import MOST_NAMES


@dataclass(frozen=True, slots=True)
class TokensView:
    """What a login gives a program. The refresh token is good for one use."""

    access_token: str
    token_type: str
    expires_at: datetime
    refresh_token: str
    session_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class CookieView:
    """What a login gives the dashboard, beside the cookie: the token that changes must carry as X-CSRF-Token."""

    csrf_token: str
    expires_at: datetime
    session_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class CallerView:
    """Who is calling, and what it may do. Members of payloads named in `redacted_keys` are not shown to it.

    `projects` are the first 200 that it may see, by name; null for those who may see none.
    """

    kind: PrincipalKind
    id: UUID
    label: str
    organization_id: UUID | None
    project_id: UUID | None
    queue_ids: list[UUID] | None
    permissions: list[Permission]
    redacted_keys: list[str]
    projects: "list[ProjectView] | None"
    csrf_token: str | None


@dataclass(frozen=True, slots=True)
class SessionView:
    """A login that holds."""

    id: UUID
    address: str | None
    is_cookie: bool
    expires_at: datetime
    last_used_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OrganizationView:
    """A tenant. Limits of null are none. Members of payloads with the names `redacted_keys` are shown only to those
    who have `payload:unredact`."""

    id: UUID
    name: str
    limits: dict[str, int | None]
    suspended_at: datetime | None
    redacted_keys: list[str]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ProjectView:
    """A namespace of queues, jobs and workers."""

    id: UUID
    organization_id: UUID
    name: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class UserView:
    """A user in the organization: their role, in one project or in all."""

    id: UUID
    membership_id: UUID
    organization_id: UUID
    email: str
    name: str
    role: str
    project_id: UUID | None
    is_administrator: bool
    disabled_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class RoleView:
    """A role of the organization's own."""

    id: UUID
    organization_id: UUID
    name: str
    permissions: list[Permission]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class KeyView:
    """An API key, without its text."""

    id: UUID
    organization_id: UUID
    project_id: UUID | None
    name: str
    role: str | None
    permissions: list[Permission]
    queue_ids: list[UUID] | None
    user_id: UUID | None
    expires_at: datetime | None
    last_used_at: datetime | None
    last_used_from: str | None
    revoked_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class NewKeyView:
    """A new key; `key` is its text, which is shown this once: null where a request is repeated under its Idempotency-Key."""

    key: str | None
    api_key: KeyView


class Login(Body):
    """An account and its password; with `cookie` the session is a cookie."""

    email: str = Field(min_length=1, max_length=254, examples=["ani@example.com"])
    password: str = Field(min_length=1, max_length=1024)
    organization: str | None = Field(None, min_length=1, max_length=100)
    cookie: bool = False


class Refresh(Body):
    """The refresh token of a login."""

    refresh_token: str = Field(min_length=1, max_length=500)


class Logout(Body):
    """Which logins are to end."""

    everywhere: bool = False


class NewName(Body):
    """A name."""

    name: str = Field(min_length=1, max_length=100)


class OrganizationChange(Body):
    """What is to be changed; what is absent stays, a limit of null is lifted."""

    name: str | None = Field(None, min_length=1, max_length=100)
    limits: dict[str, int | None] | None = Field(None, examples=[{"queued_jobs": 100000}])
    suspended: bool | None = None
    redacted_keys: list[str] | None = Field(
        None, max_length=MOST_NAMES, examples=[["card_number", "password"]]
    )


class NewUser(Body):
    """A new account and its role; without a password nobody can log in to it yet."""

    email: str = Field(min_length=1, max_length=254, examples=["ani@example.com"])
    password: str | None = Field(None, min_length=12, max_length=128)
    role: str = Field(min_length=1, max_length=100, examples=["developer"])
    name: str | None = Field(None, min_length=1, max_length=100)
    project_id: Id | None = None


class UserChange(Body):
    """What is to be changed; what is absent stays."""

    name: str | None = Field(None, min_length=1, max_length=100)
    disabled: bool | None = None


class Membership(Body):
    """A role, in one project or in all."""

    role: str = Field(min_length=1, max_length=100, examples=["operator"])
    project_id: Id | None = None


class NewPassword(Body):
    """A new password; whoever changes their own says the current one."""

    password: str = Field(min_length=12, max_length=128)
    current: str | None = Field(None, max_length=1024)


class NewRole(Body):
    """A name for a set of permissions."""

    name: str = Field(min_length=1, max_length=100)
    permissions: list[str] = Field(max_length=100, examples=[["job:read", "job:write"]])


class RoleChange(Body):
    """What is to be changed; what is absent stays."""

    name: str | None = Field(None, min_length=1, max_length=100)
    permissions: list[str] | None = Field(None, max_length=100)


class NewKey(Body):
    """A key that allows what a role or a list of permissions allows, in one project or in all, in some queues or all."""

    name: str = Field(min_length=1, max_length=100, examples=["billing service"])
    role: str | None = Field(None, min_length=1, max_length=100, examples=["developer"])
    permissions: list[str] | None = Field(None, max_length=100)
    project_id: Id | None = None
    queue_ids: list[Id] | None = Field(None, max_length=100)
    expires_at: Moment | None = None


def caller_view_of(
    principal: Principal, projects: list[ProjectView] | None, csrf_token: str | None
) -> CallerView:
    """Who is calling, as they are told."""
    return CallerView(
        principal.kind,
        principal.id,
        principal.label,
        principal.organization_id,
        principal.project_id,
        None if principal.queue_ids is None else sorted(principal.queue_ids),
        sorted(principal.permissions),
        sorted(principal.redacted),
        projects,
        csrf_token,
    )


def session_view_of(session: LoginSession) -> SessionView:
    """A login as it is shown."""
    return SessionView(
        session.id,
        session.address,
        session.is_cookie,
        session.expires_at,
        session.last_used_at,
        session.created_at,
    )


def organization_view_of(organization: Organization) -> OrganizationView:
    """A tenant as it is shown."""
    return OrganizationView(
        organization.id,
        organization.name,
        organization.limits.to_json(),
        organization.suspended_at,
        list(organization.redacted_keys),
        organization.created_at,
        organization.updated_at,
    )


def project_view_of(project: Project) -> ProjectView:
    """A project as it is shown."""
    return ProjectView(
        project.id, project.organization_id, project.name, project.created_at, project.updated_at
    )


def user_view_of(member: Member) -> UserView:
    """A user as they are shown."""
    return UserView(
        member.id,
        member.membership_id,
        member.organization_id,
        member.email,
        member.name,
        member.grant.name,
        member.project_id,
        member.is_administrator,
        member.disabled_at,
        member.created_at,
        member.updated_at,
    )


def role_view_of(role: Role) -> RoleView:
    """A role as it is shown."""
    return RoleView(
        role.id, role.organization_id, role.name, sorted(role.permissions), role.created_at, role.updated_at
    )


def key_view_of(key: ApiKey) -> KeyView:
    """A key as it is shown."""
    return KeyView(
        key.id,
        key.organization_id,
        key.project_id,
        key.name,
        key.role,
        sorted(key.permissions),
        None if key.queue_ids is None else sorted(key.queue_ids),
        key.user_id,
        key.expires_at,
        key.last_used_at,
        key.last_used_from,
        key.revoked_at,
        key.created_at,
        key.updated_at,
    )
