"""The one writer of a process: commits in groups, keeps operations apart, respects other processes."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from taskforge.domain.errors import Conflict, TaskforgeError, Unavailable
from taskforge.storage.engine import One
from taskforge.storage.sqlite.connection import connect
from taskforge.storage.sqlite.engine import SqliteEngine
from taskforge.storage.sqlite.writer import Writer, _deliver, _Waiting
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.anyio


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = str(tmp_path / "file.db")
    connection = connect(path)
    connection.execute("CREATE TABLE numbers (n INTEGER PRIMARY KEY)")
    connection.close()
    return path


@pytest.fixture
def writer(file: str) -> Iterator[Writer]:
    writer = Writer(file, busy_timeout=2.0)
    yield writer
    writer.close()


def insert(number: int) -> Callable[[sqlite3.Connection], int]:
    def operation(connection: sqlite3.Connection) -> int:
        connection.execute("INSERT INTO numbers VALUES (?)", (number,))
        return number

    return operation


def stored(file: str) -> list[int]:
    connection = sqlite3.connect(file)
    try:
        return [row[0] for row in connection.execute("SELECT n FROM numbers ORDER BY n")]
    finally:
        connection.close()


def grouped(writer: Writer) -> None:
    """Have operations queue, as they do when commits are slow."""
    writer._seconds["test"] = 1.0


async def test_commits_are_durable(file: str) -> None:
    connection = connect(file)
    assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2, "FULL"
    assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert connection.execute("PRAGMA foreign_keys").fetchone()[0] == 1
    connection.close()


@pytest.mark.parametrize("together", [False, True])
async def test_each_gets_its_own_answer(writer: Writer, file: str, together: bool) -> None:
    if together:
        grouped(writer)
    answers = await asyncio.gather(*(writer.submit("test", insert(number)) for number in range(500)))
    assert answers == list(range(500))
    assert stored(file) == list(range(500))


@pytest.mark.parametrize("together", [False, True])
async def test_one_that_fails_does_not_undo_its_neighbours(writer: Writer, file: str, together: bool) -> None:
    if together:
        grouped(writer)

    def broken(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO numbers VALUES (1000)")
        raise TaskforgeError("no")

    def bug(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO numbers VALUES (2000)")
        raise KeyError("bug")

    results: tuple[Any, ...] = await asyncio.gather(
        writer.submit("test", insert(1)),
        writer.submit("test", broken),
        writer.submit("test", insert(1)),
        writer.submit("test", bug),
        writer.submit("test", insert(2)),
        return_exceptions=True,
    )
    assert results[0] == 1
    assert isinstance(results[1], TaskforgeError)
    assert isinstance(results[2], Conflict)
    assert isinstance(results[3], KeyError)
    assert results[4] == 2
    assert stored(file) == [1, 2]
    assert await writer.submit("test", insert(3)) == 3


async def test_it_waits_for_another_program_s_transaction(writer: Writer, file: str) -> None:
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.3, other.execute, ["COMMIT"])
    timer.start()
    before = time.monotonic()
    assert await writer.submit("test", insert(1)) == 1
    assert time.monotonic() - before >= 0.25
    timer.join()
    other.close()


async def test_it_does_not_wait_for_ever(file: str) -> None:
    writer = Writer(file, busy_timeout=0.2)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="locked"):
        await writer.submit("test", insert(1))
    other.execute("ROLLBACK")
    assert await writer.submit("test", insert(1)) == 1
    other.close()
    writer.close()


async def test_what_waits_is_written_before_it_closes(writer: Writer, file: str) -> None:
    grouped(writer)
    tasks = [asyncio.ensure_future(writer.submit("test", insert(number))) for number in range(100)]
    await asyncio.sleep(0)
    await asyncio.to_thread(writer.close)
    assert await asyncio.gather(*tasks) == list(range(100))
    assert stored(file) == list(range(100))
    with pytest.raises(Unavailable, match="closed"):
        await writer.submit("test", insert(1000))


async def test_several_event_loops_share_it(writer: Writer, file: str) -> None:
    def elsewhere(start: int) -> None:
        async def work() -> None:
            await asyncio.gather(*(writer.submit("test", insert(start + number)) for number in range(50)))

        asyncio.run(work())

    await asyncio.gather(*(asyncio.to_thread(elsewhere, start) for start in (0, 100, 200, 300)))
    assert len(stored(file)) == 200


async def test_loops_that_begin_at_the_same_moment_start_one_thread(
    writer: Writer, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class SlowToStart(threading.Thread):
        def start(self) -> None:
            started.append(self.name)
            time.sleep(0.05)
            super().start()

    started: list[str] = []
    grouped(writer)
    writer._in_use.acquire()
    loops = [
        threading.Thread(target=lambda number=number: asyncio.run(writer.submit("test", insert(number))))
        for number in range(4)
    ]
    monkeypatch.setattr(threading, "Thread", SlowToStart)
    for loop in loops:
        loop.start()

    def all_wait() -> None:
        assert len(writer._waiting) == 4, "nobody goes before those that wait for the connection"

    await eventually(all_wait)
    writer._in_use.release()
    for loop in loops:
        await asyncio.to_thread(loop.join)
    assert started.count("taskforge-sqlite-writer") == 1
    assert stored(file) == [0, 1, 2, 3]


async def test_one_that_fails_alone_is_told_why_though_another_program_takes_the_file(
    writer: Writer, file: str
) -> None:
    def takes_it(statement: str) -> None:
        if traced and traced[-1] == "ROLLBACK" and statement.startswith("BEGIN"):
            other.execute(statement)
        traced.append(statement)

    traced: list[str] = []
    await writer.submit("test", insert(1))
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    grouped(writer)
    writer.use(lambda connection: connection.set_trace_callback(takes_it))
    with pytest.raises(Conflict):
        await writer.submit("test", insert(1))
    other.close()
    assert await writer.submit("test", insert(2)) == 2


async def test_whatever_is_raised_the_thread_goes_on(writer: Writer) -> None:
    def bug(connection: sqlite3.Connection) -> None:
        connection.execute("ROLLBACK")
        raise KeyError("bug")

    grouped(writer)
    with pytest.raises(KeyError):
        async with asyncio.timeout(2):
            await writer.submit("test", bug)
    assert await writer.submit("test", insert(1)) == 1


async def test_a_loop_that_closes_just_then_keeps_no_answer_from_another() -> None:
    class ClosesJustThen(asyncio.SelectorEventLoop):
        def call_soon_threadsafe(self, *args: object, **kwargs: object) -> asyncio.Handle:
            self.close()
            raise RuntimeError("Event loop is closed")

    loops = ClosesJustThen(), asyncio.get_running_loop()
    group = [_Waiting("test", insert(1), None, loop, loop.create_future()) for loop in loops]
    _deliver(group, [1, 2])
    assert await asyncio.wait_for(group[1].future, 2) == 2


async def test_a_caller_that_went_away_does_not_stop_the_others(writer: Writer, file: str) -> None:
    grouped(writer)
    tasks = [asyncio.ensure_future(writer.submit("test", insert(number))) for number in range(20)]
    await asyncio.sleep(0)
    tasks[3].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[3], asyncio.CancelledError)
    assert len([found for found in results if isinstance(found, int)]) == 19


async def test_only_others_writing_counts_as_a_change(writer: Writer, file: str) -> None:
    writer.changed_by_others()
    await writer.submit("test", insert(1))
    assert writer.changed_by_others() is False
    other = sqlite3.connect(file)
    with other:
        other.execute("INSERT INTO numbers VALUES (5)")
    other.close()
    assert writer.changed_by_others() is True
    assert writer.changed_by_others() is False


async def test_who_reads_when_all_is_closed_is_told_so(file: str) -> None:
    engine = SqliteEngine(file)
    await engine.close()
    with pytest.raises(Unavailable, match="was closed"):
        await engine.read(One("has_deltas"))
