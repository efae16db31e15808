"""What is heard of another process through the write-ahead log of a SQLite file."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest

from taskforge.coordination import wal
from taskforge.coordination.local import Hub
from taskforge.coordination.wal import WalSignals

if TYPE_CHECKING:
    from pathlib import Path

    from taskforge.ports.signals import Hint

pytestmark = pytest.mark.anyio

PATIENCE_SECONDS = 20.0


class File:
    """A log of one size, whose time goes in steps; what the writer says of it."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "file.db-wal"
        self.commits = 0
        self.seen = 0
        self.asked = 0
        self.log.write_bytes(b"x" * 100)
        os.utime(self.log, ns=(0, 0))

    def commit(self, at: int | None = None) -> int:
        """By another process; answers the time of the file, which may be that of the commit before."""
        self.commits += 1
        if at is None:
            self.log.touch()
        else:
            os.utime(self.log, ns=(at, at))
        return self.log.stat().st_mtime_ns

    def changed_by_others(self) -> bool:
        self.asked += 1
        changed = self.seen != self.commits
        self.seen = self.commits
        return changed


async def test_a_commit_in_the_same_step_of_the_file_s_time_is_heard_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wal, "STEP_SECONDS", 2.0)
    file = File(tmp_path)
    signals = WalSignals(Hub(), str(tmp_path / "file.db"), file.changed_by_others)
    heard: asyncio.Queue[Hint | None] = asyncio.Queue()
    leave = signals.subscribe(heard.put_nowait)
    step = file.commit()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await heard.get()
        file.commit(at=step)
        await heard.get()
    leave()
    await signals.close()


async def test_a_log_that_nobody_writes_to_is_not_asked_about(tmp_path: Path) -> None:
    def ask() -> bool:
        changed = file.changed_by_others()
        if file.asked == 2:
            twice.set()
        return changed

    file = File(tmp_path)
    twice = asyncio.Event()
    signals = WalSignals(Hub(), str(tmp_path / "file.db"), ask)
    leave = signals.subscribe(lambda hint: None)
    await asyncio.sleep(0.1)
    assert file.asked == 0
    file.commit()
    await asyncio.wait_for(twice.wait(), PATIENCE_SECONDS)
    await asyncio.sleep(0.2)
    assert file.asked == 2, "at once, and when the step is over"
    leave()
    await signals.close()
