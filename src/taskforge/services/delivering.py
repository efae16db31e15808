"""Carrying out deliveries: jobs of our own, claimed, tried and settled as any other, in whichever process comes first.

A try ends well when the receiver has taken the message; else the job's retry policy says when it comes again. A
process that dies in between leaves a lease that runs out: the message comes again, under the same id.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from taskforge.domain.access import system
from taskforge.domain.delivery import DELIVER, QUEUE, TRY_SECONDS
from taskforge.domain.errors import DeliveryFailed, ForbiddenAddress, QueueClosed, TaskforgeError
from taskforge.domain.outcome import Cancelled, ErrorReport, Failed, Released, Report, Succeeded
from taskforge.domain.receiver import ReceiverKind, mail_text, slack_body, webhook_body
from taskforge.domain.webhook import signed_headers
from taskforge.ports.acting import acting
from taskforge.ports.outbound import Mail
from taskforge.ports.workers import Subscription

if TYPE_CHECKING:
    from collections.abc import Callable

    from taskforge.domain.delivery import Delivery
    from taskforge.domain.ids import ProjectId
    from taskforge.domain.outcome import Outcome
    from taskforge.domain.receiver import Secrets
    from taskforge.ports.alerts import NoticeStore, ReceiverStore
    from taskforge.ports.link import Attempt
    from taskforge.ports.outbound import Mailer, Poster
    from taskforge.services.direct_link import DirectLink

ROOM = 16
"""So many tries go on at once in one project."""
LOOK_SECONDS = 1.0
ROUND = 500
"""Notices of so many jobs are written down before deliveries go on."""
LEASE_SECONDS = 2 * TRY_SECONDS
TOO_MANY, GONE, AWAY = 429, 410, 503
COURIER = system("deliveries")

logger = logging.getLogger("taskforge.deliveries")


class Delivering:
    """``link_of`` is the link of a worker of one project; ``now`` tells the time that requests are signed with."""

    def __init__(
        self,
        store: ReceiverStore,
        link_of: Callable[[ProjectId], DirectLink],
        poster: Callable[[], Poster],
        mailer: Callable[[], Mailer],
        now: Callable[[], float],
        notices: NoticeStore,
    ) -> None:
        self._notices = notices
        self._store = store
        self._link_of = link_of
        self._poster = poster
        self._mailer = mailer
        self._now = now

    async def round(self) -> int:
        """Try all that is due, of all projects; answers how many tries there were. Raises Unavailable.

        What is to be told of jobs that have ended is written down before.
        """
        outlook = await self._store.outlook()
        told = 0
        if outlook.has_ends:
            with acting(COURIER):
                try:
                    told = await self._notices.tell_ended(ROUND)
                except QueueClosed as error:
                    logger.warning("what is to be told of jobs that have ended waits: %s", error.message)
        if not (told or outlook.has_due):
            return 0
        projects = await self._store.projects_due()
        with acting(COURIER):
            return sum(await asyncio.gather(*(self._serve(project_id) for project_id in projects)))

    async def _serve(self, project_id: ProjectId) -> int:
        link = self._link_of(project_id)
        await link.resume(Subscription(QUEUE, [QUEUE], [DELIVER], {}))
        tried = 0
        running: dict[asyncio.Task[Report], Attempt] = {}
        try:
            while True:
                if len(running) < ROOM:
                    for attempt in (await link.claim(ROOM - len(running), 1)).attempts:
                        running[asyncio.create_task(self._attempt(project_id, attempt))] = attempt
                        tried += 1
                if not running:
                    return tried
                done, _ = await asyncio.wait(
                    running, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                if done:
                    await link.settle([task.result() for task in done])
                    for task in done:
                        del running[task]
        finally:
            if running:  # the process ends: what is under way is handed back
                for task in running:
                    task.cancel()
                await asyncio.wait(running)
                released = [Report(a.job.execution_id, Released(), 0, 0) for a in running.values()]
                await asyncio.shield(link.settle(released))

    async def _attempt(self, project_id: ProjectId, attempt: Attempt) -> Report:
        began = time.monotonic()
        outcome = await self._outcome(project_id, attempt)
        return Report(attempt.job.execution_id, outcome, 0, round((time.monotonic() - began) * 1e6))

    async def _outcome(self, project_id: ProjectId, attempt: Attempt) -> Outcome:
        try:
            delivery = await self._store.delivery(project_id, attempt.job.id)
            if delivery is None:
                return Cancelled("the receiver is gone")
            if delivery.delivered_at is not None:  # and whoever delivered it could not say so
                return Succeeded()
            receiver = await self._store.receiver(project_id, delivery.receiver_id)
            secrets = await self._store.secrets(project_id, delivery.receiver_id)
            if receiver is None or secrets is None or not receiver.enabled:
                return Cancelled("the receiver is disabled")
            try:
                async with asyncio.timeout(TRY_SECONDS):
                    answer = await self._send(delivery, secrets)
            except (DeliveryFailed, ForbiddenAddress, TimeoutError) as error:
                return await self._failed(project_id, delivery, error)
            await self._store.note_try(project_id, delivery.id, answer, is_delivered=True)
            return Succeeded()
        except TaskforgeError as error:
            return Failed(ErrorReport(type(error).__name__, error.message))
        except Exception as error:  # a defect of ours is no reason to lose what is to be told
            return Failed(ErrorReport(type(error).__name__, "the delivery could not be tried"))

    async def _failed(
        self,
        project_id: ProjectId,
        delivery: Delivery,
        error: DeliveryFailed | ForbiddenAddress | TimeoutError,
    ) -> Outcome:
        if isinstance(error, TimeoutError):
            error = DeliveryFailed(f"not taken within {TRY_SECONDS:g} s")
        await self._store.note_try(project_id, delivery.id, error.message, is_delivered=False)
        report = ErrorReport(type(error).__name__, error.message)
        if isinstance(error, ForbiddenAddress):
            return Failed(report, final=True)
        return Failed(report, retry_after=error.retry_after, final=error.final)

    async def _send(self, delivery: Delivery, secrets: Secrets) -> str:
        """What the receiver said to it. Raises DeliveryFailed, ForbiddenAddress."""
        if delivery.receiver_kind is ReceiverKind.EMAIL:
            subject, text = mail_text(delivery.message)
            await self._mailer().send(Mail(secrets.to, subject, text, str(delivery.id)))
            return "taken by the mail server"
        headers = {"content-type": "application/json"}
        if delivery.receiver_kind is ReceiverKind.SLACK:
            body = slack_body(delivery.message)
        else:
            body = webhook_body(delivery.message)
            now = self._now()
            headers |= signed_headers(secrets.signing(now), str(delivery.id), int(now), body)
        answer = await self._poster().post(secrets.url or "", body, headers)
        if not answer.is_good:
            wait = answer.retry_after if answer.status in (TOO_MANY, AWAY) else None
            raise DeliveryFailed(f"HTTP {answer.status}", retry_after=wait, final=answer.status == GONE)
        return f"HTTP {answer.status}"
