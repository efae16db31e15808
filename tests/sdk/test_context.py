from __future__ import annotations

import asyncio
import threading
from datetime import timedelta

import pytest

from taskforge.domain.errors import Conflict, InvalidInput, InvalidPayload
from taskforge.domain.log_level import LogLevel
from taskforge.sdk.codec import decode
from taskforge.sdk.context import Context, current_job, find_current_job, use_context
from taskforge.sdk.outcomes import Cancel, Dead, Retry, Snooze, TaskOutcome
from tests.sdk.fakes import FakeRecorder, a_context


def test_log_lines() -> None:
    recorder = FakeRecorder()
    log = a_context(recorder).log
    log.trace("t")
    log.debug("d")
    log.info("page done", page=3, message="m", self=1)
    log.warning("w")
    log.warning(ValueError("odd"))
    log.error("e")
    assert recorder.lines == [
        (LogLevel.TRACE, "t", None),
        (LogLevel.DEBUG, "d", None),
        (LogLevel.INFO, "page done", {"page": 3, "message": "m", "self": 1}),
        (LogLevel.WARN, "w", None),
        (LogLevel.WARN, "odd", None),
        (LogLevel.ERROR, "e", None),
    ]


def test_signs_of_life() -> None:
    recorder = FakeRecorder()
    context = a_context(recorder)
    context.progress(1, 100, "page 1")
    context.progress(5)
    context.heartbeat()
    assert [decode(text) for text in recorder.shown] == [
        {"done": 1, "total": 100, "message": "page 1"},
        {"done": 5, "total": None, "message": ""},
    ]
    assert recorder.beats == 1
    assert not context.cancelled
    recorder.cancelled = True
    assert context.cancelled


@pytest.mark.parametrize("done", [-1, float("nan"), "1", True])
def test_progress_is_a_number(done: float) -> None:
    with pytest.raises(InvalidInput, match="done must be a number"):
        a_context().progress(done, 10)


class TestState:
    def test_an_untouched_state_costs_nothing(self) -> None:
        assert a_context(state='{"page": 3}').take_state() is None

    def test_changes_are_taken_once(self) -> None:
        context = a_context(state='{"page":3,"seen":[1]}')
        assert context.state.get("page", 0) == 3
        assert context.take_state() is None
        context.state["page"] = 4
        assert context.take_state() == '{"page":4,"seen":[1]}'
        assert context.take_state() is None
        context.state["seen"].append(2)
        assert context.take_state() == '{"page":4,"seen":[1,2]}'
        del context.state["seen"]
        context.state.update(a=1)
        assert context.take_state() == '{"page":4,"a":1}'
        assert dict(context.state) == {"page": 4, "a": 1}

    def test_what_is_not_json_is_refused_at_once(self) -> None:
        context = a_context()
        with pytest.raises(InvalidPayload, match=r"state\.it is of type object"):
            context.state["it"] = object()
        with pytest.raises(InvalidPayload, match="keys of state must be texts"):
            context.state[5] = 1  # type: ignore[index]
        assert len(context.state) == 0
        context.state["all"] = []
        context.state["all"].append(float("nan"))
        with pytest.raises(InvalidPayload, match=r"state\.all\[0\] is NaN"):
            context.take_state()

    def test_many_threads_see_one_state(self) -> None:
        context = a_context()
        states: list[int] = []
        threads = [threading.Thread(target=lambda: states.append(id(context.state))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(states)) == 1


class TestCurrentJob:
    def test_outside_of_a_job(self) -> None:
        assert find_current_job() is None
        with pytest.raises(Conflict, match="outside of a running job"):
            current_job()

    def test_it_nests_and_ends(self) -> None:
        outer, inner = a_context(), a_context()
        with use_context(outer) as entered:
            assert entered is outer
            with use_context(inner):
                assert current_job() is inner
            assert current_job() is outer
        assert find_current_job() is None

    def test_concurrent_tasks_have_their_own(self) -> None:
        async def one(context: Context) -> bool:
            with use_context(context):
                await asyncio.sleep(0.001)
                return current_job() is context

        async def many() -> list[bool]:
            return await asyncio.gather(*(one(a_context()) for _ in range(20)))

        assert all(asyncio.run(many()))


class TestOutcomes:
    def test_retry(self) -> None:
        assert Retry().after is None
        assert Retry(30).after == 30.0
        outcome = Retry(after=timedelta(minutes=1), reason="busy")
        assert (outcome.after, outcome.reason, str(outcome)) == (60.0, "busy", "busy")

    def test_others(self) -> None:
        assert Snooze(timedelta(seconds=5)).seconds == 5.0
        assert Cancel("why").reason == "why"
        assert str(Dead("why")) == "why"
        for outcome in (Retry(), Snooze(1), Cancel("x"), Dead("x")):
            assert isinstance(outcome, TaskOutcome)

    @pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), 1e12, "5"])
    def test_nonsense(self, seconds: float) -> None:
        with pytest.raises(InvalidInput):
            Retry(seconds)
        with pytest.raises(InvalidInput):
            Snooze(seconds)
