"""Deliveries that go on for hours, on every database, by a clock that nobody waits for."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from taskforge.coordination.local import Hub, LocalSignals
from taskforge.domain.access import system
from taskforge.domain.alert_rule import RuleKind
from taskforge.domain.delivery import MOST_TRIES, DeliveryStatus
from taskforge.ports.acting import acting
from taskforge.ports.outbound import Answer
from taskforge.services.delivering import LEASE_SECONDS, Delivering
from taskforge.services.direct_link import DirectLink, LinkOptions
from taskforge.services.directory import QueueDirectory
from taskforge.storage.codec import retry_policy_of
from taskforge.storage.notices import SqlNoticeStore
from taskforge.storage.telling import Telling
from tests.conformance.test_alerts import Watch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taskforge.domain.delivery import Delivery
    from taskforge.domain.ids import ProjectId
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio


class Broken:
    """A receiver that answers 500, whatever it is told."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    async def check(self, url: str, field: str = "url") -> None:
        """It may be sent to."""

    async def post(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        seconds: float = 10.0,
        most_bytes: int = 65536,
    ) -> Answer:
        self.ids.append(headers["webhook-id"])
        return Answer(500, None)


async def test_a_receiver_that_answers_500_for_hours_is_tried_until_it_is_given_up(stage: Stage) -> None:
    watch, broken = Watch(stage), Broken()
    no_mail: Any = None
    began = stage.clock.time

    def link_of(project_id: ProjectId) -> DirectLink:
        return DirectLink(
            jobs=stage.jobs,
            workers=stage.workers,
            directory=QueueDirectory(stage.queues, project_id, retry_policy_of),
            signals=LocalSignals(Hub()),
            mint=stage.mint,
            options=LinkOptions(LEASE_SECONDS),
        )

    delivering = Delivering(
        watch.receivers,
        link_of,
        lambda: broken,
        lambda: no_mail,
        lambda: stage.clock.time.timestamp(),
        SqlNoticeStore(stage.engine, Telling(stage.jobs, stage.queues, stage.mint)),
    )

    async def delivery() -> Delivery:
        [found] = await watch.receivers.deliveries(stage.project, None, 9)
        return found

    with acting(system("test")):
        await watch.rule(RuleKind.QUEUE_LENGTH, [await watch.receiver()], threshold=0.0)
        queue = await stage.queue("mail")
        await stage.know("t")
        await stage.add(queue)
        await watch.look()
        tries = 0
        while (now := await delivery()).status is DeliveryStatus.WAITING:
            assert now.tries == tries
            if now.next_try_at is not None:
                assert now.next_try_at - stage.clock.time <= timedelta(hours=2)
                stage.clock.time = now.next_try_at
                await stage.recovery().sweep()
            tries += 1
            assert await delivering.round() == 1
            assert await delivering.round() == 0, "not before its time"
    assert (now.status, now.tries, now.last_answer) == (DeliveryStatus.FAILED, MOST_TRIES, "HTTP 500")
    assert broken.ids == [str(now.id)] * MOST_TRIES
    assert timedelta(hours=4) < stage.clock.time - began < timedelta(hours=16)
