"""Who calls: what the API needs of the services that know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from taskforge.domain.access import Principal
    from taskforge.domain.ids import ProjectId, WorkerId


class Authenticator(Protocol):
    """Turns credentials into a principal; `api_session.Credentials` is the one."""

    async def authenticate(self, token: str, *, address: str | None) -> Principal:
        """Who holds this token. Raises Unauthenticated."""
        ...

    async def worker_token(self, registrar: Principal, project_id: ProjectId, worker_id: WorkerId) -> str:
        """A credential for this incarnation of a worker and no other, no longer good than the registrar's own."""
        ...
