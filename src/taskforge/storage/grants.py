"""Stored roles and permissions, as what they allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskforge.domain.access import GRANTABLE, ROLES, BuiltinRole, Permission
from taskforge.storage.codec import from_json

if TYPE_CHECKING:
    from collections.abc import Iterable


def stored_permissions(text: str | None) -> frozenset[Permission]:
    """Permissions from their JSON list; a name that this version does not know allows nothing."""
    value = from_json(text)
    names: Iterable[str] = value if isinstance(value, list) else ()
    return frozenset(Permission(name) for name in names if name in GRANTABLE)


def redacted_keys_of(text: str) -> tuple[str, ...]:
    """Names of redacted members from their JSON list."""
    return tuple(from_json(text) or ())


def redacted_for(permissions: frozenset[Permission], text: str) -> frozenset[str]:
    """The members that are not shown to those who may do this."""
    return frozenset() if Permission.PAYLOAD_UNREDACT in permissions else frozenset(redacted_keys_of(text))


def allowed(role: str | None, permissions: str | None) -> frozenset[Permission]:
    """What a built-in role, or else a list of permissions, allows."""
    return stored_permissions(permissions) if role is None else ROLES[BuiltinRole(role)]
