"""Receivers of one project: to whom alerts and notices go, and what has been told to them."""

from __future__ import annotations

import secrets as randomness
from dataclasses import replace
from typing import TYPE_CHECKING

from taskforge.domain.alert_rule import check_alert_name
from taskforge.domain.delivery import DELIVER, QUEUE, DeliveryCause, DeliveryStatus
from taskforge.domain.errors import Conflict, InvalidInput, NotFound
from taskforge.domain.ids import JobId
from taskforge.domain.keys import MOST_NOTIFIED
from taskforge.domain.receiver import MOST_RECEIVERS, Message, ReceiverKind, Secrets, parse_receiver
from taskforge.domain.webhook import check_secret, new_secret
from taskforge.domain.worker import TaskDescription
from taskforge.ports.signals import Hint, Topic
from taskforge.services.directory import near

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.delivery import Delivery
    from taskforge.domain.receiver import Receiver
    from taskforge.ports.alerts import NoticeStore, ReceiverStore
    from taskforge.ports.outbound import Poster
    from taskforge.ports.signals import Signals
    from taskforge.ports.workers import WorkerStore
    from taskforge.services.control import Control
    from taskforge.services.directory import QueueDirectory

LISTED = 50
OVERLAP_SECONDS = 86400.0
"""For a day after a change the old secret signs as well."""


