"""Claiming, running, reporting: what a worker does with a platform that is well and one that is not."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from taskforge.domain.errors import Conflict, Unavailable
from taskforge.domain.outcome import Cancelled, Failed, Released, Snoozed, Succeeded
from taskforge.sdk.context import Context, current_job
from taskforge.sdk.outcomes import Cancel, Dead, Retry, Snooze
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from tests.unit.runtime.fake_link import FakeLink
    from tests.unit.runtime.scene import Scene

pytestmark = pytest.mark.anyio


async def test_runs_async_and_thread_tasks_and_leaves(link: FakeLink, scene: Scene) -> None:
    @scene.task
    async def double(x: int) -> int:
        return x * 2

    @scene.task
    def whoami(ctx: Context, word: str) -> str:
        assert current_job() is ctx
        assert threading.current_thread() is not threading.main_thread()
        return f"{word} {ctx.task} {ctx.attempt}/{ctx.max_attempts}"

    first, second = link.add("double", '{"x": 4}'), link.add("whoami", '{"word": "hi"}')
    async with scene.worker() as worker:
        await link.settled(2)
        assert worker.id is not None
    assert link.outcomes() == {first: Succeeded("8"), second: Succeeded('"hi whoami 1/3"')}
    assert link.verbs[-1] == "leave"
    assert link.registration is not None
    assert [task.name for task in link.registration.tasks] == ["double", "whoami"]
    assert worker.in_hand == worker.running == 0


async def test_a_handler_knows_which_run_it_is(link: FakeLink, scene: Scene) -> None:
    @scene.task
    def name_it(ctx: Context) -> str:
        return str(ctx.execution_id)

    run = link.add("name_it", "{}")
    async with scene.worker():
        await link.settled(1)
    assert link.outcomes() == {run: Succeeded(f'"{run}"')}


async def test_a_taken_name_is_told_to_the_caller(link: FakeLink, scene: Scene) -> None:
    link.errors["register"].append(Conflict("the name is taken"))
    with pytest.raises(Conflict):
        await scene.worker().start()


async def test_never_more_than_concurrency_at_once_and_claims_what_is_free(
    link: FakeLink, scene: Scene
) -> None:
    inside = most = 0

    @scene.task
    async def job() -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0.001)
        inside -= 1

    for _ in range(200):
        link.add("job")
    async with scene.worker(concurrency=8):
        await link.settled(200)
    assert most == 8
    assert max(free for free, _, _ in link.claims) == 8
    assert all(isinstance(report.outcome, Succeeded) for report in link.reports)


async def test_attempts_in_hand_are_bounded_while_settling_hangs(link: FakeLink, scene: Scene) -> None:
    @scene.task
    async def job() -> None: ...

    for _ in range(100):
        link.add("job")
    link.settle_gate.clear()
    async with scene.worker(concurrency=5) as worker:
        await link.until(lambda: len(link.waiting) == 90)
        assert worker.in_hand == 10
        link.settle_gate.set()
        await link.settled(100)
    assert max(len(batch) for batch in link.batches) > 1


async def test_settles_gather_while_one_is_on_its_way(link: FakeLink, scene: Scene) -> None:
    @scene.task
    async def job() -> None: ...

    for _ in range(60):
        link.add("job")
    async with scene.worker(concurrency=30):
        await link.settled(60)
    assert len(link.batches) <= 6


async def test_an_empty_queue_is_left_alone_until_a_hint(link: FakeLink, scene: Scene) -> None:
    @scene.task
    async def job() -> None: ...

    async with scene.worker():
        await link.until(lambda: link.claims)
        link.add("job")
        link.hint()
        await link.settled(1)
        assert len(link.claims) == 2


async def test_asks_again_when_a_scheduled_job_is_due(link: FakeLink, scene: Scene) -> None:
    link.next_due_in = 0.02
    async with scene.worker():
        await link.until(lambda: len(link.claims) >= 3)


async def test_asks_again_after_the_poll_interval(link: FakeLink, scene: Scene) -> None:
    link.poll_interval = 0.02
    async with scene.worker():
        await link.until(lambda: len(link.claims) >= 3)


async def test_a_freed_slot_does_not_wait_for_long_jobs(link: FakeLink, scene: Scene) -> None:
    release = asyncio.Event()

    @scene.task
    async def long() -> None:
        await release.wait()

    @scene.task
    async def short() -> None: ...

    for _ in range(7):
        link.add("long")
    for _ in range(20):
        link.add("short")
    async with scene.worker(concurrency=8):
        await link.settled(20)
        release.set()


async def test_at_most_one_suspect_at_a_time(link: FakeLink, scene: Scene) -> None:
    inside = most = 0

    @scene.task
    async def job() -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0.001)
        inside -= 1

    for _ in range(5):
        link.add("job", losses=1)
    async with scene.worker():
        await link.settled(5)
    assert most == 1


@pytest.mark.parametrize("error", [Unavailable("away"), OSError("cut"), RuntimeError("odd")])
async def test_errors_of_every_call_are_survived(link: FakeLink, scene: Scene, error: Exception) -> None:
    @scene.task
    async def job(ctx: Context) -> None:
        ctx.log.info("hello")

    for verb in ("claim", "settle", "beat", "connect", "leave"):
        link.errors[verb].append(error)
    link.beat_interval = 0.02
    executions = [link.add("job") for _ in range(3)]
    async with scene.worker():
        await link.settled(3)
        await link.until(lambda: link.beats)
    assert set(link.outcomes()) == set(executions)
    assert all(len(report.lines) == 1 for report in link.reports)


async def test_claim_errors_are_not_retried_in_a_spin(link: FakeLink, scene: Scene) -> None:
    link.errors["claim"].extend(Unavailable("away") for _ in range(1000))
    async with scene.worker():
        await link.until(lambda: link.verbs.count("claim") >= 2)
        for _ in range(100):
            link.hint()
            await asyncio.sleep(0)
        assert link.verbs.count("claim") <= 3


async def test_one_refused_report_does_not_stop_the_others(link: FakeLink, scene: Scene) -> None:
    @scene.task
    async def job(x: int) -> int:
        return x

    bad = link.add("job", '{"x": 13}')
    good = [link.add("job", f'{{"x": {x}}}') for x in range(3)]
    taking = link.settle

    async def settle(reports: object) -> frozenset[object]:
        if any(report.outcome == Succeeded("13") for report in reports):  # type: ignore[attr-defined]
            raise ValueError("cannot store 13")
        return await taking(reports)  # type: ignore[arg-type]

    link.settle = settle  # type: ignore[method-assign, assignment]
    async with scene.worker():
        await link.settled(4)
    outcomes = link.outcomes()
    assert all(isinstance(outcomes[execution], Succeeded) for execution in good)
    refused = outcomes[bad]
    assert isinstance(refused, Failed)
    assert refused.error.type == "ReportRefused"


async def test_handlers_choose_their_outcome(link: FakeLink, scene: Scene) -> None:
    @scene.task
    async def choose(what: str) -> None:
        raise {
            "retry": Retry(after=7),
            "snooze": Snooze(30),
            "cancel": Cancel("no longer wanted"),
            "dead": Dead("hopeless"),
        }[what]

    ids = {
        what: link.add("choose", f'{{"what": "{what}"}}') for what in ("retry", "snooze", "cancel", "dead")
    }
    async with scene.worker():
        await link.settled(4)
    outcomes = {what: link.outcomes()[execution] for what, execution in ids.items()}
    assert outcomes["snooze"] == Snoozed(30)
    assert outcomes["cancel"] == Cancelled("no longer wanted")
    retry, dead = outcomes["retry"], outcomes["dead"]
    assert isinstance(retry, Failed)
    assert retry.retry_after == 7
    assert isinstance(dead, Failed)
    assert dead.final
    assert dead.error.message == "hopeless"


@pytest.mark.parametrize("in_thread", [False, True])
@pytest.mark.parametrize(
    "error", [ValueError("x"), SystemExit(3), KeyboardInterrupt(), GeneratorExit(), asyncio.CancelledError()]
)
async def test_whatever_a_handler_raises_is_a_failed_attempt(
    link: FakeLink, scene: Scene, error: BaseException, in_thread: bool
) -> None:
    async def in_loop() -> None:
        raise error

    def thread() -> None:
        raise error

    scene.task(thread if in_thread else in_loop)
    link.add("thread" if in_thread else "in_loop")
    async with scene.worker() as worker:
        await link.settled(1)
        assert worker.running == 0
    (report,) = link.reports
    assert isinstance(report.outcome, Failed)
    assert report.outcome.error.type == type(error).__name__


async def test_a_bad_payload_a_bad_result_and_an_unknown_task_fail_clearly(
    link: FakeLink, scene: Scene
) -> None:
    @scene.task
    async def job(x: int) -> object:
        return object()

    wrong, unstorable, unknown = link.add("job", '{"y": 1}'), link.add("job", '{"x": 1}'), link.add("nobody")
    async with scene.worker():
        await link.settled(3)
    outcomes = link.outcomes()
    types = {key: value.error.type for key, value in outcomes.items() if isinstance(value, Failed)}
    assert types == {wrong: "InvalidPayload", unstorable: "InvalidResult", unknown: "NotFound"}


async def test_a_result_has_a_limit(link: FakeLink, scene: Scene) -> None:
    @scene.task
    async def job(x: int) -> str:
        return "x" * x

    fits, too_long = link.add("job", '{"x": 8}'), link.add("job", '{"x": 9}')
    async with scene.worker(result_bytes=10):
        await link.settled(2)
    outcomes = link.outcomes()
    failed = outcomes[too_long]
    assert outcomes[fits] == Succeeded('"xxxxxxxx"')
    assert isinstance(failed, Failed)
    assert (failed.error.type, failed.error.message) == (
        "InvalidResult",
        "result is 11 bytes of JSON, the limit is 10",
    )


async def test_state_and_times_come_with_the_report(link: FakeLink, scene: Scene) -> None:
    @scene.task
    async def job(ctx: Context) -> None:
        ctx.state["page"] = 3
        await asyncio.sleep(0.02)
        raise ValueError("half way")

    link.add("job")
    async with scene.worker():
        await link.settled(1)
    (report,) = link.reports
    assert report.state == '{"page":3}'
    assert report.duration_us >= 15_000
    assert report.wait_us >= 0


async def test_lines_of_a_running_job_are_sent_while_it_runs(link: FakeLink, scene: Scene) -> None:
    release = asyncio.Event()

    @scene.task
    async def job(ctx: Context) -> None:
        ctx.log.info("one", number=1)
        await release.wait()
        ctx.log.error("two")

    link.errors["log"].append(Unavailable("away"))
    execution = link.add("job")
    async with scene.worker():
        await link.until(lambda: link.lines)
        release.set()
        await link.settled(1)
    ((sent_for, line),) = link.lines
    assert (sent_for, line.seq, line.level, line.message, line.metadata) == (
        execution,
        1,
        "info",
        "one",
        '{"number":1}',
    )
    assert [(line.seq, line.level, line.message) for line in link.reports[0].lines] == [(2, "error", "two")]


async def test_drain_waits_for_handlers(link: FakeLink, scene: Scene) -> None:
    entered, release = asyncio.Event(), asyncio.Event()

    @scene.task
    async def job() -> int:
        entered.set()
        await release.wait()
        return 1

    link.add("job")
    worker = scene.worker()
    async with worker:
        running = asyncio.create_task(worker.run_until_stopped())
        await entered.wait()
        worker.request_drain()
        await asyncio.sleep(0)
        link.add("job")
        link.hint()
        release.set()
        await running
    assert [report.outcome for report in link.reports] == [Succeeded("1")]
    assert len(link.waiting) == 1
    assert link.verbs[-1] == "leave"


async def test_drain_hands_back_what_does_not_end(link: FakeLink, scene: Scene) -> None:
    @scene.task
    async def sleeper() -> None:
        await asyncio.Event().wait()

    @scene.task
    def blocker() -> None:
        while True:
            threading.Event().wait(0.01)

    link.add("sleeper")
    link.add("blocker")
    async with scene.worker(grace=0.05) as worker:
        await link.until(lambda: worker.running == 2)
    assert [report.outcome for report in link.reports] == [Released(), Released()]


async def test_drain_leaves_a_stuck_handler_behind(link: FakeLink, scene: Scene) -> None:
    entered, release = asyncio.Event(), asyncio.Event()

    @scene.task
    async def stubborn() -> None:
        entered.set()
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    link.add("stubborn")
    async with scene.worker(grace=0.01, stop_grace=0.05) as worker:
        await entered.wait()
    assert [report.outcome for report in link.reports] == [Released()]
    assert worker.running == 1
    release.set()
    await link.until(lambda: True)


async def test_a_claim_that_arrives_during_the_drain_is_handed_back(link: FakeLink, scene: Scene) -> None:
    @scene.task
    async def job() -> None: ...

    link.add("job")
    link.claim_gate.clear()
    worker = scene.worker()
    await worker.start()
    await link.is_claiming.wait()
    asyncio.get_running_loop().call_soon(link.claim_gate.set)  # when it drains already
    await worker.drain()
    assert [report.outcome for report in link.reports] == [Released()]


async def test_the_platform_can_ask_for_a_drain(link: FakeLink, scene: Scene) -> None:
    link.drain = True
    link.beat_interval = 0.02
    worker = scene.worker()
    async with worker:
        async with asyncio.timeout(5):
            await worker.run_until_stopped()
    assert link.verbs[-1] == "leave"


async def test_the_platform_can_give_it_more_slots(link: FakeLink, scene: Scene) -> None:
    running, release = 0, threading.Event()

    @scene.task
    def job() -> None:
        nonlocal running
        running += 1
        release.wait(10)

    for _ in range(8):
        link.add("job")
    link.beat_interval = 0.02
    async with scene.worker(concurrency=2):
        await eventually(lambda: _is(running, 2))
        link.capacity = 5
        await eventually(lambda: _is(running, 5))
        release.set()
        await link.settled(8)


def _is(found: int, expected: int) -> None:
    assert found == expected
