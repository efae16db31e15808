"""The organizations of a database or of a server, as the commands `organizations` ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.cli.access_view import organization_document
from taskforge.domain.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taskforge.client import Client
    from taskforge.platform import Platform

Document = dict[str, Any]


class LocalOrganizations:
    """Implements ``OrganizationDesk`` over a database."""

    def __init__(self, platform: Platform) -> None:
        self._organizations = platform.security.organizations

    async def all(self) -> list[Document]:
        return [organization_document(found) for found in await self._organizations.list()]

    async def create(self, name: str) -> Document:
        return organization_document(await self._organizations.create(name))

    async def change(self, name: str, values: Mapping[str, Any]) -> Document:
        which = (await self._organizations.named(name)).id
        return organization_document(await self._organizations.update(which, **values))

    async def remove(self, name: str) -> None:
        await self._organizations.delete((await self._organizations.named(name)).id)


class RemoteOrganizations:
    """Implements ``OrganizationDesk`` over the HTTP API."""

    def __init__(self, client: Client) -> None:
        self._organizations = client.organizations

    async def all(self) -> list[Document]:
        return [_told(found) for found in await self._organizations.alist()]

    async def create(self, name: str) -> Document:
        return _told(await self._organizations.acreate(name))

    async def change(self, name: str, values: Mapping[str, Any]) -> Document:
        return _told(await self._organizations.aupdate(await self._id(name), **values))

    async def remove(self, name: str) -> None:
        await self._organizations.adelete(await self._id(name))

    async def _id(self, name: str) -> str:
        for found in await self._organizations.alist():
            if found["name"] == name:
                return str(found["id"])
        raise NotFound(f"nothing has the id or name {name}")


def _told(found: Document) -> Document:
    return {**found, "is_suspended": found["suspended_at"] is not None}
