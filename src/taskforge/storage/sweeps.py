"""What recovery asks of the jobs (a part of ``ports.jobs``) over SQL, and what is done while there is nothing to do."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

from taskforge.domain.keys import ConcurrencyKey
from taskforge.ports.jobs import Beat, BeatAnswer, Chore, ExpiredLease, Outlook, Overdue
from taskforge.storage.codec import process_of, to_json
from taskforge.storage.endings import note_endings
from taskforge.storage.engine import Engine, Many, One, columns
from taskforge.storage.keys import give_places
from taskforge.storage.settling import NOTHING_SETTLED

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from uuid import UUID

    from taskforge.domain.ids import ProjectId, WorkerId
    from taskforge.domain.worker import ProcessIdentity
    from taskforge.ports.jobs import ClaimRequest, IdleBeat
    from taskforge.storage.engine import Rows, Script

T = TypeVar("T")

_OVERDUE = {"due": "overdue_due", "late": "overdue_late", "held": "overdue_held"}

logger = logging.getLogger("taskforge.storage")


class SqlSweeps:
    """The half of a ``JobStore`` that recovery uses."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def rehearse(self, request: ClaimRequest) -> None:
        nothing = request._replace(free=0, suspects=0)
        await self._engine.rehearse([One("claim_jobs", nothing._asdict()), NOTHING_SETTLED])

    async def outlook(
        self, machine: str, silence_us: int, soon_us: int = 0, beat: IdleBeat | None = None
    ) -> Outlook:
        from taskforge.domain.delivery import QUEUE as DELIVERIES  # what enqueues does without it

        asked = {
            "machine": machine,
            "silence_us": silence_us,
            "soon_us": soon_us,
            "deliveries": DELIVERIES,
        }
        call = One("recovery_outlook", {**asked, **_told(beat)})
        if beat is None:
            rows = await self._engine.read(call)
        elif self._engine.dialect == "postgres":
            rows = await self._engine.call(call)
        else:
            rows = await self._engine.run(lambda: _beat_and_ask(call))
        found = rows[0]
        present = [_readable(row, self._present) for row in rows if row["id"] is not None]
        return Outlook(
            bool(found["expired_leases"]),
            bool(found["due"]),
            bool(found["late"]),
            bool(found["held"]),
            bool(found["unfinished_pauses"]),
            bool(found["silent_workers"]),
            bool(found["keyed"]),
            bool(found["has_breakers"]),
            [worker for worker in present if worker is not None],
            frozenset(chore for chore in Chore if found[chore]),
            found["configuration"],
            bool(found["ready"]),
            beat and BeatAnswer(frozenset(), frozenset(), found["drain"] is not None, found["capacity"]),
        )

    def _present(self, row: Any) -> tuple[WorkerId, ProcessIdentity]:
        return self._engine.identity(row["id"]), process_of(row)

    async def promote(
        self,
        project_id: ProjectId | None,
        limit: int,
        *,
        skip: Collection[UUID] = (),
        only: UUID | None = None,
        touched: set[ProjectId] | None = None,
    ) -> int:
        parameters = {"project_id": project_id, "limit": limit, "skip": list(skip), "only": only}
        return await self._let_go(await self._engine.call(One("promote_jobs", parameters)), touched)

    async def overdue(self, kind: Overdue, limit: int, *, skip: Collection[UUID] = ()) -> Sequence[UUID]:
        rows = await self._engine.read(One(_OVERDUE[kind], {"limit": limit, "skip": list(skip)}))
        ids = [_readable(row, lambda row: self._engine.identity(row["id"])) for row in rows]
        return [job_id for job_id in ids if job_id is not None]

    async def expired_leases(
        self, dead_workers: Sequence[WorkerId], after: UUID | None, limit: int
    ) -> Sequence[ExpiredLease]:
        """Rows that cannot be read are left out, and their places in the page filled with the next ones."""
        found: list[ExpiredLease] = []
        last: Any = after
        while len(found) < limit:
            wanted = limit - len(found)
            rows = await self._engine.read(
                One("expired_leases", {"dead_workers": dead_workers, "after": last, "limit": wanted})
            )
            leases = [_readable(row, self._expired) for row in rows]
            found += [lease for lease in leases if lease is not None]
            if len(rows) < wanted:
                break
            last = rows[-1]["id"]
        return found

    def _expired(self, row: Any) -> ExpiredLease:
        identity = self._engine.identity
        return ExpiredLease(
            job_id=identity(row["id"]),
            project_id=identity(row["project_id"]),
            queue_id=identity(row["queue_id"]),
            claim_seq=row["claim_seq"],
            execution_id=identity(row["execution_id"]),
            worker_id=identity(row["worker_id"]),
            attempt=row["attempt_count"],
            losses=row["losses"],
            max_attempts=row["max_attempts"],
            manual_retries=row["manual_retries"],
            cancel_requested=bool(row["cancel_requested"]),
            has_suspect_neighbour=bool(row["has_suspect_neighbour"]),
            concurrency_key=row["concurrency_key"],
            job_type=row["job_type"],
        )

    async def expire_waiting(
        self,
        limit: int,
        *,
        skip: Collection[UUID] = (),
        only: UUID | None = None,
        touched: set[ProjectId] | None = None,
    ) -> int:
        parameters = {"limit": limit, "skip": list(skip), "only": only}

        def script() -> Script[Rows]:
            rows = yield One("expire_waiting", parameters)
            yield from note_endings([self._engine.identity(row["id"]) for row in rows])
            return rows

        return await self._let_go(await self._engine.run(script), touched)

    async def release_holds(
        self,
        limit: int,
        *,
        skip: Collection[UUID] = (),
        only: UUID | None = None,
        touched: set[ProjectId] | None = None,
    ) -> int:
        parameters = {"limit": limit, "skip": list(skip), "only": only}
        return await self._let_go(await self._engine.call(One("release_holds", parameters)), touched)

    async def _let_go(self, rows: Rows, touched: set[ProjectId] | None) -> int:
        """Many waiting jobs were changed: those with a concurrency key may ask for places then, or have left some."""
        identity = self._engine.identity
        await self.give_places(
            {
                ConcurrencyKey(identity(row["project_id"]), row["concurrency_key"])
                for row in rows
                if row["concurrency_key"] is not None
            }
        )
        if touched is not None:
            touched.update(identity(row["project_id"]) for row in rows)
        return len(rows)

    async def give_places(self, keys: Collection[ConcurrencyKey]) -> int:
        return await self._engine.run(lambda: give_places(keys)) if keys else 0

    async def keys_out_of_step(
        self, after: ConcurrencyKey | None, limit: int
    ) -> tuple[Sequence[ConcurrencyKey], ConcurrencyKey | None]:
        project_id, key = (None, None) if after is None else after
        rows = await self._engine.read(
            One("keys_out_of_step", {"after_project": project_id, "after_key": key, "limit": limit})
        )
        page = [ConcurrencyKey(self._engine.identity(row["project_id"]), row["key"]) for row in rows]
        wrong = [key for key, row in zip(page, rows, strict=True) if row["out_of_step"]]
        return wrong, page[-1] if len(page) == limit else None


def _told(beat: IdleBeat | None) -> dict[str, Any]:
    usage, incidents = (None, None) if beat is None else (beat.usage, beat.incidents)
    return {
        "worker_id": beat and beat.worker_id,
        "incidents": None if incidents is None else to_json(asdict(incidents)),
        "cpu_percent": usage and usage.cpu_percent,
        "memory_bytes": usage and usage.memory_bytes,
        "memory_percent": usage and usage.memory_percent,
    }


def _beat_and_ask(call: One) -> Script[Rows]:
    """Where a statement can do one thing only."""
    yield Many("beat_jobs", columns(Beat._fields, ()), {**call.parameters, "lease_us": 0})
    if call.parameters["memory_bytes"] is not None:
        yield One("put_worker_sample", call.parameters)
    return (yield call)


def _readable(row: Any, read: Callable[[Any], T]) -> T | None:
    """What is read from a row; None for one that somebody has made unreadable: it must not stop the rest."""
    try:
        return read(row)
    except (TypeError, ValueError, AttributeError) as error:
        logger.error("the row of %s cannot be read and is left alone: %s", row["id"], error)
        return None
