"""Circuit breakers of job types: how they stand, and opening and closing them by hand."""

from collections.abc import Callable

from starlette.responses import Response

from taskforge.api.call import Call, Calling
from taskforge.api.etags import check_match, etag_of
from taskforge.api.pages import SortedPaging
from taskforge.api.routing import Resource
from taskforge.api.tenancy import BreakerAt, BreakerHere, Everywhere, OneProject
from taskforge.api.views.breakers import BreakerChange, BreakerClosing, BreakerOpening, NewBreaker
from taskforge.domain.access import Permission
from taskforge.domain.breaker import Breaker
from taskforge.services.breaker_records import BreakerRecord, breaker_record

breakers = Resource("/breakers", "breakers")


@breakers.get("", permission=Permission.QUEUE_READ, name="breakers.list", answers=BreakerRecord, is_list=True)
async def list_breakers(call: Calling, everywhere: Everywhere, page: SortedPaging) -> Response:
    """The breakers by their types, how they stand, and what they judge by now."""
    found = [breaker_record(sight) for services in everywhere for sight in await services.breakers.list()]
    part, meta = page.cut(sorted(found, key=lambda breaker: (breaker.job_type, breaker.id)))
    return call.answer(part, "listed", meta=meta, count=len(found))


@breakers.post(
    "",
    permission=Permission.QUEUE_WRITE,
    name="breakers.create",
    answers=BreakerRecord,
    status=201,
    problems=(404, 409),
)
async def create_breaker(call: Calling, project: OneProject, body: NewBreaker) -> Response:
    """Give a job type a breaker. It begins closed, and counts from now on."""
    made = await project.breakers.create(body.job_type, body.given())
    record = breaker_record(await project.breakers.see(made))
    location = f"/api/v1/breakers/{made.id}"
    return call.created(record, location, "breakers.created", headers=_version(made))


@breakers.get("/{breaker_id}", permission=Permission.QUEUE_READ, name="breakers.get", answers=BreakerRecord)
async def get_breaker(call: Calling, here: BreakerHere) -> Response:
    """How a breaker stands, and what it judges by now."""
    return call.answer(
        breaker_record(await here.services.breakers.see(here.breaker)), headers=_version(here.breaker)
    )


@breakers.patch(
    "/{breaker_id}",
    permission=Permission.QUEUE_WRITE,
    name="breakers.update",
    answers=BreakerRecord,
    status=204,
    problems=(412,),
)
async def update_breaker(call: Calling, here: BreakerHere, body: BreakerChange) -> Response:
    """Change the settings that the body names. With If-Match only the version that was seen."""
    after = await here.services.breakers.change(here.breaker.id, body.given(), check=_checker(call))
    return await _done(call, here, after, "updated")


@breakers.delete(
    "/{breaker_id}", permission=Permission.QUEUE_WRITE, name="breakers.delete", status=204, problems=(412,)
)
async def delete_breaker(call: Calling, here: BreakerHere) -> Response:
    """Remove a breaker. The jobs that it held are handed out."""
    await here.services.breakers.delete(here.breaker.id, check=_checker(call))
    return call.done(None, "deleted")


@breakers.post(
    "/{breaker_id}/open",
    permission=Permission.QUEUE_WRITE,
    name="breakers.open",
    answers=BreakerRecord,
    status=204,
    problems=(409,),
)
async def open_breaker(call: Calling, here: BreakerHere, body: BreakerOpening) -> Response:
    """Hand out no more jobs of the type: until it is closed, or for some seconds, after which some are tried."""
    opened = await here.services.breakers.open(here.breaker.id, reason=body.reason, seconds=body.seconds)
    return await _done(call, here, opened, "breakers.opened")


@breakers.post(
    "/{breaker_id}/close",
    permission=Permission.QUEUE_WRITE,
    name="breakers.close",
    answers=BreakerRecord,
    status=204,
    problems=(409,),
)
async def close_breaker(call: Calling, here: BreakerHere, body: BreakerClosing) -> Response:
    """Hand out the jobs of the type again. What has failed before counts no more."""
    closed = await here.services.breakers.close(here.breaker.id, reason=body.reason)
    return await _done(call, here, closed, "breakers.closed")


async def _done(call: Call, here: BreakerAt, breaker: Breaker, message: str) -> Response:
    record = breaker_record(await here.services.breakers.see(breaker))
    return call.done(record, message, headers=_version(breaker))


def _checker(call: Call) -> Callable[[Breaker], None]:
    return lambda breaker: check_match(call.request, etag_of(breaker.updated_at))


def _version(breaker: Breaker) -> dict[str, str]:
    return {"ETag": etag_of(breaker.updated_at)}
