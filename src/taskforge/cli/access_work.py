"""People, roles, keys and projects of a database or of a server, as the commands about them ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.cli.access_options import refuse_organization
from taskforge.cli.access_view import key_document, member_document
from taskforge.cli.show import plain
from taskforge.domain.errors import InvalidInput, NotFound
from taskforge.services.keys import only_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskforge.cli.access_desk import NewKey, NewUser
    from taskforge.client import Client
    from taskforge.domain.ids import OrganizationId, ProjectId
    from taskforge.domain.people import Member
    from taskforge.platform import Platform

Document = dict[str, Any]
DEFAULT = "default"


class LocalAccess:
    """Implements ``AccessDesk`` over a database, for an organization by name."""

    def __init__(self, platform: Platform, organization: str | None) -> None:
        self._security = platform.security
        self._name = organization or DEFAULT

    async def users(self) -> list[Document]:
        return [member_document(each) for each in await self._security.users.list(await self._id())]

    async def create_user(self, wanted: NewUser) -> Document:
        which = await self._id()
        made = await self._security.users.create(
            which,
            wanted.email,
            password=wanted.password,
            role=wanted.role,
            name=wanted.name,
            project_id=await self._project(which, wanted.project),
            administrator=wanted.administrator,
        )
        return member_document(made)

    async def set_role(self, email: str, role: str, project: str | None) -> None:
        which, member = await self._member(email)
        scope = await self._project(which, project)
        await self._security.users.set_role(which, member.id, role, project_id=scope)

    async def set_password(self, email: str, password: str) -> None:
        which, member = await self._member(email)
        await self._security.users.set_password(which, member.id, password)

    async def switch(self, email: str, *, disabled: bool) -> None:
        which, member = await self._member(email)
        await self._security.users.update(which, member.id, disabled=disabled)

    async def remove_user(self, email: str) -> None:
        which, member = await self._member(email)
        await self._security.users.remove(which, member.id)

    async def keys(self, *, revoked: bool) -> list[Document]:
        return [
            key_document(each) for each in await self._security.keys.list(await self._id(), revoked=revoked)
        ]

    async def create_key(self, wanted: NewKey) -> tuple[Document, str]:
        which = (await self._security.organizations.ensure(self._name)).id
        project = await self._project(which, wanted.project)
        made, text = await self._security.keys.create(
            which,
            wanted.name,
            role=wanted.role,
            allowed=wanted.permissions,
            project_id=project,
            queue_ids=await self._security.keys.queues(project, wanted.queues),
            expires_at=wanted.expires_at,
        )
        return {**key_document(made), "organization": self._name}, text

    async def revoke_key(self, text: str) -> bool:
        which = await self._id()
        found = await self._security.keys.with_suffix(which, text)
        return bool(await self._security.keys.revoke(which, found.id))

    async def roles(self) -> list[Document]:
        return [
            {"name": role.name, "permissions": sorted(role.permissions)}
            for role in await self._security.roles.list(await self._id())
        ]

    async def create_role(self, name: str, permissions: Sequence[str]) -> None:
        await self._security.roles.create(await self._id(), name, permissions)

    async def change_role(self, name: str, permissions: Sequence[str]) -> None:
        which = await self._id()
        role = await self._security.roles.named(which, name)
        await self._security.roles.update(which, role.id, allowed=permissions)

    async def delete_role(self, name: str) -> None:
        which = await self._id()
        role = await self._security.roles.named(which, name)
        await self._security.roles.delete(which, role.id)

    async def projects(self) -> list[Document]:
        found: list[Document] = plain(await self._security.projects.list(await self._id()))
        return found

    async def create_project(self, name: str) -> Document:
        made: Document = plain(await self._security.projects.create(await self._id(), name))
        return made

    async def rename_project(self, name: str, new_name: str) -> None:
        which = await self._id()
        found = await self._security.projects.reach(which, name=name)
        await self._security.projects.rename(which, found.id, new_name)

    async def delete_project(self, name: str) -> None:
        which = await self._id()
        found = await self._security.projects.reach(which, name=name)
        await self._security.projects.delete(which, found.id)

    async def _id(self) -> OrganizationId:
        return (await self._security.organizations.named(self._name)).id

    async def _member(self, email: str) -> tuple[OrganizationId, Member]:
        which = await self._id()
        return which, await self._security.users.with_email(which, email)

    async def _project(self, organization: OrganizationId, name: str | None) -> ProjectId | None:
        if name is None:
            return None
        return (await self._security.projects.reach(organization, name=name)).id


class RemoteAccess:
    """Implements ``AccessDesk`` over the HTTP API. Which organization is meant, the key says."""

    def __init__(self, client: Client, organization: str | None) -> None:
        refuse_organization(organization)
        self._client = client

    async def users(self) -> list[Document]:
        return await self._client.users.alist()

    async def create_user(self, wanted: NewUser) -> Document:
        if wanted.administrator:
            raise InvalidInput(
                "an administrator of the installation is made beside its database, not through a server",
                field="--administrator",
            )
        given = {"name": wanted.name, "project_id": await self._project(wanted.project)}
        values = {name: value for name, value in given.items() if value is not None}
        return await self._client.users.acreate(wanted.email, wanted.role, password=wanted.password, **values)

    async def set_role(self, email: str, role: str, project: str | None) -> None:
        user_id = await self._user(email)
        await self._client.users.aset_role(user_id, role, await self._project(project))

    async def set_password(self, email: str, password: str) -> None:
        await self._client.users.aset_password(await self._user(email), password)

    async def switch(self, email: str, *, disabled: bool) -> None:
        await self._client.users.aupdate(await self._user(email), disabled=disabled)

    async def remove_user(self, email: str) -> None:
        await self._client.users.aremove(await self._user(email))

    async def keys(self, *, revoked: bool) -> list[Document]:
        return await self._client.keys.alist(revoked=revoked)

    async def create_key(self, wanted: NewKey) -> tuple[Document, str]:
        project = await self._project(wanted.project)
        given = {
            "role": wanted.role,
            "permissions": wanted.permissions,
            "project_id": project,
            "queue_ids": None if wanted.queues is None else await self._queues(project, wanted.queues),
            "expires_at": None if wanted.expires_at is None else wanted.expires_at.isoformat(),
        }
        values = {name: value for name, value in given.items() if value is not None}
        made = await self._client.keys.acreate(wanted.name, **values)
        return made["api_key"], made["key"]

    async def revoke_key(self, text: str) -> bool:
        known = await self._client.keys.alist(revoked=True)
        found = only_key(known, text, lambda key: str(key["id"]))
        await self._client.keys.arevoke(found["id"])
        return found["revoked_at"] is None

    async def roles(self) -> list[Document]:
        return [
            {"name": role["name"], "permissions": sorted(role["permissions"])}
            for role in await self._client.roles.alist()
        ]

    async def create_role(self, name: str, permissions: Sequence[str]) -> None:
        await self._client.roles.acreate(name, permissions)

    async def change_role(self, name: str, permissions: Sequence[str]) -> None:
        await self._client.roles.aupdate(await self._role(name), permissions=permissions)

    async def delete_role(self, name: str) -> None:
        await self._client.roles.adelete(await self._role(name))

    async def projects(self) -> list[Document]:
        return await self._client.projects.alist()

    async def create_project(self, name: str) -> Document:
        return await self._client.projects.acreate(name)

    async def rename_project(self, name: str, new_name: str) -> None:
        await self._client.projects.arename(await self._reached(name), new_name)

    async def delete_project(self, name: str) -> None:
        await self._client.projects.adelete(await self._reached(name))

    async def _user(self, email: str) -> str:
        wanted = email.strip().lower()
        for user in await self._client.users.alist():
            if user["email"] == wanted:
                return str(user["id"])
        raise NotFound(f"nothing has the id or address {email}")

    async def _role(self, name: str) -> str:
        for role in await self._client.roles.alist():
            if role["name"] == name:
                return str(role["id"])
        raise NotFound(f"nothing has the id or address {name}")

    async def _project(self, name: str | None) -> str | None:
        return None if name is None else await self._reached(name)

    async def _reached(self, name: str) -> str:
        for project in await self._client.projects.alist():
            if project["name"] == name:
                return str(project["id"])
        raise NotFound(f"nothing has the id or name {name}")

    async def _queues(self, project: str | None, names: Sequence[str]) -> list[str]:
        if project is None:
            raise InvalidInput("a key for certain queues is a key of their project", field="project_id")
        known = {q.name: str(q.id) for q in await self._client.queues.alist() if str(q.project_id) == project}
        for name in names:
            if name not in known:
                raise NotFound(f"no queue is named {name!r}")
        return [known[name] for name in names]
