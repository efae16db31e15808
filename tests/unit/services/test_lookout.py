"""What the heartbeat of an idle worker takes along, and that it never comes to harm by it."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID, uuid4

import pytest

from taskforge.domain.errors import InvalidInput, Unavailable
from taskforge.domain.ids import QueueId, WorkerId
from taskforge.domain.worker import TaskUsage, Usage
from taskforge.ports.jobs import Beat, BeatAnswer, Outlook, Question
from taskforge.services import lookout as lookout_module
from taskforge.services.beating import Beating
from taskforge.services.lookout import ALONE_SECONDS, Lookout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskforge.domain.worker import Incidents
    from taskforge.ports.jobs import IdleBeat

pytestmark = pytest.mark.anyio

ME = WorkerId(UUID(int=1))
ANSWER = BeatAnswer(frozenset(), frozenset(), drain=False)
QUESTION = Question("here", 5, 6)
SAMPLE = Usage(1.0, 2, 3.0)


class Store:
    """Notes what it is told, and refuses what comes along when it is told to."""

    def __init__(self) -> None:
        self.said: list[Any] = []
        self.refuses: Exception | None = None

    async def beat(
        self, worker_id: WorkerId, beats: Sequence[Beat], lease_us: int, incidents: Incidents | None = None
    ) -> BeatAnswer:
        self.said.append("beat")
        return ANSWER

    async def outlook(
        self, machine: str, silence_us: int, soon_us: int = 0, beat: IdleBeat | None = None
    ) -> Outlook:
        assert beat is not None
        assert beat.worker_id == ME
        self.said.append((machine, beat.usage))
        if self.refuses is not None:
            raise self.refuses
        no = False
        return Outlook(no, no, no, no, no, no, no, no, [], answer=ANSWER)

    async def note_usage(self, worker_id: WorkerId, usage: Usage) -> None:
        self.said.append(usage)


class Scene:
    """A worker whose heartbeat beats when it is asked, in a thread of its own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.store = Store()
        self.lookout = Lookout(lambda: self.now)
        self.beating = Beating(cast("Any", self.store), cast("Any", self.store), ME, 1, self.lookout)
        self.is_idle = True
        self.in_hand: Sequence[Beat] = ()
        self.leave = self.beating.attend(lambda: self.is_idle, self.beat_in_thread)

    def beat_in_thread(self) -> None:
        threading.Thread(target=lambda: asyncio.run(self.beat()), daemon=True).start()

    async def beat(self, usage: Usage | None = None) -> None:
        try:
            await self.beating.beat(self.in_hand, None, usage)
        except Unavailable:
            return


@pytest.fixture
def here() -> Scene:
    return Scene()


async def test_an_idle_worker_s_heartbeat_brings_the_answer(here: Scene) -> None:
    outlook = await here.lookout.ask(QUESTION)
    assert outlook is not None
    assert outlook.answer == ANSWER
    assert here.store.said == [("here", None)]


async def test_nobody_is_asked_who_has_jobs_in_hand_or_has_left(here: Scene) -> None:
    here.is_idle = False
    assert await here.lookout.ask(QUESTION) is None
    here.is_idle = True
    here.leave()
    assert await here.lookout.ask(QUESTION) is None
    assert here.store.said == []


async def test_a_heartbeat_that_has_jobs_by_now_is_alone_in_its_statement(here: Scene) -> None:
    here.in_hand = [Beat(uuid4(), 1, uuid4(), False, False, None, None)]
    assert await here.lookout.ask(QUESTION) is None
    assert here.store.said == ["beat"]


async def test_a_sample_goes_with_the_heartbeat_unless_jobs_were_run(here: Scene) -> None:
    await here.beat(SAMPLE)
    assert here.store.said == [("", SAMPLE)]
    here.store.said.clear()
    with_tasks = Usage(1.0, 2, 3.0, [TaskUsage(QueueId(uuid4()), "t", 1, 1, 1, 1)])
    await here.beat(with_tasks)
    assert here.store.said == ["beat", with_tasks]


async def test_what_is_refused_costs_no_heartbeat_and_is_left_behind_for_a_while(here: Scene) -> None:
    here.store.refuses = InvalidInput("a sample that does not fit")
    await here.beat(SAMPLE)
    assert here.store.said == [("", SAMPLE), "beat", SAMPLE]
    here.store.refuses = None
    here.store.said.clear()
    assert await here.lookout.ask(QUESTION) is None
    assert here.store.said == []
    here.now += ALONE_SECONDS
    assert await here.lookout.ask(QUESTION) is not None


async def test_a_heartbeat_that_fails_gives_the_question_back(here: Scene) -> None:
    here.store.refuses = Unavailable("away")
    assert await here.lookout.ask(QUESTION) is None


async def test_one_that_does_not_come_is_not_waited_for(here: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookout_module, "PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr(here, "beat_in_thread", lambda: None)
    here.leave()
    here.beating.attend(lambda: True, lambda: None)
    assert await here.lookout.ask(QUESTION) is None
    assert here.lookout.take() is None, "nobody wants it any more"
