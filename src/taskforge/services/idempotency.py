"""Doing once what is asked for several times under one Idempotency-Key.

The ids of the jobs that a request makes are fixed before it is carried out, and accepting is idempotent by id: so a
repeat of one whose end nobody saw goes on where that one was, and makes nothing twice. Of any other request it is noted
in the transaction of its change that it was carried out, and its answer is kept.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from taskforge.domain.errors import (
    AnswerLost,
    IdempotencyKeyReused,
    RequestInProgress,
    TaskforgeError,
    Unavailable,
)
from taskforge.domain.job import Submitted
from taskforge.ports.acting import only_once
from taskforge.ports.requests import Way

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from taskforge.ports.requests import Answer, KnownRequest, RequestKey, RequestStore, Standing

LOCK_SECONDS = 10.0
"""Longer than accepting may take: then a request that is not answered yet was given up."""
KEEP_SECONDS = 86_400.0
PATIENCE_SECONDS = 60.0
"""Beyond the lock, for the answer of what is carried out already: a schedule that is triggered may take so long."""


@dataclass(slots=True)
class Attempt:
    """One try at a request. ``is_repeat``: an earlier one may have stored what it asks for already.

    ``submitted`` is what it made: known beforehand if it ``is_replay`` of one that was answered.
    """

    first_id: UUID
    is_repeat: bool = False
    is_replay: bool = False
    submitted: Sequence[Submitted] | None = None

    def minting(self) -> Callable[[], UUID]:
        """The ids of what the request makes, in order."""
        return _counted_up(self.first_id).__next__

    def own(self, count: int) -> Sequence[Submitted]:
        """All of it, if no job stood in the way of another."""
        return _submitted(self.first_id, {}, count)


@dataclass(slots=True)
class Exchange:
    """A request that is carried out now, or ``is_replay`` of one that was answered, and its answer."""

    answer: Answer | None = None
    is_replay: bool = False


class Idempotency:
    """For all organizations. ``mint`` gives new ids."""

    def __init__(self, store: RequestStore, mint: Callable[[], UUID]) -> None:
        self._store = store
        self._mint = mint

    @contextlib.asynccontextmanager
    async def once(self, request: RequestKey, count: int) -> AsyncIterator[Attempt]:
        """Carry out a request for ``count`` jobs in the block, which leaves what it made in ``submitted``.

        Raises RequestInProgress, IdempotencyKeyReused.
        """
        way = Way(request, self._mint())
        first_id = await self._begin(way)
        if first_id is None:
            yield await self._replay(request, count)
            return
        attempt = Attempt(first_id, is_repeat=first_id != way.attempt_id)
        async with self._ending(way, TaskforgeError):
            yield attempt
        if attempt.submitted is not None:
            with contextlib.suppress(Unavailable):  # it is done; a repeat finds it by its ids
                await self._store.complete(way, _standing(first_id, attempt.submitted))

    @contextlib.asynccontextmanager
    async def alike(self, request: RequestKey, *refusals: type[Exception]) -> AsyncIterator[Exchange]:
        """Carry out any request in the block, which leaves its answer in ``answer``; ``refusals`` have changed nothing.

        Raises RequestInProgress, IdempotencyKeyReused, AnswerLost.
        """
        way = Way(request, self._mint())
        if await self._begin(way) is None:
            yield await self._exchange(request)
            return
        exchange = Exchange()
        async with self._ending(way, TaskforgeError, *refusals):
            with only_once(way):
                yield exchange
        if exchange.answer is not None:
            with contextlib.suppress(Unavailable):  # it is done, and a repeat is told so
                await self._store.keep(way, exchange.answer)

    async def _begin(self, way: Way) -> UUID | None:
        return await self._store.begin(
            way.request, way.attempt_id, round(LOCK_SECONDS * 1e6), round(KEEP_SECONDS * 1e6)
        )

    @contextlib.asynccontextmanager
    async def _ending(self, way: Way, *refusals: type[Exception]) -> AsyncIterator[None]:
        """What becomes of the key of a request that ends with an error."""
        try:
            yield
        except Unavailable:
            with contextlib.suppress(Unavailable):  # then the lock runs out by itself
                await self._store.release(way)
            raise
        except refusals:
            await self._store.forget(way)
            raise

    async def _exchange(self, request: RequestKey) -> Exchange:
        known = await self._known(request)
        if known.answer is not None:
            return Exchange(known.answer, is_replay=True)
        if known.carried_out is not None and known.is_lost:
            raise AnswerLost(
                f"this request was carried out ({known.carried_out}), but what it was answered with is lost",
                hint="look at what it has made; ask for more under another Idempotency-Key",
            )
        raise _under_way()

    async def _replay(self, request: RequestKey, count: int) -> Attempt:
        known = await self._known(request)
        if known.standing is None:
            raise _under_way()
        submitted = _submitted(known.first_id, known.standing, count)
        return Attempt(known.first_id, is_replay=True, submitted=submitted)

    async def _known(self, request: RequestKey) -> KnownRequest:
        known = await self._store.find(request, round(PATIENCE_SECONDS * 1e6))
        if known is None:
            raise _under_way()
        if known.fingerprint != request.fingerprint:
            raise IdempotencyKeyReused(
                "this Idempotency-Key came with another request before",
                field="idempotency-key",
                hint="a new request needs a new key",
            )
        return known


def _under_way() -> RequestInProgress:
    return RequestInProgress("a request with this Idempotency-Key is under way", retry_after=1.0)


def _counted_up(first_id: UUID) -> Iterator[UUID]:
    """Ids that sort as they are given; the lowest 62 bits of ``first_id`` are random."""
    number = first_id.int
    while True:
        yield UUID(int=number)
        number += 1


def _standing(first_id: UUID, submitted: Sequence[Submitted]) -> Standing:
    own = _counted_up(first_id)
    return {
        place: job.id
        for place, (job, own_id) in enumerate(zip(submitted, own, strict=False))
        if job.id != own_id
    }


def _submitted(first_id: UUID, standing: Standing, count: int) -> Sequence[Submitted]:
    own = _counted_up(first_id)
    return [
        Submitted(standing.get(place, own_id), created=place not in standing)
        for place, own_id in zip(range(count), own, strict=False)
    ]
