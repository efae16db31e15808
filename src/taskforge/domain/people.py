"""Users, what they may do in an organization, and the roles that organizations make for themselves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from taskforge.domain.access import ROLES, BuiltinRole
from taskforge.domain.errors import InvalidInput

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.access import Permission
    from taskforge.domain.ids import OrganizationId, ProjectId

PASSWORD_LENGTH = (12, 128)
_EMAIL = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63}){0,8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Role:
    """A role of an organization's own: a name for a set of permissions."""

    id: UUID
    organization_id: OrganizationId
    name: str
    permissions: frozenset[Permission]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """What somebody is given: a built-in role, or one of the organization's own, with its id and permissions."""

    name: str
    permissions: frozenset[Permission]
    role_id: UUID | None = None

    @property
    def builtin(self) -> BuiltinRole | None:
        """The built-in role, if it is one."""
        return BuiltinRole(self.name) if self.role_id is None else None


def builtin_grant(name: str) -> Grant | None:
    """The grant of a built-in role, by name."""
    try:
        return Grant(name, ROLES[BuiltinRole(name)])
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Member:
    """A user in an organization. ``project_id`` None: in all its projects.

    ``home_id`` is the organization that the account belongs to, and that alone may change or delete it.
    """

    id: UUID
    membership_id: UUID
    organization_id: OrganizationId
    home_id: OrganizationId
    email: str
    name: str
    grant: Grant
    project_id: ProjectId | None
    is_administrator: bool
    disabled_at: datetime | None
    created_at: datetime
    updated_at: datetime


def check_email(email: str) -> str:
    """The address in lower case. Raises InvalidInput."""
    found = email.strip().lower() if isinstance(email, str) else ""
    if len(found) > 254 or not _EMAIL.fullmatch(found):
        raise InvalidInput("this is not an e-mail address", field="email", hint="like name@example.com")
    return found


def check_password(password: str, *, email: str = "") -> str:
    """The password as it was given, if it can serve as one. Raises InvalidInput, which does not repeat it."""
    least, most = PASSWORD_LENGTH
    if not isinstance(password, str) or not least <= len(password) <= most:
        raise InvalidInput(f"a password has {least} to {most} characters", field="password")
    try:
        password.encode()
    except UnicodeEncodeError:
        raise InvalidInput("a password is made of characters", field="password") from None
    if len(set(password)) < 5 or password.lower() in (email, email.partition("@")[0] * 2):
        raise InvalidInput(
            "this password is too easily guessed",
            field="password",
            hint="several words that do not belong together",
        )
    return password
