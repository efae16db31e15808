"""Users, their memberships, and the organization's own roles."""

from starlette.responses import Response

from taskforge.api.call import Calling
from taskforge.api.operation import Openness, Reach
from taskforge.api.pages import SortedPaging
from taskforge.api.routing import Resource
from taskforge.api.tenancy import organization_of
from taskforge.api.values import Id
from taskforge.api.views.access import (
    Membership,
    NewPassword,
    NewRole,
    NewUser,
    RoleChange,
    RoleView,
    UserChange,
    UserView,
    role_view_of,
    user_view_of,
)
from taskforge.domain.access import Permission
from taskforge.domain.ids import ProjectId

users = Resource("/users", "users")
roles = Resource("/roles", "roles")


@users.get("", permission=Permission.USER_READ, name="users.list", answers=UserView, is_list=True)
async def list_users(call: Calling, page: SortedPaging) -> Response:
    """The users of the organization."""
    found = [user_view_of(one) for one in await call.backend.security.users.list(organization_of(call))]
    part, meta = page.cut(found)
    return call.answer(part, "listed", meta=meta, count=len(found))


@users.post(
    "",
    permission=Permission.USER_WRITE,
    name="users.create",
    makes="user_id",
    answers=UserView,
    status=201,
    reach=Reach.ORGANIZATION,
    problems=(404, 409),
)
async def create_user(call: Calling, body: NewUser) -> Response:
    """A new account with a role."""
    made = await call.backend.security.users.create(
        organization_of(call),
        body.email,
        password=body.password,
        role=body.role,
        name=body.name,
        project_id=None if body.project_id is None else ProjectId(body.project_id),
    )
    return call.created(user_view_of(made), f"/api/v1/users/{made.id}")


@users.get("/{user_id}", permission=Permission.USER_READ, name="users.get", answers=UserView)
async def get_user(call: Calling, user_id: Id) -> Response:
    """One user."""
    return call.answer(user_view_of(await call.backend.security.users.get(organization_of(call), user_id)))


@users.patch(
    "/{user_id}",
    permission=Permission.USER_WRITE,
    name="users.update",
    answers=UserView,
    status=204,
    reach=Reach.ORGANIZATION,
    problems=(409,),
)
async def update_user(call: Calling, user_id: Id, body: UserChange) -> Response:
    """Change a name; disable an account, or let it in again."""
    changed = await call.backend.security.users.update(
        organization_of(call), user_id, name=body.name, disabled=body.disabled
    )
    return call.done(user_view_of(changed), "updated")


@users.put(
    "/{user_id}/membership",
    permission=Permission.USER_WRITE,
    name="memberships.set",
    answers=UserView,
    status=204,
    reach=Reach.ORGANIZATION,
    problems=(409,),
)
async def set_membership(call: Calling, user_id: Id, body: Membership) -> Response:
    """Give a user a role, in one project or in all. Nobody gives more than they have."""
    changed = await call.backend.security.users.set_role(
        organization_of(call),
        user_id,
        body.role,
        project_id=None if body.project_id is None else ProjectId(body.project_id),
    )
    return call.done(user_view_of(changed), "updated")


@users.put(
    "/{user_id}/password",
    permission=Openness.AUTHENTICATED,
    name="users.set_password",
    status=204,
    problems=(409,),
)
async def set_password(call: Calling, user_id: Id, body: NewPassword) -> Response:
    """Set a password: one's own with the current one, another's with `user:write`. All other logins end."""
    await call.backend.security.users.set_password(
        organization_of(call), user_id, body.password, current=body.current
    )
    return call.done(None, "updated")


@users.delete(
    "/{user_id}",
    permission=Permission.USER_WRITE,
    name="users.delete",
    status=204,
    reach=Reach.ORGANIZATION,
    problems=(409,),
)
async def delete_user(call: Calling, user_id: Id) -> Response:
    """Take a user out of the organization. The last owner stays."""
    await call.backend.security.users.remove(organization_of(call), user_id)
    return call.done(None, "deleted")


@roles.get("", permission=Permission.USER_READ, name="roles.list", answers=RoleView, is_list=True)
async def list_roles(call: Calling, page: SortedPaging) -> Response:
    """The organization's own roles; those of every organization are owner, admin, operator, developer, viewer, worker."""
    found = [role_view_of(one) for one in await call.backend.security.roles.list(organization_of(call))]
    part, meta = page.cut(found)
    return call.answer(part, "listed", meta=meta, count=len(found))


@roles.post(
    "",
    permission=Permission.USER_WRITE,
    name="roles.create",
    makes="role_id",
    answers=RoleView,
    status=201,
    reach=Reach.ORGANIZATION,
    problems=(409,),
)
async def create_role(call: Calling, body: NewRole) -> Response:
    """A name for a set of permissions, of which the caller has each."""
    made = await call.backend.security.roles.create(organization_of(call), body.name, body.permissions)
    return call.created(role_view_of(made), f"/api/v1/roles/{made.id}")


@roles.get("/{role_id}", permission=Permission.USER_READ, name="roles.get", answers=RoleView)
async def get_role(call: Calling, role_id: Id) -> Response:
    """One role."""
    return call.answer(role_view_of(await call.backend.security.roles.get(organization_of(call), role_id)))


@roles.patch(
    "/{role_id}",
    permission=Permission.USER_WRITE,
    name="roles.update",
    answers=RoleView,
    status=204,
    reach=Reach.ORGANIZATION,
    problems=(409,),
)
async def update_role(call: Calling, role_id: Id, body: RoleChange) -> Response:
    """Change a role, for all who have it."""
    changed = await call.backend.security.roles.update(
        organization_of(call), role_id, name=body.name, allowed=body.permissions
    )
    return call.done(role_view_of(changed), "updated")


@roles.delete(
    "/{role_id}",
    permission=Permission.USER_WRITE,
    name="roles.delete",
    status=204,
    reach=Reach.ORGANIZATION,
    problems=(409,),
)
async def delete_role(call: Calling, role_id: Id) -> Response:
    """Remove a role that nobody has."""
    await call.backend.security.roles.delete(organization_of(call), role_id)
    return call.done(None, "deleted")
