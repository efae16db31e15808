"""What surrounds a handler, in the pools `async` and `thread`: order, cleaning up, and that nothing of it loses a job."""

from __future__ import annotations

import asyncio
import threading
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Annotated, Any

import pytest

from taskforge.domain.errors import InvalidInput
from taskforge.domain.outcome import Failed, Succeeded
from taskforge.runtime.worker import announcer
from taskforge.sdk.context import Context, current_job
from taskforge.sdk.dependencies import Depends
from taskforge.sdk.hooks import Hooks, JobEnded
from taskforge.sdk.outcomes import Retry
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.unit.runtime.fake_link import FakeLink
    from tests.unit.runtime.scene import Scene

pytestmark = pytest.mark.anyio

told: list[str] = []
places: set[tuple[str, int]] = set()
word: ContextVar[str] = ContextVar("word", default="none")


@pytest.fixture(autouse=True)
def nothing_told() -> None:
    told.clear()
    places.clear()


def here(name: str) -> None:
    told.append(name)
    places.add((name, threading.get_ident()))


def plain() -> str:
    here("plain")
    return "plain"


async def asynchronous(ctx: Context, below: Annotated[str, Depends(plain)]) -> str:
    assert current_job() is ctx
    here("async")
    return f"async({below})"


def generator(below: Annotated[str, Depends(plain)]) -> Iterator[str]:
    here("open")
    try:
        yield f"generator({below})"
    except Exception as error:
        told.append(f"saw {error}")
    finally:
        here("close")


async def asynchronous_generator() -> AsyncIterator[str]:
    here("aopen")
    try:
        yield "agenerator"
    finally:
        here("aclose")


async def around(ctx: Context, call_next: Any) -> Any:
    told.append("before")
    word.set("from the middleware")
    try:
        return await call_next(ctx)
    finally:
        told.append("after")


def hooks(*middleware: Any) -> Hooks:
    made = Hooks()
    for function in middleware:
        made.add_middleware(function)
    return made


@pytest.mark.parametrize("pool", ["async", "thread"])
async def test_the_order_is_middleware_dependencies_handler_and_back(
    link: FakeLink, scene: Scene, pool: str
) -> None:
    def handle(
        n: int,
        a: str = Depends(asynchronous),
        g: str = Depends(generator),
        h: str = Depends(asynchronous_generator),
    ) -> str:
        here("handler")
        return f"{n} {a} {g} {h} {word.get()}"

    async def ahandle(
        n: int,
        a: str = Depends(asynchronous),
        g: str = Depends(generator),
        h: str = Depends(asynchronous_generator),
    ) -> str:
        return handle(n, a, g, h)

    name = scene.task(ahandle if pool == "async" else handle).__name__
    run = link.add(name, '{"n": 1}')
    async with scene.worker(hooks=hooks(around)):
        await link.settled(1)
    assert link.outcomes() == {
        run: Succeeded('"1 async(plain) generator(plain) agenerator from the middleware"')
    }
    assert told == ["before", "plain", "async", "open", "aopen", "handler", "aclose", "close", "after"]
    loop = threading.get_ident()
    on_loop = {name for name, thread in places if thread == loop}
    elsewhere = {thread for _, thread in places if thread != loop}
    if pool == "async":
        assert not elsewhere
    else:
        assert on_loop == {"async", "aopen", "aclose"}
        assert len(elsewhere) == 1


@pytest.mark.parametrize("pool", ["async", "thread"])
async def test_a_generator_sees_the_failure_and_cannot_make_it_a_success(
    link: FakeLink, scene: Scene, pool: str
) -> None:
    def handle(g: str = Depends(generator)) -> None:
        raise ValueError("broken")

    async def ahandle(g: str = Depends(generator)) -> None:
        raise ValueError("broken")

    run = link.add(scene.task(ahandle if pool == "async" else handle).__name__, "{}")
    async with scene.worker():
        await link.settled(1)
    outcome = link.outcomes()[run]
    assert isinstance(outcome, Failed)
    assert outcome.error.type == "ValueError"
    assert told == ["plain", "open", "saw broken", "close"]


async def test_what_closing_raises_is_a_failed_attempt(link: FakeLink, scene: Scene) -> None:
    def committing() -> Iterator[None]:
        yield
        raise OSError("the commit did not come through")

    @scene.task
    async def handle(db: None = Depends(committing)) -> str:
        return "done"

    run = link.add("handle", "{}")
    async with scene.worker():
        await link.settled(1)
    outcome = link.outcomes()[run]
    assert isinstance(outcome, Failed)
    assert outcome.error.message == "the commit did not come through"


async def test_values_are_shared_within_an_attempt_only(link: FakeLink, scene: Scene) -> None:
    made: list[object] = []

    def make() -> object:
        made.append(object())
        return made[-1]

    @scene.task
    def handle(
        a: object = Depends(make), b: object = Depends(make), c: object = Depends(make, use_cache=False)
    ) -> list[bool]:
        return [a is b, a is c]

    runs = [link.add("handle", "{}"), link.add("handle", "{}")]
    async with scene.worker():
        await link.settled(2)
    assert [link.outcomes()[run] for run in runs] == [Succeeded("[true,false]")] * 2
    assert len(made) == 4


async def test_others_stand_in_for_dependencies(link: FakeLink, scene: Scene) -> None:
    async def fake() -> str:
        return "fake"

    @scene.task
    def handle(a: str = Depends(asynchronous), p: str = Depends(plain)) -> str:
        return f"{a} {p}"

    run = link.add("handle", "{}")
    own = Hooks()
    own.overrides[plain] = fake
    async with scene.worker(hooks=own):
        await link.settled(1)
    assert link.outcomes()[run] == Succeeded('"async(fake) fake"')


