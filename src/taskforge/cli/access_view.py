"""Tenants, people and keys as JSON documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.cli.show import plain

if TYPE_CHECKING:
    from taskforge.domain.api_key import ApiKey
    from taskforge.domain.organization import Organization
    from taskforge.domain.people import Member


def organization_document(organization: Organization) -> dict[str, Any]:
    """An organization with its limits."""
    return {**plain(organization), "is_suspended": organization.suspended_at is not None}


def member_document(member: Member) -> dict[str, Any]:
    """A user with the name of their role, as the API shows them."""
    document = plain(member)
    del document["home_id"]
    return {
        "role" if name == "grant" else name: member.grant.name if name == "grant" else value
        for name, value in document.items()
    }


def key_document(key: ApiKey) -> dict[str, Any]:
    """A key without its secret, as the API shows it."""
    queue_ids = None if key.queue_ids is None else sorted(map(str, key.queue_ids))
    document = {**plain(key), "permissions": sorted(key.permissions), "queue_ids": queue_ids}
    del document["parent_id"]
    return document
