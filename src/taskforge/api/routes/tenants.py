"""Organizations and projects."""

from starlette.responses import Response

from taskforge.api.call import Calling
from taskforge.api.operation import Reach
from taskforge.api.pages import SortedPaging
from taskforge.api.routing import Resource
from taskforge.api.tenancy import organization_of
from taskforge.api.values import Id
from taskforge.api.views.access import (
    NewName,
    OrganizationChange,
    OrganizationView,
    ProjectView,
    organization_view_of,
    project_view_of,
)
from taskforge.domain.access import Permission
from taskforge.domain.ids import OrganizationId, ProjectId

organizations = Resource("/organizations", "organizations")
projects = Resource("/projects", "projects")


@organizations.get(
    "",
    permission=Permission.ORGANIZATION_READ,
    name="organizations.list",
    answers=OrganizationView,
    is_list=True,
)
async def list_organizations(call: Calling, page: SortedPaging) -> Response:
    """The caller's own organization; all of them for administrators of the installation."""
    found = [organization_view_of(one) for one in await call.backend.security.organizations.list()]
    part, meta = page.cut(found)
    return call.answer(part, "listed", meta=meta, count=len(found))


@organizations.post(
    "",
    permission=Permission.ORGANIZATION_CREATE,
    name="organizations.create",
    makes="organization_id",
    answers=OrganizationView,
    status=201,
    problems=(409,),
)
async def create_organization(call: Calling, body: NewName) -> Response:
    """A new organization, with a default project. For administrators of the installation."""
    made = await call.backend.security.organizations.create(body.name)
    return call.created(organization_view_of(made), f"/api/v1/organizations/{made.id}")


@organizations.get(
    "/{organization_id}",
    permission=Permission.ORGANIZATION_READ,
    name="organizations.get",
    answers=OrganizationView,
)
async def get_organization(call: Calling, organization_id: Id) -> Response:
    """One organization."""
    found = await call.backend.security.organizations.get(OrganizationId(organization_id))
    return call.answer(organization_view_of(found))


@organizations.patch(
    "/{organization_id}",
    permission=Permission.ORGANIZATION_WRITE,
    name="organizations.update",
    answers=OrganizationView,
    status=204,
    reach=Reach.ORGANIZATION,
    problems=(409,),
)
async def update_organization(call: Calling, organization_id: Id, body: OrganizationChange) -> Response:
    """Change its name and what is redacted; its limits and its suspension, for administrators of the installation."""
    changed = await call.backend.security.organizations.update(
        OrganizationId(organization_id),
        name=body.name,
        limits=body.limits,
        suspended=body.suspended,
        redacted_keys=body.redacted_keys,
    )
    return call.done(organization_view_of(changed), "updated")


@organizations.delete(
    "/{organization_id}",
    permission=Permission.ORGANIZATION_WRITE,
    name="organizations.delete",
    status=204,
    reach=Reach.ORGANIZATION,
    problems=(409,),
)
async def delete_organization(call: Calling, organization_id: Id) -> Response:
    """Remove an organization whose projects are empty, with its people and credentials."""
    await call.backend.security.organizations.delete(OrganizationId(organization_id))
    return call.done(None, "deleted")


@projects.get("", permission=Permission.PROJECT_READ, name="projects.list", answers=ProjectView, is_list=True)
async def list_projects(call: Calling, page: SortedPaging) -> Response:
    """The projects that the caller may see, by name."""
    found = await call.backend.security.projects.list(organization_of(call))
    part, meta = page.cut([project_view_of(one) for one in found])
    return call.answer(part, "listed", meta=meta, count=len(found))


@projects.post(
    "",
    permission=Permission.PROJECT_WRITE,
    name="projects.create",
    makes="project_id",
    answers=ProjectView,
    status=201,
    reach=Reach.ORGANIZATION,
    problems=(409,),
)
async def create_project(call: Calling, body: NewName) -> Response:
    """A new project."""
    made = await call.backend.security.projects.create(organization_of(call), body.name)
    call.backend.forget_projects(made.organization_id)
    return call.created(project_view_of(made), f"/api/v1/projects/{made.id}")


@projects.get("/{project_id}", permission=Permission.PROJECT_READ, name="projects.get", answers=ProjectView)
async def get_project(call: Calling, project_id: Id) -> Response:
    """One project."""
    found = await call.backend.security.projects.get(organization_of(call), ProjectId(project_id))
    return call.answer(project_view_of(found))


@projects.patch(
    "/{project_id}",
    permission=Permission.PROJECT_WRITE,
    name="projects.update",
    answers=ProjectView,
    status=204,
    problems=(409,),
)
async def rename_project(call: Calling, project_id: Id, body: NewName) -> Response:
    """Give a project another name."""
    renamed = await call.backend.security.projects.rename(
        organization_of(call), ProjectId(project_id), body.name
    )
    return call.done(project_view_of(renamed), "updated")


@projects.delete(
    "/{project_id}",
    permission=Permission.PROJECT_WRITE,
    name="projects.delete",
    status=204,
    reach=Reach.ORGANIZATION,
    problems=(409,),
)
async def delete_project(call: Calling, project_id: Id) -> Response:
    """Remove a project without queues and live workers."""
    organization_id = organization_of(call)
    await call.backend.security.projects.delete(organization_id, ProjectId(project_id))
    call.backend.forget_projects(organization_id)
    return call.done(None, "deleted")
