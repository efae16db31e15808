"""What a credential allows is what its user may do in the organization that it is of, whatever the user is elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from taskforge.domain.ids import DEFAULT_ORGANIZATION, DEFAULT_PROJECT
from taskforge.storage.engine import One
from tests.conformance.changes import ROWS
from tests.conformance.test_guards_of_tenants import ANOTHER_ORGANIZATION, _identity, _insert

if TYPE_CHECKING:
    from uuid import UUID

    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio

OF_KEY = {"user_id": "@user"}
PROOFS: dict[str, tuple[dict[str, Any], str]] = {
    "find_key": ({"key_id": "@api_key"}, "user_role"),
    "find_worker_credential": ({"worker_id": "@worker"}, "user_role"),
    "find_session": ({"session_id": "@session", "idle_us": 1}, "role"),
}
"""By statement: what it is asked, and where it answers the role."""
CREDENTIALS: list[tuple[str, dict[str, Any]]] = [
    ("users", {"email": "e@x", "organization_id": DEFAULT_ORGANIZATION}),
    ("api_keys", OF_KEY),
    ("workers", {"project_id": DEFAULT_PROJECT}),
    ("worker_credentials", {"project_id": DEFAULT_PROJECT}),
    ("sessions", {"organization_id": DEFAULT_ORGANIZATION}),
]


@pytest.mark.parametrize("statement", PROOFS)
async def test_a_role_in_another_organization_is_none_in_this_one(stage: Stage, statement: str) -> None:
    asked, column = PROOFS[statement]
    await stage.sql(f"INSERT INTO organizations (id, name) VALUES ('{ANOTHER_ORGANIZATION}', 'another')")
    for table, columns in CREDENTIALS:
        await _insert(stage, table, {**ROWS[table], **columns})

    async def join(organization: UUID, role: str) -> None:
        own = {"id": stage.mint(), "organization_id": organization, "role": role}
        await _insert(stage, "memberships", {**ROWS["memberships"], **own})

    async def roles() -> list[str]:
        values = {name: _identity(value, "") for name, value in asked.items()}
        return [row[column] for row in await stage.engine.call(One(statement, values))]

    await join(ANOTHER_ORGANIZATION, "owner")
    assert await roles() == []
    of_user = {"user_id": _identity("@user", "")}
    members = await stage.engine.call(One("memberships_of_account", of_user))
    assert [row["name"] for row in members] == ["another"]
    await join(DEFAULT_ORGANIZATION, "viewer")
    assert await roles() == ["viewer"]


async def test_a_project_is_found_in_the_organization_that_was_named(stage: Stage) -> None:
    there = stage.mint()
    await stage.sql(f"INSERT INTO organizations (id, name) VALUES ('{ANOTHER_ORGANIZATION}', 'another')")
    await stage.sql(
        "INSERT INTO projects (id, organization_id, name) "
        f"VALUES ('{there}', '{ANOTHER_ORGANIZATION}', 'theirs')"
    )
    for organization, project in (("default", []), ("another", [there])):
        rows = await stage.engine.call(One("find_project", {"organization": organization, "name": "theirs"}))
        assert [stage.engine.identity(row["id"]) for row in rows] == project
