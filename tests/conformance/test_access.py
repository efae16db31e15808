"""Tenants, people and credentials: what proves whom, what nobody can give, and how soon an end is an end."""

from __future__ import annotations

import asyncio
import secrets
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from taskforge.domain.access import (
    GRANTABLE,
    NOBODY,
    ROLES,
    BuiltinRole,
    Permission,
    Principal,
    PrincipalKind,
)
from taskforge.domain.errors import (
    Conflict,
    CredentialExpired,
    CredentialReused,
    CsrfFailed,
    Escalation,
    Forbidden,
    InvalidCredentials,
    InvalidInput,
    LimitExceeded,
    NotFound,
    TooManyRequests,
    Unauthenticated,
)
from taskforge.domain.ids import DEFAULT_ORGANIZATION, DEFAULT_PROJECT, OrganizationId, ProjectId, WorkerId
from taskforge.domain.organization import Limits
from taskforge.ports.acting import acting
from taskforge.services.access import CACHE_SECONDS, Access
from taskforge.services.access_tokens import AccessTokens
from taskforge.services.keys import Keys
from taskforge.services.limits import LimitGuard
from taskforge.services.logins import Logins
from taskforge.services.passwords import Passwords
from taskforge.services.people import Roles, Users
from taskforge.services.tenants import Organizations, Projects
from taskforge.storage.credentials import SqlCredentialStore, SqlKeyStore
from taskforge.storage.logins import SqlAttemptStore, SqlSessionStore
from taskforge.storage.people import SqlPeopleStore
from taskforge.storage.tenants import SqlTenantStore
from tests.conformance.stage import Stage, registration, run_sql

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from taskforge.domain.people import Member

pytestmark = pytest.mark.anyio

SECRET = "b3wEwJrQ5m0l8fV2aY7dXz1pT6uKhNcGsO9iLqRe4=xB+"
PASSWORD = "correct horse battery"
ADDRESS = "203.0.113.7"


