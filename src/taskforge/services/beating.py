"""How the heartbeats of one worker reach the record, and what those of an idle one take along.

An idle worker has no lease to lose. So its heartbeats carry the sample of its processor and memory, and ask what there is
to do, in one statement; those of a worker at work are alone in theirs, and a sample comes after.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from taskforge.domain.errors import TaskforgeError
from taskforge.ports.jobs import IdleBeat, Question
from taskforge.ports.link import BeatReply

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from taskforge.domain.ids import WorkerId
    from taskforge.domain.worker import Incidents, Usage
    from taskforge.ports.jobs import Beat, BeatAnswer, JobStore
    from taskforge.ports.workers import WorkerStore
    from taskforge.services.lookout import Errand, Lookout

logger = logging.getLogger("taskforge.link")


class Beating:
    """Without a ``lookout`` nothing is taken along."""

    def __init__(
        self,
        jobs: JobStore,
        workers: WorkerStore,
        worker_id: WorkerId,
        lease_us: int,
        lookout: Lookout | None,
    ) -> None:
        self._jobs = jobs
        self._workers = workers
        self._worker_id = worker_id
        self._lease_us = lease_us
        self._lookout = lookout

    def attend(self, is_idle: Callable[[], bool], beat: Callable[[], None]) -> Callable[[], None]:
        """From now on the process may ask this worker to beat while it is idle. Answers what ends it."""
        return (lambda: None) if self._lookout is None else self._lookout.attend(is_idle, beat)

    async def beat(
        self, beats: Sequence[Beat], incidents: Incidents | None, usage: Usage | None
    ) -> BeatReply:
        """One heartbeat. Raises what the record raises; a sample that it does not take is one less."""
        errand = None if self._lookout is None else self._lookout.take()
        try:
            answer = None
            if self._lookout is not None and not beats and (errand is not None or _is_alone(usage)):
                answer = await self._ask(self._lookout, errand, incidents, usage)
            if answer is not None and _is_alone(usage):
                usage = None
            if answer is None:
                answer = await self._jobs.beat(self._worker_id, beats, self._lease_us, incidents)
        finally:
            if errand is not None:
                errand.bring(None)  # unless it has its answer
        if usage is not None:
            with contextlib.suppress(TaskforgeError):
                await self._workers.note_usage(self._worker_id, usage)
        sent = frozenset(beat.execution_id for beat in beats)
        return BeatReply(answer.cancel, sent - answer.alive, answer.drain, answer.capacity)

    async def _ask(
        self, lookout: Lookout, errand: Errand | None, incidents: Incidents | None, usage: Usage | None
    ) -> BeatAnswer | None:
        """None: what was taken along was refused, so the heartbeat has to do without."""
        taken = IdleBeat(self._worker_id, incidents, usage if _is_alone(usage) else None)
        question = Question() if errand is None else errand.question
        try:
            outlook = await self._jobs.outlook(*question, beat=taken)
        except TaskforgeError as error:
            lookout.ask_alone()
            logger.warning("the heartbeat goes on without what it took along: %s", error)
            return None
        except BaseException:
            lookout.ask_alone()
            raise
        if errand is not None:
            errand.bring(outlook)
        return outlook.answer


def _is_alone(usage: Usage | None) -> bool:
    """Whether a sample is of the worker only: what its executions used has a statement of its own."""
    return usage is not None and not usage.tasks
