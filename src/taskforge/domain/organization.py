"""Organizations (the tenants) and the projects in them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from taskforge.domain.errors import InvalidInput, LimitExceeded
from taskforge.domain.names import check_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from taskforge.domain.ids import OrganizationId, ProjectId

DEFAULT_NAME = "default"
"""The organization and the project that every installation begins with."""
MOST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an organization may have; None: as much as it wants."""

    queued_jobs: int | None = None
    """Jobs that wait, over all its queues."""
    workers: int | None = None
    schedules: int | None = None
    requests_per_second: int | None = None
    """Of its API; short bursts may be higher."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            least = 1 if field.name == "requests_per_second" else 0
            if value is not None and (type(value) is not int or not least <= value <= MOST):
                raise InvalidInput(
                    f"{field.name} must be a whole number from {least}, or none, not {value!r:.120}",
                    field=field.name,
                )

    def changed(self, changes: Mapping[str, Any]) -> Limits:
        """These limits with some others; a limit of None is lifted. Raises InvalidInput."""
        known = {field.name: getattr(self, field.name) for field in fields(self)}
        for name in changes.keys() - known.keys():
            raise InvalidInput(
                f"there is no limit {name!r}", field=f"limits.{name}", hint=f"one of: {', '.join(known)}"
            )
        return Limits(**{**known, **changes})

    def to_json(self) -> dict[str, int | None]:
        """By name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def exceeded(limit: str, most: int) -> LimitExceeded:
    """The refusal of what goes beyond a limit of this name."""
    what = "waiting jobs" if limit == "queued_jobs" else limit
    return LimitExceeded(f"the organization may have {most:,} {what}", limit=limit)


@dataclass(frozen=True, slots=True)
class Organization:
    """A tenant. While it is suspended none of its credentials proves anything.

    ``redacted_keys``: names of members of payloads that are shown only to those who may see them.
    """

    id: OrganizationId
    name: str
    limits: Limits
    suspended_at: datetime | None
    redacted_keys: tuple[str, ...]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Project:
    """A namespace of queues, jobs, workers and schedules. Its name is unique in its organization."""

    id: ProjectId
    organization_id: OrganizationId
    name: str
    created_at: datetime
    updated_at: datetime


def check_tenant_name(name: str, what: str) -> str:
    """The name of an organization or project: as that of a queue, without a slash (organization/project)."""
    check_name(name, f"{what} name")
    if "/" in name:
        raise InvalidInput(f"the name of a {what} has no slash: {name!r}", field="name")
    return name