async def test_middleware_may_answer_itself_and_sees_what_is_raised(link: FakeLink, scene: Scene) -> None:
    async def skipping(ctx: Context, call_next: Any) -> Any:
        if ctx.task == "skipped":
            return "skipped"
        try:
            return await call_next(ctx)
        except KeyError as error:
            raise Retry(after=5) from error

    @scene.task
    async def skipped() -> str:
        raise AssertionError

    @scene.task
    def failing() -> str:
        raise KeyError("x")

    first, second, third = (link.add(name, "{}") for name in ("skipped", "failing", "failing"))
    wrong = link.add("failing", '{"unknown": 1}')
    async with scene.worker(hooks=hooks(around, skipping)):
        await link.settled(4)
    outcomes = link.outcomes()
    assert outcomes[first] == Succeeded('"skipped"')
    for run in (second, third):
        found = outcomes[run]
        assert isinstance(found, Failed)
        assert found.retry_after == 5
    refused = outcomes[wrong]
    assert isinstance(refused, Failed)
    assert refused.error.type == "InvalidPayload"


@pytest.mark.parametrize("error", [RuntimeError("middleware is broken"), SystemExit(3)])
@pytest.mark.parametrize("pool", ["async", "thread"])
async def test_an_error_of_middleware_is_a_failed_attempt(
    link: FakeLink, scene: Scene, pool: str, error: BaseException
) -> None:
    async def broken(ctx: Context, call_next: Any) -> Any:
        await call_next(ctx)
        raise error

    def handle() -> None: ...

    async def ahandle() -> None: ...

    name = scene.task(ahandle if pool == "async" else handle).__name__
    runs = [link.add(name, "{}"), link.add(name, "{}")]
    async with scene.worker(hooks=hooks(broken)):
        await link.settled(2)
    for run in runs:
        outcome = link.outcomes()[run]
        assert isinstance(outcome, Failed)
        assert outcome.error.type == type(error).__name__


@pytest.mark.parametrize("where", ["handler", "middleware"])
async def test_a_thread_is_stopped_at_its_timeout_and_cleans_up(
    link: FakeLink, scene: Scene, where: str
) -> None:
    async def waiting(ctx: Context, call_next: Any) -> Any:
        try:
            if where == "middleware":
                await asyncio.Event().wait()
            return await call_next(ctx)
        finally:
            told.append("after")

    @scene.task
    def endless(g: str = Depends(asynchronous_generator), p: str = Depends(generator)) -> None:
        while True:
            time.sleep(0.01)

    run = link.add("endless", "{}", timeout=0.3)
    async with scene.worker(hooks=hooks(waiting)) as worker:
        await link.settled(1)
        await eventually(lambda: "after" in told, 20)
        assert not worker.is_spent
    outcome = link.outcomes()[run]
    assert isinstance(outcome, Failed)
    assert outcome.timed_out
    assert ("close" in told) is (where == "handler")
    assert ("aclose" in told) is (where == "handler")


async def test_listeners_are_told_after_the_record_has_it(link: FakeLink, scene: Scene) -> None:
    heard: list[tuple[str, str | None, int, bool]] = []
    own = Hooks()

    def listen(event: JobEnded) -> None:
        settled = event.execution_id in link.outcomes()
        heard.append((event.name, event.error_type, event.attempt, settled))

    async def alisten(event: JobEnded) -> None:
        listen(event)

    for name in ("job.succeeded", "job.retrying", "job.failed"):
        own.listen(name, listen)
    own.listen("job.failed", alisten)

    @scene.task
    async def good() -> None: ...

    @scene.task
    async def bad() -> None:
        raise ValueError("no")

    link.add("good", "{}")
    link.add("bad", "{}")
    link.add("bad", "{}", attempt=3)
    async with scene.worker(hooks=own):
        await link.settled(3)
    assert sorted(heard, key=str) == [
        ("job.failed", "ValueError", 3, True),
        ("job.failed", "ValueError", 3, True),
        ("job.retrying", "ValueError", 1, True),
        ("job.succeeded", None, 1, True),
    ]


@pytest.mark.parametrize("error", [ZeroDivisionError(), SystemExit(1), asyncio.CancelledError()])
async def test_a_listener_that_fails_harms_nothing(
    link: FakeLink, scene: Scene, error: BaseException
) -> None:
    heard: list[str] = []
    own = Hooks()

    async def failing(event: JobEnded) -> None:
        raise error

    own.listen("job.succeeded", failing)
    own.listen("job.succeeded", lambda event: heard.append(event.task))

    @scene.task
    async def good() -> None: ...

    for _ in range(3):
        link.add("good", "{}")
    async with scene.worker(hooks=own):
        await link.settled(3)
    assert heard == ["good"] * 3


async def test_a_slow_listener_holds_up_nobody(
    link: FakeLink, scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(announcer, "MOST_WAITING", 5)
    own = Hooks()

    async def slow(event: JobEnded) -> None:
        await asyncio.Event().wait()

    own.listen("job.succeeded", slow)

    @scene.task
    async def good() -> None: ...

    for _ in range(50):
        link.add("good", "{}")
    async with scene.worker(hooks=own, stop_grace=0.05):
        await link.settled(50)
    assert "are not told any more" in caplog.text


def test_what_cannot_be_a_hook_is_refused() -> None:
    own = Hooks()
    with pytest.raises(InvalidInput, match=r"job\.done"):
        own.listen("job.done", print)
    with pytest.raises(InvalidInput, match="async function"):
        own.add_middleware(lambda ctx, call_next: call_next(ctx))
