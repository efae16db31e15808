"""A worker that was frozen past its lease wakes up, and is no longer the owner of anything."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.proof.history import Event, write
from tests.proof.stand import WORKER
from tests.support.freezing import freeze

if TYPE_CHECKING:
    from tests.proof.stand import Stand

pytestmark = [pytest.mark.anyio, pytest.mark.chaos]


async def test_who_wakes_up_late_writes_nothing(stand: Stand) -> None:
    await stand.enqueue("work", 2, seconds=1.0)
    await stand.enqueue("block", 2, seconds=1.0)
    sleeper = stand.fork(*WORKER, "--name", "sleeper")
    await stand.began(4)
    write(Event.FROZEN, file=stand.history, pid=sleeper)
    await freeze(sleeper, stand.url)
    other = stand.fork(*WORKER, "--name", "other")
    await stand.began(8)
    os.kill(sleeper, signal.SIGCONT)
    write(Event.WOKEN, file=stand.history, pid=sleeper)
    for worker in (sleeper, other):
        os.kill(worker, signal.SIGTERM)
        assert await stand.victims.end(worker) == 0, stand.said
    verdict = await stand.finish()
    assert verdict.violations == []
    assert verdict.losses == 4
    assert verdict.excused >= 1, "it did not wake up in the middle of its jobs"


async def test_a_signal_between_the_claim_and_the_handler_hands_the_job_back(stand: Stand) -> None:
    """SIGTERM while everything begins: either the job had not been taken, or it is given back."""
    await stand.enqueue("work", 3, seconds=0.5)
    worker = stand.fork(*WORKER, "--name", "hasty", "--grace", "0")
    await stand.came("hasty")
    os.kill(worker, signal.SIGTERM)
    assert await stand.victims.end(worker) == 0, stand.said
    verdict = await stand.finish()
    assert verdict.violations == []
    assert verdict.losses == 0