class House:
    """The services of access over the stores of a stage; the cache has a clock that tests move."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.seconds = 0.0
        self.people = SqlPeopleStore(stage.engine, stage.mint)
        tenants = SqlTenantStore(stage.engine, stage.mint)
        self.passwords = Passwords()
        self.tokens = AccessTokens([SECRET], now=stage.clock.now, mint=stage.mint)
        self.access = self.process()
        self.organizations = Organizations(tenants, lambda: None)
        self.projects = Projects(tenants)
        self.users = Users(self.people, self.passwords, self.access.forget)
        self.roles = Roles(self.people, self.access.forget)
        self.keys = Keys(
            SqlKeyStore(stage.engine),
            tenants,
            stage.queues,
            mint=stage.mint,
            random=secrets.token_bytes,
            forget=self.access.forget,
        )
        self.logins = Logins(
            self.people,
            SqlSessionStore(stage.engine),
            SqlAttemptStore(stage.engine),
            self.passwords,
            self.tokens,
            secret=SECRET,
            mint=stage.mint,
            random=secrets.token_bytes,
            forget=self.access.forget,
        )

    def process(self) -> Access:
        """The access of another process: nobody tells it to forget anything."""
        return Access(SqlCredentialStore(self.stage.engine), self.tokens, monotonic=lambda: self.seconds)

    async def who(self, token: str, access: Access | None = None) -> Principal:
        return await (access or self.access).authenticate(token, address=ADDRESS)

    async def user(self, role: str, email: str | None = None, **values: Any) -> Member:
        return await self.users.create(
            values.pop("organization", DEFAULT_ORGANIZATION),
            email or f"{role}@example.com",
            password=PASSWORD,
            role=role,
            **values,
        )

    async def principal(self, role: str, **values: Any) -> Principal:
        """Somebody of this role who has logged in."""
        member = await self.user(role, **values)
        return await self.who((await self.logins.login(member.email, PASSWORD)).access_token)


@pytest.fixture
async def house(stage: Stage) -> AsyncIterator[House]:
    house = House(stage)
    yield house
    house.passwords.close()


async def test_an_organization_comes_with_a_project(house: House) -> None:
    acme = await house.organizations.create("acme")
    assert [project.name for project in await house.projects.list(acme.id)] == ["default"]
    assert [found.name for found in await house.organizations.list()] == ["acme", "default"]
    with pytest.raises(Conflict, match="exists already"):
        await house.organizations.create("acme")
    with pytest.raises(InvalidInput, match="slash"):
        await house.organizations.create("a/b")
    assert await house.stage.queues.project("acme/default") is not None
    assert await house.stage.queues.project("default") == DEFAULT_PROJECT


async def test_organizations_change_and_go(house: House) -> None:
    acme = await house.organizations.create("acme")
    changed = await house.organizations.update(acme.id, name="Acme", limits={"workers": 3})
    assert (changed.name, changed.limits) == ("Acme", Limits(workers=3))
    assert (await house.organizations.update(acme.id, limits={"workers": None})).limits == Limits()
    with pytest.raises(Conflict, match="another organization"):
        await house.organizations.update(acme.id, name="default")
    with pytest.raises(InvalidInput, match="no limit"):
        await house.organizations.update(acme.id, limits={"cats": 1})
    project = (await house.projects.list(acme.id))[0]
    queue = await house.stage.queue("q", project=project.id)
    await house.user("owner", organization=acme.id)
    await house.keys.create(acme.id, "k", role="admin", project_id=project.id)
    with pytest.raises(Conflict, match="still has 1 queues"):
        await house.organizations.delete(acme.id)
    await house.stage.queues.delete(project.id, queue.id)
    await house.organizations.delete(acme.id)
    with pytest.raises(NotFound):
        await house.organizations.get(acme.id)
    with pytest.raises(Conflict, match="default organization"):
        await house.organizations.delete(DEFAULT_ORGANIZATION)


async def test_what_is_redacted_reaches_those_who_may_not_see_it(house: House) -> None:
    acme = await house.organizations.create("acme")
    await house.user("owner", organization=acme.id)
    _, whole = await house.keys.create(acme.id, "k", role="admin")
    _, part = await house.keys.create(acme.id, "l", allowed=["job:read", "payload:read"])
    assert (await house.who(part)).redacted == frozenset()
    changed = await house.organizations.update(acme.id, redacted_keys=["PIN", "card", "pin"])
    assert changed.redacted_keys == ("card", "pin")
    assert (await house.organizations.update(acme.id, name="Acme")).redacted_keys == ("card", "pin")
    house.seconds += CACHE_SECONDS
    assert (await house.who(whole)).redacted == frozenset()
    assert (await house.who(part)).redacted == {"card", "pin"}
    member = await house.user("developer", "dewi@example.com", organization=acme.id)
    tokens = await house.logins.login(member.email, PASSWORD, organization="Acme")
    principal = await house.who(tokens.access_token)
    assert principal.redacted == {"card", "pin"}
    with acting(principal), pytest.raises(Forbidden):
        await house.organizations.update(acme.id, redacted_keys=[])


async def test_projects_are_renamed_and_removed(house: House) -> None:
    made = await house.projects.create(DEFAULT_ORGANIZATION, "second")
    assert (await house.projects.rename(DEFAULT_ORGANIZATION, made.id, "third")).name == "third"
    with pytest.raises(Conflict, match="another project"):
        await house.projects.rename(DEFAULT_ORGANIZATION, made.id, "default")
    await house.keys.create(DEFAULT_ORGANIZATION, "k", role="viewer", project_id=made.id)
    await house.projects.delete(DEFAULT_ORGANIZATION, made.id)
    with pytest.raises(NotFound):
        await house.projects.get(DEFAULT_ORGANIZATION, made.id)
    assert await house.keys.list(DEFAULT_ORGANIZATION) == []


async def test_another_tenants_things_are_not_found(house: House) -> None:
    acme = await house.organizations.create("acme")
    theirs = (await house.projects.list(acme.id))[0]
    key, _ = await house.keys.create(acme.id, "k", role="admin")
    member = await house.user("admin", organization=acme.id)
    admin = await house.principal("admin")
    random_id = ProjectId(UUID(int=4711))
    with acting(admin):
        with pytest.raises(NotFound) as one:
            await house.projects.get(DEFAULT_ORGANIZATION, theirs.id)
        with pytest.raises(NotFound) as other:
            await house.projects.get(DEFAULT_ORGANIZATION, random_id)
        assert str(one.value).replace(str(theirs.id), str(random_id)) == str(other.value)
        with pytest.raises(NotFound):
            await house.keys.revoke(DEFAULT_ORGANIZATION, key.id)
        with pytest.raises(NotFound):
            await house.users.set_role(DEFAULT_ORGANIZATION, member.id, "viewer")
        with pytest.raises(NotFound):
            await house.organizations.get(acme.id)
        with pytest.raises(NotFound):
            await house.keys.create(DEFAULT_ORGANIZATION, "k", role="viewer", project_id=theirs.id)
        assert [found.id for found in await house.organizations.list()] == [DEFAULT_ORGANIZATION]


async def test_a_key_proves_what_it_was_given(house: House) -> None:
    queue = await house.stage.queue()
    key, text = await house.keys.create(
        DEFAULT_ORGANIZATION,
        "ci",
        allowed=["job:write", "scheduled_job.read"],
        project_id=DEFAULT_PROJECT,
        queue_ids=[queue.id],
    )
    assert text.startswith(f"tfk_{key.id.hex}_")
    found = await house.who(text)
    assert found.kind is PrincipalKind.KEY
    assert found.permissions == {Permission.JOB_WRITE, Permission.SCHEDULE_READ}
    assert (found.organization_id, found.project_id) == (DEFAULT_ORGANIZATION, DEFAULT_PROJECT)
    assert found.queue_ids == frozenset({queue.id})
    assert found.reaches(DEFAULT_PROJECT)
    assert not found.reaches_queue(house.stage.mint())  # type: ignore[arg-type]
    stored = await run_sql(house.stage.url, "SELECT secret_hash FROM api_keys")
    assert text.split("_", 2)[2] not in stored[0][0]


async def test_where_and_when_a_key_was_used_is_noted_once_a_minute(house: House) -> None:
    key, text = await house.keys.create(DEFAULT_ORGANIZATION, "ci", role="viewer")
    await house.who(text)
    first = await house.keys.get(DEFAULT_ORGANIZATION, key.id)
    assert (first.last_used_at, first.last_used_from) == (house.stage.clock.now(), ADDRESS)
    house.stage.clock.advance(30)
    await house.who(text, house.process())
    assert (await house.keys.get(DEFAULT_ORGANIZATION, key.id)).last_used_at == first.last_used_at
    house.stage.clock.advance(31)
    await house.who(text, house.process())
    assert (await house.keys.get(DEFAULT_ORGANIZATION, key.id)).last_used_at == house.stage.clock.now()


@pytest.mark.parametrize("change", ["revoke", "suspend", "expire", "disable", "demote", "remove"])
async def test_an_end_takes_effect_within_five_seconds(house: House, change: str) -> None:
    owner = await house.user("owner")
    admin = await house.principal("admin")
    ends = house.stage.clock.now() + timedelta(seconds=60)
    with acting(admin):
        key, text = await house.keys.create(DEFAULT_ORGANIZATION, "k", role="admin", expires_at=ends)
    elsewhere = house.process()
    assert (await house.who(text, elsewhere)).may(Permission.KEY_WRITE)
    match change:
        case "revoke":
            await house.keys.revoke(DEFAULT_ORGANIZATION, key.id)
        case "suspend":
            await house.organizations.update(DEFAULT_ORGANIZATION, suspended=True)
        case "expire":
            house.stage.clock.advance(61)
        case "disable":
            await house.users.update(DEFAULT_ORGANIZATION, admin.id, disabled=True)
        case "demote":
            await house.users.set_role(DEFAULT_ORGANIZATION, admin.id, "viewer")
        case "remove":
            await house.users.remove(DEFAULT_ORGANIZATION, admin.id)
    assert CACHE_SECONDS < 5
    house.seconds += CACHE_SECONDS
    if change == "demote":
        assert (await house.who(text, elsewhere)).permissions == ROLES[BuiltinRole.VIEWER]
    else:
        with pytest.raises(CredentialExpired if change == "expire" else Unauthenticated):
            await house.who(text, elsewhere)
    assert owner.home_id == DEFAULT_ORGANIZATION


async def test_what_this_process_ends_is_ended_at_once(house: House) -> None:
    key, text = await house.keys.create(DEFAULT_ORGANIZATION, "k", role="viewer")
    await house.who(text)
    await house.keys.revoke(DEFAULT_ORGANIZATION, key.id)
    with pytest.raises(Unauthenticated):
        await house.who(text)


async def test_a_key_that_a_key_made_goes_with_it_and_does_not_outlive_it(house: House) -> None:
    ends = house.stage.clock.now() + timedelta(hours=1)
    parent, text = await house.keys.create(DEFAULT_ORGANIZATION, "p", role="admin", expires_at=ends)
    with acting(await house.who(text)):
        child, child_text = await house.keys.create(DEFAULT_ORGANIZATION, "c", role="viewer")
        with pytest.raises(Escalation):
            await house.keys.create(DEFAULT_ORGANIZATION, "c", role="owner")
    assert child.expires_at == ends
    assert set(await house.keys.revoke(DEFAULT_ORGANIZATION, parent.id)) == {parent.id, child.id}
    assert await house.keys.revoke(DEFAULT_ORGANIZATION, parent.id) == []
    with pytest.raises(Unauthenticated):
        await house.who(child_text)


async def test_a_wrong_secret_and_a_wrong_kind_prove_nothing(house: House) -> None:
    key, text = await house.keys.create(DEFAULT_ORGANIZATION, "k", role="viewer")
    other, other_text = await house.keys.create(DEFAULT_ORGANIZATION, "o", role="viewer")
    swapped = f"tfk_{key.id.hex}_{other_text.split('_', 2)[2]}"
    for wrong in (
        swapped,
        f"{text}x",
        text[:-1],
        text.upper(),
        "",
        "tfk__",
        f"tfs{text[3:]}",
        f"tfw{text[3:]}",
        "a.b.c",
    ):
        with pytest.raises(Unauthenticated):
            await house.who(wrong)
    assert (await house.who(text)).id == key.id != other.id
    with pytest.raises(Unauthenticated):
        await house.access.authenticate_cookie(text, address=None)


async def test_a_worker_proves_one_incarnation(house: House) -> None:
    queue = await house.stage.queue()
    worker = await house.stage.know("t")
    _, text = await house.keys.create(
        DEFAULT_ORGANIZATION, "k", role="worker", project_id=DEFAULT_PROJECT, queue_ids=[queue.id]
    )
    key = await house.who(text)
    with acting(key):
        credential = await house.keys.issue_worker(DEFAULT_PROJECT, worker)
        with pytest.raises(NotFound):
            await house.keys.issue_worker(DEFAULT_PROJECT, WorkerId(house.stage.mint()))
    found = await house.who(credential)
    assert (found.kind, found.id, found.credential_id) == (PrincipalKind.WORKER, worker, key.id)
    assert found.permissions == {Permission.WORKER_RUN}
    assert (found.project_id, found.queue_ids) == (DEFAULT_PROJECT, frozenset({queue.id}))
    _, other = await house.keys.create(DEFAULT_ORGANIZATION, "other", role="worker")
    with acting(await house.who(other)), pytest.raises(NotFound):
        await house.keys.issue_worker(DEFAULT_PROJECT, worker)  # another key's worker
    await house.stage.workers.stop(worker)
    house.access.forget()
    with pytest.raises(Unauthenticated):
        await house.who(credential)


async def test_a_worker_ends_with_its_key(house: House) -> None:
    worker = await house.stage.know("t")
    key, text = await house.keys.create(DEFAULT_ORGANIZATION, "k", role="worker")
    with acting(await house.who(text)):
        credential = await house.keys.issue_worker(DEFAULT_PROJECT, worker)
    await house.keys.revoke(DEFAULT_ORGANIZATION, key.id)
    with pytest.raises(Unauthenticated):
        await house.who(credential, house.process())


async def test_a_login_gives_a_token_for_what_the_user_may_do(house: House) -> None:
    member = await house.user("operator")
    pair = await house.logins.login(" Operator@Example.com ", PASSWORD, address=ADDRESS)
    assert pair.expires_at == house.stage.clock.now() + timedelta(minutes=15)
    found = await house.who(pair.access_token)
    assert (found.kind, found.id, found.label) == (PrincipalKind.USER, member.id, member.email)
    assert found.permissions == ROLES[BuiltinRole.OPERATOR]
    house.stage.clock.advance(15 * 60)
    with pytest.raises(CredentialExpired):
        await house.who(pair.access_token)


async def test_a_refresh_token_is_spent_once(house: House) -> None:
    await house.user("viewer")
    first = await house.logins.login("viewer@example.com", PASSWORD)
    second = await house.logins.refresh(first.refresh_token)
    assert second.session_id == first.session_id
    third = await house.logins.refresh(second.refresh_token)
    assert (await house.who(third.access_token)).id == third.user_id
    with pytest.raises(CredentialReused):
        await house.logins.refresh(first.refresh_token)
    for token in (second.refresh_token, third.refresh_token):
        with pytest.raises(Unauthenticated):
            await house.logins.refresh(token)
    with pytest.raises(Unauthenticated):
        await house.who(third.access_token)
    again = await house.logins.login("viewer@example.com", PASSWORD)
    assert (await house.who(again.access_token)).id == first.user_id


async def test_of_two_who_use_a_refresh_token_at_once_at_most_one_wins(house: House) -> None:
    await house.user("viewer")
    pair = await house.logins.login("viewer@example.com", PASSWORD)
    tries = await asyncio.gather(
        *(house.logins.refresh(pair.refresh_token) for _ in range(4)), return_exceptions=True
    )
    assert sum(not isinstance(outcome, BaseException) for outcome in tries) == 1
    assert sum(isinstance(outcome, CredentialReused) for outcome in tries) >= 1


async def test_a_refresh_token_ends_by_itself(house: House) -> None:
    await house.user("viewer")
    pair = await house.logins.login("viewer@example.com", PASSWORD)
    house.stage.clock.advance(400 * 24 * 3600)  # the stage's noon is long ago, and rows are born now
    with pytest.raises(CredentialExpired):
        await house.logins.refresh(pair.refresh_token)


async def test_logging_out_ends_the_session(house: House) -> None:
    await house.user("viewer")
    one = await house.logins.login("viewer@example.com", PASSWORD)
    two = await house.logins.login("viewer@example.com", PASSWORD)
    with acting(await house.who(one.access_token)):
        assert len(await house.logins.sessions()) == 2
        assert await house.logins.logout() == 1
    with pytest.raises(Unauthenticated):
        await house.who(one.access_token)
    with acting(await house.who(two.access_token)):
        assert await house.logins.logout(everywhere=True) == 1
    with pytest.raises(Unauthenticated):
        await house.logins.refresh(two.refresh_token)


async def test_the_cookie_of_the_dashboard(house: House) -> None:
    await house.user("viewer")
    login = await house.logins.login_with_cookie("viewer@example.com", PASSWORD)
    other = await house.logins.login_with_cookie("viewer@example.com", PASSWORD)
    principal = await house.access.authenticate_cookie(login.cookie, address=ADDRESS)
    house.logins.check_csrf(principal, login.csrf_token)
    for wrong in (None, "", other.csrf_token, login.csrf_token[:-1], "\ud800"):
        with pytest.raises(CsrfFailed):
            house.logins.check_csrf(principal, wrong)
    with pytest.raises(Unauthenticated):
        await house.who(login.cookie)  # no bearer token
    house.stage.clock.advance(13 * 3600)
    with pytest.raises(Unauthenticated):
        await house.process().authenticate_cookie(login.cookie, address=ADDRESS)


async def test_unknown_account_and_wrong_password_are_answered_alike(house: House) -> None:
    await house.user("viewer")
    await house.users.create(DEFAULT_ORGANIZATION, "later@example.com", password=None, role="viewer")
    words = set()
    for number, (email, password, organization) in enumerate(
        [
            ("viewer@example.com", "wrong password!", None),
            ("nobody@example.com", PASSWORD, None),
            ("later@example.com", PASSWORD, None),
            ("viewer@example.com", PASSWORD, "acme"),
            ("viewer@example.com", "x" * 5000, None),
            ("x" * 5000, PASSWORD, None),
            ("\ud800", "\ud800", None),
        ]
    ):
        with pytest.raises(InvalidCredentials) as refused:
            await house.logins.login(
                email, password, organization=organization, address=f"198.51.100.{number}"
            )
        words.add(str(refused.value))
    assert len(words) == 1


async def test_failed_logins_wait_by_account(house: House) -> None:
    await house.user("viewer")
    valid = await house.logins.login("viewer@example.com", PASSWORD)
    waits = []
    for number in range(12):
        try:
            await house.logins.login("viewer@example.com", "not the password", address=f"198.51.100.{number}")
        except TooManyRequests as refused:
            waits.append(refused.retry_after)
            house.stage.clock.advance(refused.retry_after)
        except InvalidCredentials:
            pass
    assert waits == sorted(waits)
    assert waits[:3] == [1, 2, 4]
    assert (await house.who(valid.access_token)).id == valid.user_id  # who is in stays in
    for known in ("viewer@example.com", "nobody@example.com"):  # and nobody learns who has an account
        for number in range(5):
            with pytest.raises((InvalidCredentials, TooManyRequests)):
                await house.logins.login(known, "not the password", address=f"192.0.2.{number}")
        with pytest.raises(TooManyRequests):
            await house.logins.login(known, PASSWORD, address="192.0.2.99")
    house.stage.clock.advance(3601)
    assert (await house.logins.login("viewer@example.com", PASSWORD)).user_id == valid.user_id


async def test_failed_logins_wait_by_address_and_a_network_is_one(house: House) -> None:
    await house.user("viewer")
    for number in range(21):
        with pytest.raises(InvalidCredentials):
            await house.logins.login(
                f"u{number}@example.com", "guess guess guess", address=f"2001:db8::{number:x}"
            )
    with pytest.raises(TooManyRequests):
        await house.logins.login("viewer@example.com", PASSWORD, address="2001:db8::ffff")
    assert (await house.logins.login("viewer@example.com", PASSWORD, address="2001:db8:1::1")).user_id


async def test_tries_at_the_same_moment_are_all_counted(house: House) -> None:
    await house.user("viewer")
    tries = await asyncio.gather(
        *(house.logins.login("viewer@example.com", f"guess number {n:04}", address="x") for n in range(12)),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, InvalidCredentials) for outcome in tries) == 5
    assert sum(isinstance(outcome, TooManyRequests) for outcome in tries) == 7


async def test_a_new_password_ends_all_other_sessions(house: House) -> None:
    member = await house.user("viewer")
    kept = await house.logins.login(member.email, PASSWORD)
    lost = await house.logins.login(member.email, PASSWORD)
    with acting(await house.who(kept.access_token)):
        with pytest.raises(InvalidCredentials):
            await house.users.set_password(DEFAULT_ORGANIZATION, member.id, "another long one", current="no")
        with pytest.raises(InvalidInput, match="12 to 128"):
            await house.users.set_password(DEFAULT_ORGANIZATION, member.id, "short", current=PASSWORD)
        await house.users.set_password(DEFAULT_ORGANIZATION, member.id, "another long one", current=PASSWORD)
    assert (await house.who(kept.access_token)).id == member.id
    with pytest.raises(Unauthenticated):
        await house.who(lost.access_token)
    with pytest.raises(InvalidCredentials):
        await house.logins.login(member.email, PASSWORD)
    await house.logins.login(member.email, "another long one")


async def test_an_old_hash_is_renewed_at_login(house: House) -> None:
    from argon2 import PasswordHasher

    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    member = await house.user("viewer")
    await run_sql(house.stage.url, f"UPDATE users SET password_hash = '{weak}'")
    await house.logins.login(member.email, PASSWORD)
    [(renewed,)] = [tuple(row) for row in await run_sql(house.stage.url, "SELECT password_hash FROM users")]
    assert "m=19456,t=2,p=1" in renewed
    await house.logins.login(member.email, PASSWORD)


async def test_nobody_gives_more_than_they_have(house: House) -> None:
    owner = await house.user("owner")
    admin = await house.principal("admin")
    viewer = await house.user("viewer")
    with acting(admin):
        with pytest.raises(Escalation):
            await house.user("owner", "x@example.com")
        with pytest.raises(Escalation):
            await house.users.set_role(DEFAULT_ORGANIZATION, viewer.id, "owner")
        with pytest.raises(Escalation):
            await house.keys.create(DEFAULT_ORGANIZATION, "k", role="owner")
        with pytest.raises(Escalation):
            await house.users.set_role(DEFAULT_ORGANIZATION, admin.id, "owner")
        with pytest.raises(Escalation):  # nor pulls down who has more
            await house.users.set_role(DEFAULT_ORGANIZATION, owner.id, "viewer")
        with pytest.raises(Escalation):
            await house.users.set_password(DEFAULT_ORGANIZATION, owner.id, "a password of mine")
        with pytest.raises(Escalation):
            await house.users.remove(DEFAULT_ORGANIZATION, owner.id)
        with pytest.raises(Escalation):
            await house.roles.create(DEFAULT_ORGANIZATION, "boss", [str(Permission.ORGANIZATION_WRITE)])
        with pytest.raises(InvalidInput):
            await house.roles.create(DEFAULT_ORGANIZATION, "god", [str(Permission.ORGANIZATION_CREATE)])
        with pytest.raises(Forbidden):
            await house.organizations.create("mine")
        with pytest.raises(Forbidden):
            await house.organizations.update(DEFAULT_ORGANIZATION, limits={"workers": 10})
        await house.users.set_role(DEFAULT_ORGANIZATION, viewer.id, "operator")


async def test_who_has_one_project_gives_nothing_beyond_it(house: House) -> None:
    second = await house.projects.create(DEFAULT_ORGANIZATION, "second")
    member = await house.user("admin", project_id=second.id)
    principal = await house.who((await house.logins.login(member.email, PASSWORD)).access_token)
    with acting(principal):
        for project in (None, DEFAULT_PROJECT):
            with pytest.raises(Escalation):
                await house.keys.create(DEFAULT_ORGANIZATION, "k", role="viewer", project_id=project)
        key, text = await house.keys.create(DEFAULT_ORGANIZATION, "k", role="viewer", project_id=second.id)
        assert [found.id for found in await house.projects.list(DEFAULT_ORGANIZATION)] == [second.id]
        with pytest.raises(NotFound):
            await house.projects.get(DEFAULT_ORGANIZATION, DEFAULT_PROJECT)
        with pytest.raises(Forbidden):
            await house.projects.create(DEFAULT_ORGANIZATION, "another")
    assert (await house.who(text)).project_id == second.id == key.project_id


async def test_own_roles(house: House) -> None:
    await house.user("owner")
    role = await house.roles.create(DEFAULT_ORGANIZATION, "retrier", ["job:read", "job:write"])
    member = await house.user("retrier")
    pair = await house.logins.login(member.email, PASSWORD)
    assert (await house.who(pair.access_token)).permissions == {Permission.JOB_READ, Permission.JOB_WRITE}
    await house.roles.update(DEFAULT_ORGANIZATION, role.id, allowed=["job:read"])
    assert (await house.who(pair.access_token)).permissions == {Permission.JOB_READ}
    with pytest.raises(Conflict, match="somebody's"):
        await house.roles.delete(DEFAULT_ORGANIZATION, role.id)
    with pytest.raises(Conflict, match="built-in"):
        await house.roles.create(DEFAULT_ORGANIZATION, "admin", [])
    await house.users.set_role(DEFAULT_ORGANIZATION, member.id, "viewer")
    await house.roles.delete(DEFAULT_ORGANIZATION, role.id)
    assert await house.roles.list(DEFAULT_ORGANIZATION) == []
    with pytest.raises(InvalidInput, match="no role"):
        await house.user("retrier", "z@example.com")


async def test_the_last_owner_stays(house: House) -> None:
    owner = await house.user("owner")
    for attempt in (
        house.users.remove(DEFAULT_ORGANIZATION, owner.id),
        house.users.set_role(DEFAULT_ORGANIZATION, owner.id, "admin"),
        house.users.set_role(DEFAULT_ORGANIZATION, owner.id, "owner", project_id=DEFAULT_PROJECT),
        house.users.update(DEFAULT_ORGANIZATION, owner.id, disabled=True),
    ):
        with pytest.raises(Conflict, match="last owner"):
            await attempt
    second = await house.user("owner", "second@example.com")
    outcomes = await asyncio.gather(
        house.users.remove(DEFAULT_ORGANIZATION, owner.id),
        house.users.remove(DEFAULT_ORGANIZATION, second.id),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 1
    assert len(await house.users.list(DEFAULT_ORGANIZATION)) == 1


async def test_an_account_belongs_to_its_organization(house: House) -> None:
    acme = await house.organizations.create("acme")
    here = await house.user("owner", "same@example.com")
    there = await house.user("owner", "same@example.com", organization=acme.id)
    assert here.id != there.id
    with pytest.raises(Conflict, match="a user already"):
        await house.user("viewer", "SAME@example.com")
    found = await house.who(
        (await house.logins.login("same@example.com", PASSWORD, organization="acme")).access_token
    )
    assert (found.id, found.organization_id) == (there.id, acme.id)
    # somebody of the installation makes them a member here as well; their account stays where it is
    guest = await house.users.set_role(DEFAULT_ORGANIZATION, there.id, "viewer")
    assert (guest.home_id, guest.organization_id) == (acme.id, DEFAULT_ORGANIZATION)
    with pytest.raises(Forbidden, match="another organization"):
        await house.users.set_password(DEFAULT_ORGANIZATION, there.id, "a password of mine")
    await house.users.remove(DEFAULT_ORGANIZATION, there.id)
    assert [member.id for member in await house.users.list(acme.id)] == [there.id]


async def test_administrators_of_the_installation(house: House) -> None:
    assert not await house.users.has_administrator()
    member = await house.user("viewer", administrator=True)
    assert await house.users.has_administrator()
    principal = await house.who((await house.logins.login(member.email, PASSWORD)).access_token)
    assert principal.may(Permission.ORGANIZATION_CREATE)
    admin = await house.principal("admin")
    with acting(admin), pytest.raises(Forbidden):
        await house.user("viewer", "x@example.com", administrator=True)
    with acting(admin), pytest.raises(Forbidden):
        await house.users.set_password(DEFAULT_ORGANIZATION, member.id, "a password of mine")


async def test_where_nobody_is_known_nothing_is_allowed(house: House) -> None:
    with acting(NOBODY):
        for attempt in (
            house.organizations.list(),
            house.projects.list(DEFAULT_ORGANIZATION),
            house.users.list(DEFAULT_ORGANIZATION),
            house.roles.list(DEFAULT_ORGANIZATION),
            house.keys.list(DEFAULT_ORGANIZATION),
            house.keys.create(DEFAULT_ORGANIZATION, "k", role="viewer"),
            house.stage.queue("q"),
        ):
            with pytest.raises(Forbidden):
                await attempt
        with pytest.raises(InvalidCredentials):
            await house.logins.login("a@example.com", PASSWORD)


async def test_the_database_keeps_tenants_apart_by_itself(house: House) -> None:
    acme = await house.organizations.create("acme")
    member = await house.user("viewer")
    with pytest.raises(Conflict):
        await house.people.set_membership(
            OrganizationId(acme.id), member.id, (await house.users.grant(acme.id, "viewer")), DEFAULT_PROJECT
        )


def test_every_role_and_alias_means_something() -> None:
    assert ROLES[BuiltinRole.OWNER] == GRANTABLE
    chain = [
        BuiltinRole.OWNER,
        BuiltinRole.ADMIN,
        BuiltinRole.OPERATOR,
        BuiltinRole.DEVELOPER,
        BuiltinRole.VIEWER,
    ]
    for more, less in pairwise(chain):
        assert ROLES[less] < ROLES[more]


async def test_limits_of_an_organization(house: House) -> None:
    guard = LimitGuard(SqlTenantStore(house.stage.engine, house.stage.mint), monotonic=lambda: house.seconds)
    queue = await house.stage.queue()
    await house.stage.add(queue, 8)
    for _ in range(100):  # no limit is set
        await guard.check_request(DEFAULT_ORGANIZATION)
    await guard.check_jobs(DEFAULT_ORGANIZATION, 10**6)
    limits = {"queued_jobs": 10, "requests_per_second": 2}
    await house.organizations.update(DEFAULT_ORGANIZATION, limits=limits)
    house.seconds += 3
    await guard.check_jobs(DEFAULT_ORGANIZATION, 2)
    with pytest.raises(LimitExceeded) as refused:  # counted, though they are not stored yet
        await guard.check_jobs(DEFAULT_ORGANIZATION, 1)
    assert refused.value.limit == "queued_jobs"
    house.seconds += 1
    await guard.check_jobs(DEFAULT_ORGANIZATION, 2)
    for _ in range(4):
        await guard.check_request(DEFAULT_ORGANIZATION)
    with pytest.raises(TooManyRequests) as waits:
        await guard.check_request(DEFAULT_ORGANIZATION)
    assert waits.value.retry_after == pytest.approx(0.5)
    other = await house.organizations.create("acme")
    await guard.check_request(other.id)
    await guard.check_jobs(other.id, 10**6)


async def test_an_organization_has_no_more_workers_than_it_may(house: House) -> None:
    """Over all its projects; one that comes back under its name makes room for itself, a lost one after its lease."""
    stage, second = house.stage, await house.projects.create(DEFAULT_ORGANIZATION, "second")
    await house.organizations.update(DEFAULT_ORGANIZATION, limits={"workers": 2})

    async def register(name: str, project_id: ProjectId = DEFAULT_PROJECT) -> None:
        worker_id = WorkerId(stage.mint())
        await stage.workers.register(project_id, worker_id, registration(name, "t"), 30_000_000)

    await register("a")
    await register("b", second.id)
    for _ in range(2):
        with pytest.raises(LimitExceeded) as refused:
            await register("c")
    assert refused.value.limit == "workers"
    stage.clock.advance(31)
    await register("a")
    together = await asyncio.gather(register("c"), register("d", second.id), return_exceptions=True)
    assert [type(error) for error in together if error is not None] == [LimitExceeded]
