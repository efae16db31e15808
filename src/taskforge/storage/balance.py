"""The plans and turns of the queues whose gates a claim holds: read with the gates, written back at its end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from taskforge.domain.balancing import Plan
from taskforge.domain.queue import Strategy
from taskforge.domain.turns import Turns, kind_of
from taskforge.storage.codec import from_json, to_json
from taskforge.storage.engine import Many, columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskforge.domain.ids import QueueId
    from taskforge.ports.jobs import ClaimRequest
    from taskforge.storage.engine import Engine, Rows, Script

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Balance:
    """Which of the queues serve the claimer at all, and how much of each is its part."""

    def __init__(self, request: ClaimRequest, gates: Rows, engine: Engine) -> None:
        self._request = request
        self._turns: dict[QueueId, Turns] = {}
        self._gates: dict[QueueId, Any] = {}
        self._got: dict[QueueId, int] = {}
        self._kept: dict[QueueId, str] = {}
        self._foreseen: dict[QueueId, tuple[int, int, Turns, bool]] = {}
        self.unkept: list[tuple[QueueId, str]] = []
        self.ask_again_at: datetime | None = None
        served = set()
        for gate in gates:
            queue_id = engine.identity(gate["queue_id"])
            if gate["plan"] is None or self._plan(queue_id, gate):
                served.add(queue_id)
        self.served: frozenset[QueueId] = frozenset(served)

    def _plan(self, queue_id: QueueId, gate: Any) -> bool:
        """Whether the claimer is one of those that the queue's plan lets in."""
        plan, present = _plan(gate["plan"]), from_json(gate["present"]) or {}
        claimer = str(self._request.worker_id)
        name, _ = present.get(claimer, (None, 0))
        if name is None or plan.weight(name) is None:
            return False
        if plan.strategy is not Strategy.FIRST_FREE:
            kind = kind_of(tuple(self._request.job_types), tuple(self._request.needs))
            kept = from_json(gate["shares"])
            self._turns[queue_id] = Turns(plan, kept, present, claimer, kind, gate["now_us"])
            self._gates[queue_id] = gate
            self._kept[queue_id] = gate["shares"]
        return True

    @property
    def has_turns(self) -> bool:
        """Whether one of the queues divides its jobs among those who have room."""
        return bool(self._turns)

    def part(self, queue_id: QueueId, free: int) -> int:
        """How many jobs of a queue the claimer may take, of the ``free`` that it has room for."""
        turns = self._turns.get(queue_id)
        if turns is None or free <= 0:
            return free
        waiting = self._gates[queue_id]["waiting"]
        return turns.ask(free, free if waiting is None else waiting)  # None: nobody else has room

    def after(self, queue_id: QueueId, jobs: int, left: int) -> str | None:
        """What its gate has to keep when so many jobs are taken and so many slots are free then; None: nothing new."""
        turns = self._turns.get(queue_id)
        if turns is None:
            return None
        then, has_news = turns.after(jobs, left)
        self._foreseen[queue_id] = (jobs, left, then, has_news)
        self._kept[queue_id] = to_json(then.to_json())
        return self._kept[queue_id]

    def took(self, queue_id: QueueId, jobs: int) -> None:
        """Note how many it has taken."""
        self._got[queue_id] = jobs

    def close(self, left: int) -> Sequence[QueueId]:
        """Work out what has changed, and is ``unkept`` yet; answers the queues where others should look now."""
        news: list[QueueId] = []
        moments: list[int] = []
        for queue_id, turns in self._turns.items():
            got, foreseen = self._got.get(queue_id, 0), self._foreseen.get(queue_id)
            if foreseen is not None and foreseen[:2] == (got, left):  # it came as it was kept with the claim
                _, _, turns, has_news = foreseen
            else:
                has_news = turns.close(got, left)
                shares = to_json(turns.to_json())
                if shares != self._kept[queue_id]:
                    self.unkept.append((queue_id, shares))
            if has_news:
                news.append(queue_id)
            if left > 0 and turns.ask_again_at is not None:
                moments.append(turns.ask_again_at)
        if moments:
            self.ask_again_at = _EPOCH + timedelta(microseconds=min(moments))
        return news

    def keep(self) -> Script[None]:
        """Write back what is unkept, in one statement, at the gates that the caller holds."""
        if self.unkept:
            same = {"project_id": self._request.project_id}
            yield Many("put_shares", columns(("queue_id", "shares"), self.unkept), same)


@lru_cache(maxsize=256)
def _plan(text: str) -> Plan:
    return Plan.parse(from_json(text))
