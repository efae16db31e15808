"""Reports how attempts ended, and what running ones log, in batches.

While one batch is on its way the next one gathers: no delay is added, and the busier, the larger.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from taskforge.domain.errors import TooSlow, Unavailable
from taskforge.domain.outcome import Cancelled, ErrorReport, Failed, Report, Succeeded
from taskforge.domain.sentences import counted
from taskforge.runtime.backoff import Backoff
from taskforge.runtime.wakeup import Wakeup
from taskforge.runtime.worker.failure import said
from taskforge.runtime.worker.judge import RELEASED
from taskforge.sdk.secrets import SECRETS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from taskforge.domain.execution import LogLine
    from taskforge.domain.outcome import Outcome
    from taskforge.ports.jobs import FencedLine
    from taskforge.ports.link import Link
    from taskforge.runtime.worker.running import Running
    from taskforge.runtime.worker.slots import Slots
    from taskforge.runtime.worker.spans import Spans
    from taskforge.runtime.worker.tally import Tally

logger = logging.getLogger(__name__)

MAX_BATCH = 1000
MAX_LINES = 5000
LOG_INTERVAL = 0.5
TRIES_BEFORE_SPLIT = 2
PASSING = (Unavailable, OSError, TimeoutError)
"""Errors of the way, not of what is sent: trying again is all there is to do."""


class Reporter:
    """One task that settles and, at most every half second, sends the lines of running executions.

    It does one at a time, so that a line cannot be overtaken by the end of its execution.
    ``on_settled`` is told after each batch whether there may be work again because of it, ``on_lost``
    which running executions were found to be no longer ours, ``on_ended`` what is settled, and which of it is not ours.
    """

    def __init__(
        self,
        link: Link,
        slots: Slots,
        tally: Tally,
        on_settled: Callable[[bool], None],
        on_lost: Callable[[Sequence[Running]], None],
        on_ended: Callable[[Sequence[Running], frozenset[UUID]], None],
        spans: Spans | None = None,
    ) -> None:
        self._spans = spans
        self._link = link
        self._slots = slots
        self._tally = tally
        self._on_settled = on_settled
        self._on_lost = on_lost
        self._on_ended = on_ended
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Running] = deque()
        self._wakeup = Wakeup()
        self._is_idle = True
        self._log_timer: asyncio.TimerHandle | None = None
        self._log_is_due = False
        self._closing = False
        self._backoff = Backoff()
        self._log_backoff = Backoff(LOG_INTERVAL)

    def add(self, running: Running) -> None:
        """An attempt has come to its outcome."""
        self._waiting.append(running)
        if self._is_idle:
            self._is_idle = False
            self._wakeup.set()

    def watch_logs(self) -> None:
        """Handlers were started: look for their lines from now on."""
        if self._log_timer is None:
            self._watch_logs_in(LOG_INTERVAL)

    def _watch_logs_in(self, seconds: float) -> None:
        if not self._closing:
            self._log_timer = self._loop.call_later(seconds, self._log_time)

    async def run(self) -> None:
        """Report until ``close`` was called and nothing is left. Errors of the link never end it."""
        while True:
            if self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
                await self._settle(batch)
            elif self._log_is_due:
                await self._send_lines()
            elif self._closing:
                return
            else:
                self._is_idle = True
                await self._wakeup.wait()
                self._is_idle = False

    def close(self) -> None:
        """Let ``run`` end when all is reported."""
        self._closing = True
        if self._log_timer is not None:
            self._log_timer.cancel()
        self._wakeup.set()

    async def _settle(self, batch: Sequence[Running]) -> None:
        tries = 0
        reports = [report_of(running) for running in batch]
        while True:
            tries += 1
            try:
                with nullcontext() if self._spans is None else self._spans.settling(batch):
                    lost = await self._link.settle(reports)
            except PASSING as error:
                some = counted(len(reports), "ended job", "ended jobs")
                logger.warning("cannot report %s, trying again: %s", some, said(error))
                if isinstance(error, TooSlow) and tries >= TRIES_BEFORE_SPLIT and len(batch) > 1:
                    return await self._settle_halves(batch)
            except Exception:
                logger.exception("the platform refused a report of %d ended jobs", len(reports))
                if tries >= TRIES_BEFORE_SPLIT:
                    return await self._settle_alone(batch, reports)
            else:
                return self._settled(batch, lost)
            await asyncio.sleep(self._backoff.delay())

    async def _settle_halves(self, batch: Sequence[Running]) -> None:
        half = len(batch) // 2
        await self._settle(batch[:half])
        await self._settle(batch[half:])

    async def _settle_alone(self, batch: Sequence[Running], reports: Sequence[Report]) -> None:
        """One bad report must not stop the rest: halve the batch, and replace the one that is left."""
        if len(batch) > 1:
            return await self._settle_halves(batch)
        (running,), (report,) = batch, reports
        if report.lines or report.state is not None or isinstance(report.outcome, Succeeded):
            running.outcome = Failed(
                ErrorReport("ReportRefused", "how the attempt ended could not be stored")
            )
            running.recorder.forget()
            return await self._settle(batch)
        logger.error("job %s cannot be reported; its lease will run out", running.attempt.job.id)
        return self._settled(batch, frozenset())

    def _settled(self, batch: Sequence[Running], lost: frozenset[UUID]) -> None:
        self._backoff.reset()
        self._slots.settle(batch)
        for running in batch if lost else ():
            if running.attempt.job.execution_id in lost:
                self._tally.refused(running, "its report")
        self._on_settled(any(_leaves_work(running) for running in batch))
        self._on_ended(batch, lost)

    def _log_time(self) -> None:
        self._log_timer = None
        if self._slots.live:
            self._log_is_due = True
            if self._is_idle:
                self._wakeup.set()

    async def _send_lines(self) -> None:
        self._log_is_due = False
        taken: list[tuple[Running, tuple[LogLine, ...]]] = []
        lines: list[FencedLine] = []
        for running in tuple(self._slots.live):
            if running.recorder.has_lines and not running.reported and len(lines) < MAX_LINES:
                own = running.recorder.take_lines()
                taken.append((running, own))
                job = running.attempt.job
                lines.extend((job.id, job.claim_seq, job.execution_id, line) for line in own)
        pause = LOG_INTERVAL
        if lines:
            try:
                lost = await self._link.log(lines)
            except Exception as error:
                pause = self._log_backoff.delay()
                some = counted(len(lines), "log line, keeping it", "log lines, keeping them")
                logger.warning("cannot send %s: %s", some, said(error))
                for running, own in taken:
                    running.recorder.give_back_lines(own)
            else:
                self._log_backoff.reset()
                if lost:
                    self._lost([running for running, _ in taken if running.attempt.job.execution_id in lost])
        self._watch_logs_in(pause)

    def _lost(self, found: Sequence[Running]) -> None:
        ours = [running for running in found if not running.reported]
        for running in ours:
            self._tally.refused(running, "a line of its log")
        self._on_lost(ours)


def _leaves_work(running: Running) -> bool:
    """Whether its job, or another one that has lost a worker before, may be run next."""
    return type(running.outcome) is not Succeeded or running.attempt.job.losses > 0


def _without_secrets(outcome: Outcome) -> Outcome:
    """An error's message and traceback are written down for many to see."""
    match outcome:
        case Failed(error):
            trace = None if error.traceback is None else SECRETS.text(error.traceback)
            return replace(outcome, error=ErrorReport(error.type, SECRETS.text(error.message), trace))
        case Cancelled(cause):
            return Cancelled(SECRETS.text(cause))
        case _:
            return outcome


def report_of(running: Running) -> Report:
    """How an attempt ended, with what it has said since it was last asked."""
    started, finished = running.started, running.finished
    if started != started:  # not a number: it never began
        started = finished
    recorder, outcome = running.recorder, running.outcome or RELEASED
    return Report(
        running.attempt.job.execution_id,
        outcome if type(outcome) is Succeeded else _without_secrets(outcome),
        max(0, int((started - running.claimed) * 1_000_000)),
        max(0, int((finished - started) * 1_000_000)),
        recorder.take_lines(last=True),
        recorder.state,
        running.trace,
    )
