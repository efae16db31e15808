"""What went wrong in this worker, counted; told to the platform with the next heartbeat."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from taskforge.domain.worker import Incidents

if TYPE_CHECKING:
    from taskforge.runtime.worker.running import Running

logger = logging.getLogger(__name__)


class Tally:
    """Leases and writes are counted on the worker's event loop, blocks of that loop by the heartbeat."""

    def __init__(self) -> None:
        self._leases_lost = 0
        self._stale_writes = 0
        self._loop_blocks = 0
        self._longest_block = 0.0
        self._loop_stack: str | None = None

    def refused(self, running: Running, what: str) -> None:
        """The platform took no notice of ``what``, because the execution is no longer this worker's."""
        self._stale_writes += 1
        self.lost(running, f"{what} changed nothing, another one may own it")

    def lost(self, running: Running, why: str) -> None:
        """The lease of an execution was lost; once for each."""
        if not running.lease_lost:
            running.lease_lost = True
            self._leases_lost += 1
            job = running.attempt.job
            logger.warning(
                "lease_lost: job %s (%s), execution %s: %s", job.id, job.job_type, job.execution_id, why
            )

    def blocked(self, stack: str) -> None:
        """The event loop has been held up for too long."""
        self._loop_blocks += 1
        self._loop_stack = stack

    def block_lasted(self, seconds: float) -> None:
        """How long it has been held up by now."""
        self._longest_block = max(self._longest_block, seconds)

    def incidents(self) -> Incidents:
        """The counts at present."""
        return Incidents(
            self._leases_lost,
            self._stale_writes,
            self._loop_blocks,
            round(self._longest_block * 1000),
            self._loop_stack,
        )
