"""Whether the process lives, whether it can serve, and what is not as it should be."""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from taskforge.api.call import Calling, encode
from taskforge.api.operation import Openness
from taskforge.api.routing import Resource
from taskforge.api.tenancy import OneProject
from taskforge.domain.access import Permission
from taskforge.services.findings import Verdict
from taskforge.services.readiness import DEGRADED

health = Resource("/health", "health")
diagnosis = Resource("/diagnosis", "health")


@dataclass(frozen=True, slots=True)
class HealthView:
    """The process answers."""

    status: str


@dataclass(frozen=True, slots=True)
class ReadyView:
    """What was looked at; `scheduler` says if ticks are overdue, which does not keep a server from serving.

    `status` is `degraded` while something is away that a server can do without, such as Redis.
    """

    status: str
    checks: dict[str, str]


@dataclass(frozen=True, slots=True)
class FindingView:
    """One thing that was looked at; `hint` says what mends it. `code` and `details` say the same to programs."""

    check: str
    verdict: Verdict
    detail: str
    hint: str | None
    code: str | None
    details: dict[str, Any]


@health.get("/live", permission=Openness.PUBLIC, name="health.live")
async def live(request: Request) -> Response:
    """The process answers."""
    return _answer(HealthView("ok"))


@health.get("/ready", permission=Openness.PUBLIC, name="health.ready")
async def ready(request: Request) -> Response:
    """The database answers, its schema is ours, and recovery gets through; if ticks are overdue, or Redis is away, it is said."""
    checks = dict(await request.app.state.backend.check_ready())
    return _answer(ReadyView(DEGRADED if DEGRADED in checks.values() else "ok", checks))


@diagnosis.get(
    "",
    permission=Permission.ORGANIZATION_READ,
    name="diagnosis.get",
    answers=list[FindingView],
    problems=(404,),
)
async def diagnose(call: Calling, project: OneProject) -> Response:
    """What `taskforge doctor` examines, but for what reads a whole SQLite file: the database, Redis, and one project."""
    runs_it = call.principal.may(Permission.ORGANIZATION_CREATE)  # others need not know where its Redis is
    redis = await project.redis_health.examine(named=runs_it)
    found = [*await project.health.examine(whole=False), *redis]
    return call.answer([FindingView(**{**one._asdict(), "details": dict(one.details)}) for one in found])


def _answer(view: HealthView | ReadyView) -> Response:
    return Response(encode(view), headers={"Cache-Control": "no-store"}, media_type="application/json")
