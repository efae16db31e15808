"""Receivers: who is told of alerts and of jobs that end, and what has been told to them."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query
from starlette.responses import Response

from taskforge.api.backend import ProjectServices
from taskforge.api.call import Calling
from taskforge.api.operation import Reach
from taskforge.api.pages import Paging, SortedPaging
from taskforge.api.routing import Resource
from taskforge.api.tenancy import Everywhere, JobHere, OneProject, look_up
from taskforge.api.values import Id
from taskforge.api.views.alerts import (
    DeliveryView,
    MadeReceiverView,
    NewReceiver,
    Notice,
    NoticeView,
    ReceiverChange,
    ReceiverView,
    SecretChange,
    delivery_view,
    receiver_view,
)
from taskforge.domain.access import Permission
from taskforge.domain.delivery import Delivery, DeliveryStatus
from taskforge.domain.receiver import Receiver

receivers = Resource("/alerts", "alerts")


@dataclass(frozen=True, slots=True)
class ReceiverAt:
    """A receiver, and the services of its project."""

    services: ProjectServices
    receiver: Receiver


async def _receiver_at(receiver_id: Id, call: Calling) -> ReceiverAt:
    services, receiver = await look_up(
        call, lambda one: one.receivers.find(receiver_id), f"no receiver has the id {receiver_id}"
    )
    return ReceiverAt(services, receiver)


ReceiverHere = Annotated[ReceiverAt, Depends(_receiver_at)]


@dataclass(frozen=True, slots=True)
class DeliveryAt:
    """A delivery, and the services of its project."""

    services: ProjectServices
    delivery: Delivery


async def _delivery_at(delivery_id: Id, call: Calling) -> DeliveryAt:
    services, delivery = await look_up(
        call, lambda one: one.receivers.find_delivery(delivery_id), f"no delivery has the id {delivery_id}"
    )
    return DeliveryAt(services, delivery)


DeliveryHere = Annotated[DeliveryAt, Depends(_delivery_at)]


@receivers.get(
    "/receivers", permission=Permission.ALERT_READ, name="receivers.list", answers=ReceiverView, is_list=True
)
async def list_receivers(call: Calling, everywhere: Everywhere, page: SortedPaging) -> Response:
    """All receivers by name; nothing secret of them."""
    found = [receiver for services in everywhere for receiver in await services.receivers.list()]
    part, meta = page.cut([receiver_view(one) for one in sorted(found, key=lambda r: (r.name, r.id))])
    return call.answer(part, "listed", meta=meta, count=len(found))


@receivers.post(
    "/receivers",
    permission=Permission.ALERT_WRITE,
    name="receivers.create",
    answers=MadeReceiverView,
    shown_once=("secret",),
    status=201,
    problems=(404, 409),
)
async def create_receiver(call: Calling, project: OneProject, body: NewReceiver) -> Response:
    """Make a receiver. The secret of a webhook is in this answer, and in no other.

    Addresses of this machine and of networks that are not public are refused, unless a setting allows them.
    """
    made, secret = await project.receivers.create(
        body.name, body.kind, url=body.url, secret=body.secret, to=body.to
    )
    return call.created(MadeReceiverView(receiver_view(made), secret), f"/api/v1/alerts/receivers/{made.id}")


@receivers.get(
    "/receivers/{receiver_id}",
    permission=Permission.ALERT_READ,
    name="receivers.get",
    answers=ReceiverView,
)
async def get_receiver(call: Calling, here: ReceiverHere) -> Response:
    """One receiver."""
    return call.answer(receiver_view(here.receiver))


@receivers.patch(
    "/receivers/{receiver_id}",
    permission=Permission.ALERT_WRITE,
    name="receivers.update",
    answers=ReceiverView,
    status=204,
    problems=(404, 409),
)
async def update_receiver(call: Calling, here: ReceiverHere, body: ReceiverChange) -> Response:
    """Change a receiver. What waits for one that is disabled is cancelled when it is due."""
    changed = await here.services.receivers.change(
        here.receiver, name=body.name, url=body.url, to=body.to, enabled=body.enabled
    )
    return call.done(receiver_view(changed), "updated")


@receivers.delete(
    "/receivers/{receiver_id}", permission=Permission.ALERT_WRITE, name="receivers.delete", status=204
)
async def delete_receiver(call: Calling, here: ReceiverHere) -> Response:
    """Remove a receiver, and what was to be told to it."""
    await here.services.receivers.delete(here.receiver)
    return call.done(None, "deleted")


@receivers.post(
    "/receivers/{receiver_id}/secret",
    permission=Permission.ALERT_WRITE,
    name="receivers.rotate",
    answers=MadeReceiverView,
    shown_once=("secret",),
    problems=(404,),
)
async def rotate_secret(call: Calling, here: ReceiverHere, body: SecretChange | None = None) -> Response:
    """Give a webhook a new secret, which is shown in this answer only. For a day the old one signs as well."""
    secret = await here.services.receivers.rotate(here.receiver, None if body is None else body.secret)
    return call.answer(MadeReceiverView(receiver_view(here.receiver), secret), "updated")


@receivers.post(
    "/receivers/{receiver_id}/test",
    permission=Permission.ALERT_WRITE,
    name="receivers.test",
    answers=DeliveryView,
    status=202,
    problems=(404, 409),
)
async def test_receiver(call: Calling, here: ReceiverHere) -> Response:
    """Send it something. The answer names the delivery, which tells what comes of it."""
    delivery = await here.services.receivers.test(here.receiver, call.principal.label)
    location = f"{call.options.root_path}/api/v1/alerts/deliveries/{delivery.id}"
    return call.answer(delivery_view(delivery), "accepted", status=202, headers={"Location": location})


@receivers.get(
    "/deliveries",
    permission=Permission.ALERT_READ,
    name="deliveries.list",
    answers=DeliveryView,
    is_list=True,
)
async def list_deliveries(
    call: Calling,
    everywhere: Everywhere,
    page: Paging,
    receiver_id: Annotated[Id | None, Query(description="Only those to this receiver.")] = None,
    status: Annotated[DeliveryStatus | None, Query(description="Only these.")] = None,
) -> Response:
    """What was told within 30 days, or is to be, newest first."""
    read = [
        delivery
        for services in everywhere
        for delivery in await services.receivers.deliveries(
            receiver_id, status, limit=page.wanted, before=page.after
        )
    ]
    part, meta = page.newest(read, lambda delivery: delivery.id)
    return call.answer([delivery_view(delivery) for delivery in part], "listed", meta=meta, count=len(part))


@receivers.get(
    "/deliveries/{delivery_id}",
    permission=Permission.ALERT_READ,
    name="deliveries.get",
    answers=DeliveryView,
)
async def get_delivery(call: Calling, here: DeliveryHere) -> Response:
    """What has become of a delivery."""
    return call.answer(delivery_view(here.delivery))


@receivers.post(
    "/deliveries/{delivery_id}/retry",
    permission=Permission.ALERT_WRITE,
    name="deliveries.retry",
    answers=DeliveryView,
    status=204,
    problems=(404, 409),
)
async def retry_delivery(call: Calling, here: DeliveryHere) -> Response:
    """Try a delivery again that has failed or was cancelled."""
    return call.done(delivery_view(await here.services.receivers.resend(here.delivery)))


@receivers.put(
    "/notices/{job_id}",
    permission=Permission.JOB_WRITE,
    name="notices.put",
    answers=NoticeView,
    status=204,
    reach=Reach.QUEUE,
    problems=(404,),
)
async def put_notice(call: Calling, here: JobHere, body: Notice) -> Response:
    """Tell receivers when a job ends, or at once where it has ended; these take the place of those named before."""
    found = await here.services.receivers.notify(here.job.id, body.receivers)
    return call.done(NoticeView(here.job.id, [receiver.name for receiver in found]), "updated")
