"""Writing to a pipe or a terminal that nobody reads takes no time; what is read is in order, and says what it lacks."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import re
import sys
import threading
import time
import warnings
from typing import TYPE_CHECKING, TextIO

import pytest

from taskforge.runtime import standard_streams
from taskforge.runtime.standard_streams import KEPT_BYTES, PatientStream, never_blocking

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LINE = "x" * 999 + "\n"


class Pipe:
    """Both ends of a pipe; the stream is the one to write to."""

    def __init__(self) -> None:
        self.reading, writing = os.pipe()
        self.raw: TextIO = open(writing, "w", encoding="utf-8")  # noqa: SIM115, PTH123
        self.stream = PatientStream(self.raw)

    def read_all(self) -> str:
        """What comes until nothing more does for a while after the writer is gone."""
        parts = []
        os.set_blocking(self.reading, False)
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                parts.append(os.read(self.reading, 1 << 16))
            except BlockingIOError:
                if self.stream._writer is None:
                    break
                time.sleep(0.005)
        return b"".join(parts).decode()


@pytest.fixture(params=["opened anew", "polled"])
def pipe(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipe]:
    if request.param == "polled":
        monkeypatch.setattr(standard_streams, "_not_waiting", lambda descriptor: (descriptor, False))
    pipe = Pipe()
    yield pipe
    os.close(pipe.reading)
    if (writer := pipe.stream._writer) is not None:
        writer.join(60)  # it must not write to what has the number of a closed descriptor next
    if pipe.stream._descriptor != pipe.raw.fileno():
        os.close(pipe.stream._descriptor)
    with contextlib.suppress(BrokenPipeError):
        pipe.raw.close()


def test_what_is_read_at_once_is_written_at_once_and_whole(pipe: Pipe) -> None:
    print("one line", file=pipe.stream)
    assert os.read(pipe.reading, 100) == b"one line\n"
    print("a beginning", end="", file=pipe.stream)
    pipe.stream.flush()
    assert os.read(pipe.reading, 100) == b"a beginning"
    pipe.stream.writelines(["ü\n", "and more\n"])
    assert os.read(pipe.reading, 100) == "ü\nand more\n".encode()


def test_nobody_reads_and_nobody_waits(pipe: Pipe) -> None:
    before = time.monotonic()
    lines = 3 * KEPT_BYTES // len(LINE)
    for number in range(lines):
        pipe.stream.write(f"{number} {LINE}")
    assert time.monotonic() - before < 20
    assert len(pipe.stream._kept) <= KEPT_BYTES
    text = pipe.read_all()
    found = re.search(r"\n\[taskforge: ([\d,]+) bytes were not written: nobody read\]\n$", text)
    assert found
    numbers = [int(line.split()[0]) for line in text[: found.start()].splitlines()]
    assert numbers == list(range(len(numbers))), "the first lines, whole and in order"
    whole = sum(len(f"{number} {LINE}") for number in range(lines))
    assert found.start() + int(found[1].replace(",", "")) == whole
    print("again", file=pipe.stream)
    assert os.read(pipe.reading, 100) == b"again\n"


def test_many_threads_write_whole_lines(pipe: Pipe) -> None:
    def write(name: int) -> None:
        for number in range(200):
            pipe.stream.write(f"{name} {number} {'y' * 50}\n")

    threads = [threading.Thread(target=write, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = [line.split() for line in pipe.read_all().splitlines()]
    assert len(lines) == 800
    for name in range(4):
        assert [int(line[1]) for line in lines if line[0] == str(name)] == list(range(200))


def test_a_reader_that_has_gone_is_no_error(pipe: Pipe) -> None:
    os.close(pipe.reading)
    print("for nobody", file=pipe.stream)
    print("at all", file=pipe.stream)
    pipe.reading = os.open(os.devnull, os.O_RDONLY)


def test_closing_waits_for_a_reader_but_not_for_ever(pipe: Pipe) -> None:
    pipe.stream.write(LINE * 200)
    before = time.monotonic()
    pipe.stream.close()
    assert time.monotonic() - before < 20
    assert len(pipe.read_all()) == 200 * len(LINE)


def test_a_child_of_a_fork_begins_with_nothing_kept(pipe: Pipe) -> None:
    pipe.stream.write(LINE * 200)
    assert pipe.stream._kept
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of forks with threads, which is what is tested
        pid = os.fork()
    if pid == 0:
        pipe.stream.write("of the child\n")
        os._exit(0 if not pipe.stream._kept.startswith(b"x") else 1)
    assert os.waitpid(pid, 0)[1] == 0


def test_only_what_may_block_is_replaced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pipe = Pipe()
    with (tmp_path / "file").open("w") as file:
        monkeypatch.setattr(sys, "stdout", file)
        monkeypatch.setattr(sys, "stderr", pipe.raw)
        with never_blocking():
            assert sys.stdout is file
            assert isinstance(sys.stderr, PatientStream)
            handler = logging.StreamHandler()
            handler.emit(logging.LogRecord("n", logging.INFO, "p", 1, "told", None, None))
            assert os.read(pipe.reading, 100) == b"told\n"
            os.close(sys.stderr._descriptor)
        assert id(sys.stderr) == id(pipe.raw)
        monkeypatch.setattr(sys, "stderr", None)
        monkeypatch.setattr(sys, "stdout", io.StringIO())
        with never_blocking():
            assert sys.stderr is None
            assert isinstance(sys.stdout, io.StringIO)
    os.close(pipe.reading)
    os.close(pipe.stream._descriptor)
    pipe.raw.close()
