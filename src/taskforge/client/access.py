"""Organizations, people, roles, keys and projects, as the API tells them: docs/access.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.client.resources import Resource, synchronous

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID


class Users(Resource):
    """``client.users``."""

    async def alist(self) -> list[dict[str, Any]]:
        """All users by address."""
        return await self._by_number(dict[str, Any], "/users")

    async def aget(self, user_id: UUID | str) -> dict[str, Any]:
        """One of them. Raises NotFound."""
        return await self._get(dict[str, Any], f"/users/{user_id}")

    async def acreate(self, /, email: str, role: str, **values: Any) -> dict[str, Any]:
        """A new account. ``values`` are the API's: password, name, project_id. Raises Conflict, Escalation."""
        return await self._do(dict[str, Any], "/users", {"email": email, "role": role, **values})

    async def aupdate(self, /, user_id: UUID | str, **values: Any) -> dict[str, Any]:
        """Change a name, or whether the account is disabled."""
        return await self._do(dict[str, Any], f"/users/{user_id}", values, method="PATCH")

    async def aset_role(
        self, user_id: UUID | str, role: str, project_id: UUID | str | None = None
    ) -> dict[str, Any]:
        """Give them a role, in one project or in all. Raises Conflict for the last owner."""
        body = {"role": role, "project_id": project_id}
        return await self._do(dict[str, Any], f"/users/{user_id}/membership", body, method="PUT")

    async def aset_password(self, user_id: UUID | str, password: str) -> None:
        """Give them another password; all their sessions end."""
        body = {"password": password}
        await self._do(Any, f"/users/{user_id}/password", body, method="PUT")

    async def aremove(self, user_id: UUID | str) -> None:
        """Take them out of the organization. Raises Conflict for the last owner."""
        await self._transport.ask("DELETE", f"/users/{user_id}")

    list = synchronous(alist)
    get = synchronous(aget)
    create = synchronous(acreate)
    update = synchronous(aupdate)
    set_role = synchronous(aset_role)
    set_password = synchronous(aset_password)
    remove = synchronous(aremove)


class Keys(Resource):
    """``client.keys``."""

    async def alist(self, *, revoked: bool = False) -> list[dict[str, Any]]:
        """The keys, newest first; with ``revoked`` those as well."""
        return await self._by_number(dict[str, Any], "/keys", revoked=str(revoked).lower())

    async def acreate(self, /, name: str, **values: Any) -> dict[str, Any]:
        """Make a key: ``key``, its text, which is told here only, and ``api_key``. It is asked for once.

        ``values`` are the API's: role or permissions, project_id, queue_ids, expires_at. Raises Escalation.
        """
        return await self._do(dict[str, Any], "/keys", {"name": name, **values}, may_repeat=False)

    async def arevoke(self, key_id: UUID | str) -> None:
        """End a key, and all that it made."""
        await self._transport.ask("DELETE", f"/keys/{key_id}")

    list = synchronous(alist)
    create = synchronous(acreate)
    revoke = synchronous(arevoke)


class Projects(Resource):
    """``client.projects``."""

    async def alist(self) -> list[dict[str, Any]]:
        """The projects that the key may see, by name."""
        return await self._by_number(dict[str, Any], "/projects")

    async def acreate(self, name: str) -> dict[str, Any]:
        """Make a project. Raises Conflict."""
        return await self._do(dict[str, Any], "/projects", {"name": name})

    async def arename(self, project_id: UUID | str, name: str) -> dict[str, Any]:
        """Give it another name. Raises Conflict, NotFound."""
        return await self._do(dict[str, Any], f"/projects/{project_id}", {"name": name}, method="PATCH")

    async def adelete(self, project_id: UUID | str) -> None:
        """Remove a project without queues and live workers. Raises Conflict."""
        await self._transport.ask("DELETE", f"/projects/{project_id}")

    list = synchronous(alist)
    create = synchronous(acreate)
    rename = synchronous(arename)
    delete = synchronous(adelete)


class Roles(Resource):
    """``client.roles``: the organization's own."""

    async def alist(self) -> list[dict[str, Any]]:
        """The roles that the organization has made, by name."""
        return await self._by_number(dict[str, Any], "/roles")

    async def acreate(self, name: str, permissions: Sequence[str]) -> dict[str, Any]:
        """A name for a set of permissions, of which the caller has each. Raises Conflict, Escalation."""
        return await self._do(dict[str, Any], "/roles", {"name": name, "permissions": permissions})

    async def aupdate(self, /, role_id: UUID | str, **values: Any) -> dict[str, Any]:
        """Change ``name`` or ``permissions``, for all who have it. Raises Escalation, NotFound."""
        return await self._do(dict[str, Any], f"/roles/{role_id}", values, method="PATCH")

    async def adelete(self, role_id: UUID | str) -> None:
        """Remove a role that nobody has. Raises Conflict."""
        await self._transport.ask("DELETE", f"/roles/{role_id}")

    list = synchronous(alist)
    create = synchronous(acreate)
    update = synchronous(aupdate)
    delete = synchronous(adelete)


class Organizations(Resource):
    """``client.organizations``: the caller's own; all of them for an administrator of the installation."""

    async def alist(self) -> list[dict[str, Any]]:
        """Those that the caller may see, by name."""
        return await self._by_number(dict[str, Any], "/organizations")

    async def acreate(self, name: str) -> dict[str, Any]:
        """A new one, with a default project. Raises Conflict, Forbidden."""
        return await self._do(dict[str, Any], "/organizations", {"name": name})

    async def aupdate(self, /, organization_id: UUID | str, **values: Any) -> dict[str, Any]:
        """Change ``name``, ``limits``, ``suspended``, ``redacted_keys``. Raises Conflict, Forbidden."""
        path = f"/organizations/{organization_id}"
        return await self._do(dict[str, Any], path, values, method="PATCH")

    async def adelete(self, organization_id: UUID | str) -> None:
        """Remove one whose projects are empty. Raises Conflict, Forbidden."""
        await self._transport.ask("DELETE", f"/organizations/{organization_id}")

    list = synchronous(alist)
    create = synchronous(acreate)
    update = synchronous(aupdate)
    delete = synchronous(adelete)
