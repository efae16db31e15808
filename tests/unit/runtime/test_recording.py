"""Errors made safe, lines numbered, stdlib logging captured."""

from __future__ import annotations

import asyncio
import io
import logging
import threading
from typing import TYPE_CHECKING

import pytest

from taskforge.domain.log_level import LogLevel
from taskforge.runtime.worker.failure import MAX_TRACEBACK_BYTES, error_report
from taskforge.runtime.worker.log_capture import LogCapture
from taskforge.runtime.worker.recorder import MAX_BUFFERED_LINES, AttemptRecorder

if TYPE_CHECKING:
    from tests.unit.runtime.fake_link import FakeLink
    from tests.unit.runtime.scene import Scene

pytestmark = pytest.mark.anyio

logger = logging.getLogger("shop.orders")


class Hostile(Exception):
    """An exception whose message cannot be read."""

    def __str__(self) -> str:
        raise RuntimeError("no message for you")


def test_an_error_whose_str_raises_is_reported() -> None:
    report = error_report(Hostile())
    assert report.type == "Hostile"
    assert "RuntimeError" in report.message


def test_long_messages_and_tracebacks_are_cut_and_made_storable() -> None:
    report = error_report(ValueError("\x00\ud800" + "x" * 200_000))
    assert len(report.message) == 10_000
    assert report.traceback is not None
    assert len(report.traceback.encode()) <= MAX_TRACEBACK_BYTES
    assert "\x00" not in report.message + report.traceback


async def test_tracebacks_begin_at_the_handler(link: FakeLink, scene: Scene) -> None:
    @scene.task
    async def job() -> None:
        raise ValueError("broken")

    link.add("job")
    async with scene.worker():
        await link.settled(1)
    trace = link.reports[0].outcome.error.traceback  # type: ignore[union-attr]
    assert trace is not None
    assert "test_recording.py" in trace
    assert "executor.py" not in trace


def test_lines_rise_across_threads_and_too_many_are_counted() -> None:
    recorder = AttemptRecorder()

    def write() -> None:
        for number in range(500):
            recorder.line(LogLevel.INFO, f"line {number}", None)

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorder.line(LogLevel.INFO, "  ", None)
    assert [line.seq for line in recorder.take_lines()] == list(range(1, 4001))
    for _ in range(MAX_BUFFERED_LINES + 5):
        recorder.line(LogLevel.INFO, "flood", None)
    lines = recorder.take_lines()
    assert lines[-1].message == "5 lines were dropped: too many at once"
    assert lines[-1].seq == 4001 + MAX_BUFFERED_LINES
    assert not recorder.has_lines


def test_signs_given_back_do_not_cover_newer_ones() -> None:
    recorder = AttemptRecorder()
    recorder.progress("1")
    old = recorder.take_signs()
    recorder.progress("2")
    recorder.give_back_signs(old)
    assert recorder.take_signs().progress == "2"
    assert not recorder.changed


async def test_stdlib_logging_of_jobs_is_captured(link: FakeLink, scene: Scene) -> None:
    root = logging.getLogger()
    former = root.level
    root.setLevel(logging.WARNING)

    @scene.task
    async def in_loop() -> None:
        logger.debug("too fine")
        logger.info("stock is %d", 3)
        logger.warning("low")
        logging.getLogger("taskforge.runtime").warning("ours")
        await asyncio.gather(child())

    async def child() -> None:
        logger.critical("x" * 20_000)

    @scene.task
    def in_thread() -> None:
        try:
            _ = 1 // 0
        except ZeroDivisionError:
            logger.exception("cannot divide")
        logger.info("")

    first, second = link.add("in_loop"), link.add("in_thread")
    try:
        async with scene.worker():
            await link.settled(2)
            logger.error("outside of a job")
        assert root.level == logging.WARNING
        assert not any(isinstance(handler, LogCapture) for handler in root.handlers)
    finally:
        root.setLevel(former)
    lines = {report.execution_id: report.lines for report in link.reports}
    assert [(line.level, line.message[:12]) for line in lines[first]] == [
        ("info", "stock is 3"),
        ("warn", "low"),
        ("error", "x" * 12),
    ]
    assert len(lines[first][2].message) == 10_000
    ((failure),) = lines[second]
    assert (failure.level, failure.message) == ("error", "cannot divide")
    assert failure.metadata is not None
    assert "ZeroDivisionError" in failure.metadata
    assert "shop.orders" in failure.metadata


def test_other_handlers_see_what_they_saw_before() -> None:
    root = logging.getLogger()
    former, stream = root.level, io.StringIO()
    root.setLevel(logging.WARNING)
    handler = logging.StreamHandler(stream)
    root.addHandler(handler)
    fine = logging.getLogger("shop.fine")
    fine.setLevel(logging.DEBUG)
    try:
        with LogCapture():
            logger.info("hidden")
            logger.warning("shown")
            fine.debug("asked for")
        logger.info("hidden again")
    finally:
        root.removeHandler(handler)
        root.setLevel(former)
        fine.setLevel(logging.NOTSET)
    assert stream.getvalue().split("\n") == ["shown", "asked for", ""]
    assert handler.filters == []


def test_warnings_still_reach_stderr_where_nothing_else_handles_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    stream = io.StringIO()
    last = logging.StreamHandler(stream)
    last.setLevel(logging.WARNING)
    monkeypatch.setattr(logging, "lastResort", last)
    with LogCapture():
        logger.info("quiet")
        logger.warning("loud")
    assert stream.getvalue() == "loud\n"
