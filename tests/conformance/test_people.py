"""Organizations, projects, people and their roles: what nobody can give, and what nobody of another tenant finds."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from uuid import UUID

import pytest

from taskforge.domain.access import (
    GRANTABLE,
    NOBODY,
    ROLES,
    BuiltinRole,
    Permission,
)
from taskforge.domain.errors import (
    Conflict,
    Escalation,
    Forbidden,
    InvalidCredentials,
    InvalidInput,
    NotFound,
)
from taskforge.domain.ids import DEFAULT_ORGANIZATION, DEFAULT_PROJECT, OrganizationId, ProjectId
from taskforge.domain.organization import Limits
from taskforge.ports.acting import acting
from taskforge.services.access import CACHE_SECONDS
from tests.conformance.house import PASSWORD, House

pytestmark = pytest.mark.anyio


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
