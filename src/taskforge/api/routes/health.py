"""Whether the process lives, and whether it can serve."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from taskforge.api.call import encode
from taskforge.api.operation import Openness
from taskforge.api.routing import Resource

health = Resource("/health", "health")


@dataclass(frozen=True, slots=True)
class HealthView:
    """The process answers."""

    status: str


@dataclass(frozen=True, slots=True)
class ReadyView:
    """What was looked at; `scheduler` says if ticks are overdue, which does not keep a server from serving."""

    status: str
    checks: dict[str, str]


@health.get("/live", permission=Openness.PUBLIC, name="health.live")
async def live(request: Request) -> Response:
    """The process answers."""
    return _answer(HealthView("ok"))


@health.get("/ready", permission=Openness.PUBLIC, name="health.ready")
async def ready(request: Request) -> Response:
    """The database answers, its schema is ours, and recovery gets through; if ticks are overdue, it is said."""
    return _answer(ReadyView("ok", dict(await request.app.state.backend.check_ready())))


def _answer(view: HealthView | ReadyView) -> Response:
    return Response(encode(view), headers={"Cache-Control": "no-store"}, media_type="application/json")
