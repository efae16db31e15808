"""The circuit breakers of one project: set, shown, opened and closed by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from taskforge.domain.bounds import check_job_type
from taskforge.domain.breaker import BreakerSettings, BreakerState, Turn, opened_by_hand
from taskforge.domain.errors import Conflict, InvalidInput, NotFound
from taskforge.domain.pause import check_words
from taskforge.ports.signals import Hint, Topic
from taskforge.services.directory import near

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.breaker import Breaker, Seen
    from taskforge.domain.ids import ProjectId
    from taskforge.ports.breakers import BreakerStore
    from taskforge.ports.signals import Signals
    from taskforge.services.breaking import Breaking
    from taskforge.services.payload_schemas import PayloadSchemas

TRIES = 5


class Sight(NamedTuple):
    """A breaker, and what it judges by now."""

    breaker: Breaker
    seen: Seen


def _unchecked(breaker: Breaker) -> None:
    pass


class Breakers:
    """Breakers by their id; ``named`` finds one by its type. ``tasks`` knows which types there are."""

    def __init__(
        self,
        store: BreakerStore,
        breaking: Breaking,
        tasks: PayloadSchemas,
        signals: Signals,
        project_id: ProjectId,
    ) -> None:
        self._store = store
        self._breaking = breaking
        self._tasks = tasks
        self._signals = signals
        self._project_id = project_id

    async def list(self) -> Sequence[Sight]:
        """All of the project by their types."""
        now = await self._store.now()
        return [await self._sight(breaker, now) for breaker in await self._store.list(self._project_id)]

    async def find(self, breaker_id: UUID) -> Breaker | None:
        """The breaker of this id."""
        return await self._store.get(self._project_id, breaker_id)

    async def see(self, breaker: Breaker) -> Sight:
        """What it judges by now."""
        return await self._sight(breaker, await self._store.now())

    async def named(self, job_type: str) -> Breaker:
        """The breaker of this type. Raises NotFound with the nearest types that have one."""
        found = {breaker.job_type: breaker for breaker in await self._store.list(self._project_id)}
        if job_type not in found:
            raise NotFound(f"no breaker is set for the type {job_type!r}", hint=near(job_type, list(found)))
        return found[job_type]

    async def create(self, job_type: str, values: Mapping[str, Any]) -> Breaker:
        """Give a type a breaker. Raises InvalidInput naming the field, Conflict when it has one."""
        settings = BreakerSettings.parse(values)
        check_job_type(job_type)
        await self._tasks.refresh()
        if not self._tasks.knows(job_type):
            raise InvalidInput(
                f"no worker has ever registered the job type {job_type!r}",
                field="job_type",
                hint=near(job_type, self._tasks.names()),
            )
        made = await self._store.create(self._project_id, job_type, settings)
        if made is None:
            raise Conflict(f"the type {job_type!r} has a breaker already", hint="change it")
        self._changed()
        return made

    async def change(
        self, breaker_id: UUID, values: Mapping[str, Any], *, check: Callable[[Breaker], None] = _unchecked
    ) -> Breaker:
        """Change settings; None goes back to the default. ``check`` may refuse what it sees. Raises InvalidInput, NotFound."""

        def change(breaker: Breaker) -> BreakerSettings:
            check(breaker)
            return breaker.settings.changed(values)

        after = await self._store.change(self._project_id, breaker_id, change)
        if after is None:
            raise _unknown(breaker_id)
        self._changed()
        return after

    async def delete(self, breaker_id: UUID, *, check: Callable[[Breaker], None] = _unchecked) -> Breaker:
        """Remove it; jobs that it held are handed out. Raises NotFound."""
        gone = await self._store.delete(self._project_id, breaker_id, check)
        if gone is None:
            raise _unknown(breaker_id)
        self._changed()
        await self._breaking.carry_out(gone)
        return gone.breaker

    async def open(
        self, breaker_id: UUID, *, reason: str | None = None, seconds: int | None = None
    ) -> Breaker:
        """Hand out no more jobs of the type: until it is closed, or for ``seconds``, and then probe.

        Raises InvalidInput, NotFound.
        """
        words = check_words(reason, "reason")
        return await self._turn(breaker_id, lambda _, now: opened_by_hand(words, now, seconds))

    async def close(self, breaker_id: UUID, *, reason: str | None = None) -> Breaker:
        """Hand out the jobs again, and count from here on. One that is closed stays as it is. Raises NotFound."""
        words = check_words(reason, "reason") or "closed by hand"

        def close(breaker: Breaker, now: datetime) -> Turn | None:
            return None if breaker.state is BreakerState.CLOSED else Turn(BreakerState.CLOSED, words)

        return await self._turn(breaker_id, close)

    async def _turn(self, breaker_id: UUID, wanted: Callable[[Breaker, datetime], Turn | None]) -> Breaker:
        for _ in range(TRIES):
            breaker = await self.find(breaker_id)
            if breaker is None:
                raise _unknown(breaker_id)
            turn = wanted(breaker, await self._store.now())
            if turn is None:
                return breaker
            after = await self._breaking.turn(breaker, turn)
            if after is not None:
                return after
        raise Conflict("this breaker changes too quickly", hint="try again")

    async def _sight(self, breaker: Breaker, now: datetime) -> Sight:
        return Sight(breaker, await self._breaking.see(breaker, now))

    def _changed(self) -> None:
        self._signals.publish(Hint(Topic.BREAKER, self._project_id))


def _unknown(breaker_id: UUID) -> NotFound:
    return NotFound(f"no breaker has the id {breaker_id}")
