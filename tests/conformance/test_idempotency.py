"""Requests under an Idempotency-Key: carried out once, wherever the one who carries them out dies."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from taskforge.domain.errors import (
    AnswerLost,
    Conflict,
    IdempotencyKeyReused,
    RequestInProgress,
    Unavailable,
)
from taskforge.domain.ids import DEFAULT_ORGANIZATION
from taskforge.domain.job import NewJob, Submitted
from taskforge.ports.requests import Answer, RequestKey
from taskforge.services.idempotency import KEEP_SECONDS, LOCK_SECONDS, PATIENCE_SECONDS, Attempt, Idempotency
from taskforge.storage.requests import SqlRequestStore
from taskforge.storage.retention import SqlRetentionStore

if TYPE_CHECKING:
    from taskforge.domain.queue import Queue
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio

REQUEST = RequestKey(DEFAULT_ORGANIZATION, UUID(int=5), "once", "a" * 64)


class Died(BaseException):
    """The process that carries out a request dies."""


def idempotency(stage: Stage) -> Idempotency:
    return Idempotency(SqlRequestStore(stage.engine), stage.mint)


async def store(stage: Stage, queue: Queue, attempt: Attempt, count: int) -> list[Submitted]:
    mint = attempt.minting()
    jobs = [NewJob(mint(), queue.id, "t", "{}") for _ in range(count)]
    await stage.jobs.accept_all(stage.project, jobs)
    return [Submitted(job.id, created=True) for job in jobs]


async def ask(
    stage: Stage,
    queue: Queue,
    request: RequestKey = REQUEST,
    count: int = 3,
    *,
    stores: bool = True,
    ends: BaseException | None = None,
) -> tuple[Attempt, list[UUID]]:
    """The request as a server carries it out; the ids that it answers with."""
    async with idempotency(stage).once(request, count) as attempt:
        if attempt.submitted is None:
            submitted = await store(stage, queue, attempt, count) if stores else None
            if ends is not None:
                raise ends
            attempt.submitted = submitted
    return attempt, [job.id for job in attempt.submitted or ()]


async def test_a_request_is_answered_alike_for_a_day(stage: Stage) -> None:
    queue = await stage.queue()
    first, ids = await ask(stage, queue)
    again, same = await ask(stage, queue)
    assert (first.is_replay, again.is_replay) == (False, True)
    assert ids == same == sorted(ids)
    with pytest.raises(IdempotencyKeyReused):
        await ask(stage, queue, REQUEST._replace(fingerprint="b" * 64))
    for other in (REQUEST._replace(key="other"), REQUEST._replace(principal_id=UUID(int=6))):
        attempt, others = await ask(stage, queue, other)
        assert not attempt.is_replay
        assert not set(others) & set(ids)
    stage.clock.advance(KEEP_SECONDS)
    attempt, later = await ask(stage, queue, REQUEST._replace(fingerprint="b" * 64))
    assert not attempt.is_repeat
    assert not set(later) & set(ids)


async def test_jobs_that_stand_for_others_are_answered_again(stage: Stage) -> None:
    standing = stage.mint()
    async with idempotency(stage).once(REQUEST, 2) as attempt:
        own = attempt.minting()()
        attempt.submitted = [Submitted(own, created=True), Submitted(standing, created=False)]
    async with idempotency(stage).once(REQUEST, 2) as attempt:
        assert attempt.submitted == [Submitted(own, created=True), Submitted(standing, created=False)]


async def test_one_that_is_refused_leaves_the_key_free(stage: Stage) -> None:
    for fingerprint in ("a" * 64, "b" * 64):
        with pytest.raises(Conflict, match="full"):
            async with idempotency(stage).once(REQUEST._replace(fingerprint=fingerprint), 1):
                raise Conflict("full")


@pytest.mark.parametrize("is_stored", [False, True])
async def test_a_repeat_of_one_that_died_makes_nothing_twice(stage: Stage, is_stored: bool) -> None:
    queue = await stage.queue()
    await stage.know("t")
    with pytest.raises(Died):
        await ask(stage, queue, count=2, stores=is_stored, ends=Died())
    with pytest.raises(RequestInProgress):  # who knows whether it is dead
        await ask(stage, queue, count=2)
    stage.clock.advance(LOCK_SECONDS)
    repeat, ids = await ask(stage, queue, count=2)
    assert (repeat.is_repeat, repeat.is_replay) == (True, False)
    assert ids == [job.id for job in repeat.own(2)]
    assert sorted(job.id for job in await stage.claim(queue)) == ids


async def test_one_whose_end_is_unknown_may_be_repeated_at_once(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    with pytest.raises(Unavailable):
        await ask(stage, queue, count=1, ends=Unavailable("the answer was lost"))
    repeat, ids = await ask(stage, queue, count=1)
    assert repeat.is_repeat
    assert [job.id for job in await stage.claim(queue)] == ids


async def test_keys_are_forgotten_when_their_day_is_over(stage: Stage) -> None:
    queue, requests = await stage.queue(), SqlRequestStore(stage.engine)
    await ask(stage, queue)
    stage.clock.advance(KEEP_SECONDS - 1)
    await SqlRetentionStore(stage.engine).forget_requests(1)
    assert await requests.find(REQUEST, 0) is not None
    stage.clock.advance(1)
    await SqlRetentionStore(stage.engine).forget_requests(1)
    assert await requests.find(REQUEST, 0) is None


async def test_any_request_is_answered_with_what_it_was_answered_with(stage: Stage) -> None:
    requests, answer = idempotency(stage), Answer(201, {"location": "/queues/1"}, "{}")
    async with requests.alike(REQUEST) as first:
        with pytest.raises(RequestInProgress):
            async with requests.alike(REQUEST):
                pass
        await stage.queue("made")
        first.answer = answer
    stage.clock.advance(LOCK_SECONDS + PATIENCE_SECONDS)
    async with requests.alike(REQUEST) as again:
        assert (again.is_replay, again.answer) == (True, answer)
    with pytest.raises(IdempotencyKeyReused):
        async with requests.alike(REQUEST._replace(fingerprint="b" * 64)):
            pass


async def carry_out(
    stage: Stage, *queues: str, ends: BaseException | None = None, pause: float = 0.0
) -> None:
    """A request that makes queues; it stops for so long before it does, and a repeat comes in between."""
    async with idempotency(stage).alike(REQUEST) as exchange:
        if pause:
            stage.clock.advance(pause)
            await carry_out(stage)
        for name in queues:
            await stage.queue(name)
        if ends is not None:
            raise ends
        exchange.answer = Answer(204, {}, "")


async def test_a_change_whose_answer_was_lost_is_not_made_again(stage: Stage) -> None:
    with pytest.raises(Died):
        await carry_out(stage, ends=Died())
    stage.clock.advance(LOCK_SECONDS)
    with pytest.raises(Died):  # nothing was changed: it is tried again
        await carry_out(stage, "made", ends=Died())
    stage.clock.advance(LOCK_SECONDS)
    with pytest.raises(RequestInProgress):  # who knows whether it is still to answer
        await carry_out(stage, "again")
    stage.clock.advance(PATIENCE_SECONDS)
    with pytest.raises(AnswerLost, match=r"queue\.create"):
        await carry_out(stage, "again")


async def test_what_a_request_changes_after_it_became_another_s_is_undone(stage: Stage) -> None:
    with pytest.raises(RequestInProgress):
        await carry_out(stage, "late", pause=LOCK_SECONDS)
    assert [queue.name for queue in await stage.queues.list(stage.project)] == []
    async with idempotency(stage).alike(REQUEST) as again:
        assert again.is_replay
