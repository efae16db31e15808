"""What a credential allows is what its user may do in the organization that it is of, whatever the user is elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from taskforge.domain.ids import DEFAULT_ORGANIZATION, DEFAULT_PROJECT
from taskforge.storage.engine import One
from tests.conformance.changes import LATER, ROWS
from tests.conformance.stage import NOON
from tests.conformance.test_guards_of_tenants import ANOTHER_ORGANIZATION, _identity, _insert, _literal

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
REFUSED: dict[str, str] = {
    "the organization is suspended": "organizations SET suspended_at = created_at",
    "the user is disabled": "users SET disabled_at = created_at",
    "the session has ended": "sessions SET expires_at = last_used_at",
    "the key is revoked": "api_keys SET revoked_at = created_at",
}
"""Why nobody is let in any more, and for which of the proofs that counts (`NOT_OF`)."""
NOT_OF = {
    "the session has ended": ("find_key", "find_worker_credential"),
    "the key is revoked": ("find_session",),
}
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


@pytest.mark.parametrize("statement", PROOFS)
@pytest.mark.parametrize("why", REFUSED)
async def test_who_may_not_come_in_any_more_is_not_known(stage: Stage, statement: str, why: str) -> None:
    for table, columns in [*CREDENTIALS, ("memberships", {"organization_id": DEFAULT_ORGANIZATION})]:
        await _insert(stage, table, {**ROWS[table], **columns})
    values = {name: _identity(value, "") for name, value in PROOFS[statement][0].items()}
    account = One("memberships_of_account", {"user_id": _identity("@user", "")})
    assert len(await stage.engine.call(One(statement, values))) == 1
    assert len(await stage.engine.call(account)) == 1
    await stage.sql(f"UPDATE {REFUSED[why]}")
    left = 1 if statement in NOT_OF.get(why, ()) else 0
    assert len(await stage.engine.call(One(statement, values))) == left
    is_suspended = why == "the organization is suspended"
    assert len(await stage.engine.call(account)) == (0 if is_suspended else 1)


async def test_a_refresh_token_is_spent_once_in_its_own_session_and_time(stage: Stage) -> None:
    """By whoever shows it: the secret of one session is nothing in another."""
    await _insert(stage, "users", {**ROWS["users"], "organization_id": DEFAULT_ORGANIZATION})
    secrets = {"one": "1" * 64, "other": "2" * 64}
    sessions = {name: stage.mint() for name in secrets}
    for name, session in sessions.items():
        own = {"id": session, "organization_id": DEFAULT_ORGANIZATION}
        await _insert(stage, "sessions", {**ROWS["sessions"], **own})
        token = {"secret_hash": secrets[name], "session_id": session, "created_at": NOON}
        await _insert(stage, "refresh_tokens", token)

    async def spend(session: str, secret: str, lifetime_us: int = 3_600_000_000) -> int:
        which = {"session_id": sessions[session], "secret_hash": secrets[secret]}
        assert len(await stage.engine.call(One("find_refresh_token", which))) == (session == secret)
        return len(await stage.engine.call(One("spend_refresh_token", {**which, "lifetime_us": lifetime_us})))

    assert await spend("one", "other") == 0
    stage.clock.advance(60)
    assert await spend("one", "one", lifetime_us=60_000_000) == 0
    assert await spend("one", "one") == 1
    assert await spend("one", "one") == 0
    noon, later = (_literal(stage.dialect, moment) for moment in (NOON, LATER))
    for over, well in (
        (f"revoked_at = {noon}, revoked_because = 'logout'", "revoked_at = NULL, revoked_because = NULL"),
        (f"expires_at = {noon}", f"expires_at = {later}"),
    ):
        await stage.sql(f"UPDATE sessions SET {over}")
        assert await spend("other", "other") == 0
        await stage.sql(f"UPDATE sessions SET {well}")
    assert await spend("other", "other") == 1


@pytest.mark.parametrize("kind", ["key", "session"])
async def test_when_a_credential_was_used_last_is_noted_for_it_alone_and_not_each_time(
    stage: Stage, kind: str
) -> None:
    await _insert(stage, "users", {**ROWS["users"], "organization_id": DEFAULT_ORGANIZATION})
    table, statement = {"key": ("api_keys", "touch_key"), "session": ("sessions", "touch_session")}[kind]
    ids = [stage.mint() for _ in range(2)]
    for number, made in enumerate(ids):
        own = {"id": made, "organization_id": DEFAULT_ORGANIZATION, "last_used_at": NOON}
        name = {"name": f"k{number}"} if kind == "key" else {}
        await _insert(stage, table, {**ROWS[table], **own, **name})
    origin = {"address": "a"} if kind == "key" else {}

    async def seen() -> list[str]:
        rows = await stage.sql(f"SELECT id, last_used_at FROM {table} ORDER BY id")
        return [str(row[1]) for row in rows]

    before = await seen()
    for seconds, changed in ((60, [False, False]), (1, [True, False])):
        stage.clock.advance(seconds)
        touch = {"credential_id": ids[0], "pause_us": 60_000_000, **origin}
        await stage.engine.call(One(statement, touch))
        assert [now != then for now, then in zip(await seen(), before, strict=True)] == changed


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
