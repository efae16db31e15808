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
    """`ok`, or the checks that failed."""

    status: str


@health.get("/live", permission=Openness.PUBLIC, name="health.live")
async def live(request: Request) -> Response:
    """The process answers."""
    return _answer()


@health.get("/ready", permission=Openness.PUBLIC, name="health.ready")
async def ready(request: Request) -> Response:
    """The database answers, and its schema is ours."""
    await request.app.state.backend.check_ready()
    return _answer()


def _answer() -> Response:
    return Response(
        encode(HealthView("ok")), headers={"Cache-Control": "no-store"}, media_type="application/json"
    )