class Receivers:
    """Receivers are named by name or id. ``now`` is the clock of this process."""

    def __init__(
        self,
        store: ReceiverStore,
        workers: WorkerStore,
        directory: QueueDirectory,
        control: Control,
        signals: Signals,
        poster: Callable[[], Poster],
        now: Callable[[], datetime],
        notices: NoticeStore,
    ) -> None:
        self._notices = notices
        self._store = store
        self._workers = workers
        self._directory = directory
        self._control = control
        self._signals = signals
        self._poster = poster
        self._now = now
        self._project_id = directory.project_id

    async def list(self) -> Sequence[Receiver]:
        """All receivers by name."""
        return await self._store.receivers(self._project_id)

    async def find(self, receiver_id: UUID) -> Receiver | None:
        """One by id, None if there is none."""
        return await self._store.receiver(self._project_id, receiver_id)

    async def get(self, which: str | UUID) -> Receiver:
        """One of them. Raises NotFound."""
        found = await self.list()
        for receiver in found:
            if which in (receiver.name, str(receiver.id), receiver.id):
                return receiver
        raise NotFound(f"no receiver is named {which!r:.120}", hint=near(str(which), [r.name for r in found]))

    async def create(
        self,
        name: str,
        kind: ReceiverKind,
        *,
        url: str | None = None,
        secret: str | None = None,
        to: Sequence[str] | None = None,
    ) -> tuple[Receiver, str | None]:
        """A new receiver, and the secret of a webhook: shown here and never again.

        Raises Conflict, InvalidInput, ForbiddenAddress.
        """
        check_alert_name(name)
        address, kept = parse_receiver(
            kind,
            url=url,
            secret=secret,
            to=None if to is None else [*to],
            new_secret=lambda: new_secret(randomness.token_bytes),
        )
        if url is not None:
            await self._poster().check(url)
        description = TaskDescription(DELIVER, QUEUE, description="Tells a receiver about an alert or a job.")
        await self._workers.declare(self._project_id, [description])
        made = await self._store.create(self._project_id, name, kind, address, kept, MOST_RECEIVERS)
        if made is None:
            if len(await self.list()) >= MOST_RECEIVERS:
                raise Conflict(f"a project has at most {MOST_RECEIVERS} receivers")
            raise Conflict(f"a receiver named {name!r} exists already")
        return made, kept.secret

    async def change(
        self,
        receiver: Receiver,
        *,
        name: str | None = None,
        url: str | None = None,
        to: Sequence[str] | None = None,
        enabled: bool | None = None,
    ) -> Receiver:
        """Change what is given. Raises Conflict, InvalidInput, ForbiddenAddress, NotFound."""
        address, changed = receiver.address, None
        if url is not None or to is not None:
            kept = await self._secrets(receiver)
            address, parsed = parse_receiver(
                receiver.kind,
                url=url,
                to=None if to is None else [*to],
                new_secret=lambda: "",
            )
            if url is not None:
                await self._poster().check(url)
            changed = kept._replace(url=parsed.url, to=parsed.to)
        return await self._write(
            replace(
                receiver,
                name=receiver.name if name is None else check_alert_name(name),
                address=address,
                enabled=receiver.enabled if enabled is None else enabled,
            ),
            changed,
        )

    async def rotate(self, receiver: Receiver, secret: str | None = None) -> str:
        """A new secret for a webhook, shown here and never again; the old one signs beside it for a day."""
        if receiver.kind is not ReceiverKind.WEBHOOK:
            raise InvalidInput(f"a receiver of the kind {receiver.kind} has no secret", field="kind")
        new = new_secret(randomness.token_bytes) if secret is None else check_secret(secret)
        until = self._now().timestamp() + OVERLAP_SECONDS
        await self._write(receiver, (await self._secrets(receiver)).rotated(new, until))
        return new

    async def delete(self, receiver: Receiver) -> None:
        """Remove it; what was to be told to it is not told any more."""
        if not await self._store.delete(self._project_id, receiver.id):
            raise NotFound(f"no receiver has the id {receiver.id}")

    async def test(self, receiver: Receiver, by: str) -> Delivery:
        """Send it something. Raises QueueClosed."""
        moment = self._now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = f"A test of the receiver {receiver.name}: if you can read this, it works"
        message = Message("test", line, moment, {"receiver": receiver.name, "asked_by": by})
        [delivery_id] = await self._store.tell(self._project_id, [receiver.id], message, DeliveryCause.TEST)
        await self._announce()
        return await self.delivery(delivery_id)

    async def deliveries(
        self,
        receiver_id: UUID | None = None,
        status: DeliveryStatus | None = None,
        *,
        limit: int = LISTED,
        before: UUID | None = None,
    ) -> Sequence[Delivery]:
        """What was told, or is to be, within 30 days, newest first; ``before`` is the id to go on from."""
        return await self._store.deliveries(
            self._project_id, receiver_id, limit, status=status, before=before
        )

    async def find_delivery(self, delivery_id: UUID) -> Delivery | None:
        """One by id, None if there is none."""
        return await self._store.delivery(self._project_id, delivery_id)

    async def delivery(self, delivery_id: UUID) -> Delivery:
        """One of them. Raises NotFound."""
        found = await self.find_delivery(delivery_id)
        if found is None:
            raise NotFound(f"no delivery has the id {delivery_id}")
        return found

    async def notify(self, job_id: JobId, receivers: Sequence[str]) -> Sequence[Receiver]:
        """Tell these (by name or id) when the job ends, or at once where it has ended. Raises InvalidInput, NotFound."""
        if not 1 <= len(receivers) <= MOST_NOTIFIED:
            raise InvalidInput(f"1 to {MOST_NOTIFIED} receivers are told of a job", field="receivers")
        found = [await self.get(which) for which in receivers]
        await self._notices.put(self._project_id, job_id, [receiver.id for receiver in found])
        return found

    async def resend(self, delivery: Delivery) -> Delivery:
        """Try one again that has failed or was cancelled. Raises Conflict."""
        if delivery.status not in (DeliveryStatus.FAILED, DeliveryStatus.CANCELLED):
            raise Conflict(f"a delivery that is {delivery.status} cannot be sent again")
        await self._control.retry(JobId(delivery.id))
        await self._announce()
        return await self.delivery(delivery.id)

    async def _announce(self) -> None:
        queue = await self._directory.named(QUEUE)
        self._signals.publish(Hint(Topic.READY, self._project_id, queue.id))

    async def _secrets(self, receiver: Receiver) -> Secrets:
        kept = await self._store.secrets(self._project_id, receiver.id)
        if kept is None:
            raise NotFound(f"no receiver has the id {receiver.id}")
        return kept

    async def _write(self, receiver: Receiver, secrets: Secrets | None) -> Receiver:
        changed = await self._store.change(receiver, secrets)
        if changed is None:
            raise NotFound(f"no receiver has the id {receiver.id}")
        return changed
