"""`/metrics`: what is told to Prometheus. Closed by default: it needs a key, or the scrape token of the settings."""

from starlette.responses import Response

from taskforge.api.call import Calling
from taskforge.api.routing import Resource
from taskforge.api.tenancy import reachable
from taskforge.domain.access import Permission, PrincipalKind
from taskforge.services.prometheus import expose

TEXT = {
    "responses": {
        "200": {"description": "Success", "content": {"text/plain": {"schema": {"type": "string"}}}}
    }
}
exposition = Resource("/metrics", "metrics")


@exposition.get("", permission=Permission.METRICS_READ, name="exposition.get", extra=TEXT)
async def get_metrics(call: Calling) -> Response:
    """What Prometheus scrapes: of the caller's projects, or of all with the scrape token of the settings."""
    sees_all = call.principal.kind is PrincipalKind.SYSTEM
    projects = None if sees_all else await reachable(call, None)
    families = await call.backend.exposition.families(projects)
    body, media_type = expose(families, call.request.headers.get("accept"))
    return Response(body, media_type=media_type, headers={"Cache-Control": "no-store"})
