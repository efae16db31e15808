"""Doing once what is asked for several times under one Idempotency-Key.

The ids of what a request makes are fixed before it is carried out, and accepting is idempotent by id: so a repeat of
one whose end nobody saw goes on where that one was, and makes nothing twice.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from taskforge.domain.errors import IdempotencyKeyReused, RequestInProgress, TaskforgeError, Unavailable
from taskforge.domain.job import Submitted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from taskforge.ports.requests import RequestKey, RequestStore, Standing

LOCK_SECONDS = 10.0
"""Longer than accepting may take: then a request that is not answered yet was given up."""
KEEP_SECONDS = 86_400.0


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
        fresh = self._mint()
        first_id = await self._store.begin(
            request, fresh, round(LOCK_SECONDS * 1e6), round(KEEP_SECONDS * 1e6)
        )
        if first_id is None:
            yield await self._replay(request, count)
            return
        attempt = Attempt(first_id, is_repeat=first_id != fresh)
        try:
            yield attempt
        except Unavailable:
            with contextlib.suppress(Unavailable):  # then the lock runs out by itself
                await self._store.release(request, first_id)
            raise
        except TaskforgeError:
            await self._store.forget(request, first_id)
            raise
        if attempt.submitted is not None:
            with contextlib.suppress(Unavailable):  # it is done; a repeat finds it by its ids
                await self._store.complete(request, first_id, _standing(first_id, attempt.submitted))

    async def _replay(self, request: RequestKey, count: int) -> Attempt:
        known = await self._store.find(request)
        if known is not None and known.fingerprint != request.fingerprint:
            raise IdempotencyKeyReused(
                "this Idempotency-Key came with another request before",
                field="idempotency-key",
                hint="a new request needs a new key",
            )
        if known is None or known.standing is None:
            raise RequestInProgress("a request with this Idempotency-Key is under way", retry_after=1.0)
        submitted = _submitted(known.first_id, known.standing, count)
        return Attempt(known.first_id, is_replay=True, submitted=submitted)


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
