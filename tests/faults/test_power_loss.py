"""The power goes: of a SQLite file there is what was synced, and every job that was accepted is in it."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from taskforge.storage.address import parse_address
from tests.faults.accepting import JOBS

if TYPE_CHECKING:
    from tests.support.processes import Processes

pytestmark = pytest.mark.chaos

ROOT = Path(__file__).parents[2]
CALL = re.compile(r"(?P<thread>\d+) +(?P<name>\w+)\(\d+<(?P<path>[^>]*)>(?:, (?P<rest>.*))?")
RESUMED = re.compile(r"(?P<thread>\d+) +<\.\.\. (?P<name>fdatasync|fsync) resumed>")
OFFSET = re.compile(r", (\d+), (\d+)(?:\) += \d+| <unfinished)")


class Told(NamedTuple):
    """A job whose acceptance was told, and how much of the write-ahead log was on the disk at that moment."""

    job: str
    synced: int


def history(trace: str, log: str, told: str) -> list[Told]:
    """From what strace saw: the bytes of the log that were written before the last sync of it had begun."""
    written = synced = 0
    found: list[Told] = []
    under_way: dict[str, int] = {}
    for line in trace.splitlines():
        if resumed := RESUMED.match(line):
            synced = max(synced, under_way.pop(resumed["thread"], 0))
        if not (call := CALL.match(line)):
            continue
        is_log, rest = call["path"] == log, call["rest"] or ""
        if is_log and call["name"] == "pwrite64" and (place := OFFSET.search(rest)):
            written = max(written, int(place[1]) + int(place[2]))
        elif is_log and call["name"] in ("fdatasync", "fsync"):
            if "<unfinished" in line:
                under_way[call["thread"]] = written
            else:
                synced = written
        elif call["path"] == told and call["name"] == "write":
            found.append(Told(rest.split('"')[1][:36], synced))
    return found


def jobs_after_the_loss(file: Path, folder: Path, synced: int) -> set[str]:
    """Those in a copy whose log ends where it was synced."""
    copy = folder / "copy.db"
    for old in folder.glob("copy.db*"):
        old.unlink()
    shutil.copy(file, copy)
    with file.with_name(file.name + "-wal").open("rb") as log:
        copy.with_name("copy.db-wal").write_bytes(log.read(synced))
    connection = sqlite3.connect(copy)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return {row[0] for row in connection.execute("SELECT id FROM jobs")}
    finally:
        connection.close()


@pytest.mark.parametrize("mode", ["as it is", "NORMAL"])
def test_what_was_accepted_is_there_after_a_loss_of_power(
    processes: Processes, sqlite_url: str, tmp_path: Path, mode: str
) -> None:
    """That `PRAGMA synchronous = NORMAL` loses jobs shows that the test can see it."""
    strace = shutil.which("strace")
    probe = [strace or "false", "-o", "/dev/null", "true"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("needs strace, and leave to trace")
    file, told, trace = Path(parse_address(sqlite_url).target), tmp_path / "told", tmp_path / "trace"
    log = file.with_name(file.name + "-wal")
    options = ["-f", "-y", "-s", "64", "-e", "trace=pwrite64,write,fdatasync,fsync"]
    program = processes.start(
        *(strace or "", *options, "-o", str(trace)),
        *(sys.executable, "-m", "tests.faults.accepting", sqlite_url, str(told), mode),
        environment={"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"},
    )
    program.wait(60)
    seen = history(trace.read_text(errors="replace"), str(log), str(told))
    assert told.exists(), program.output
    assert [entry.job for entry in seen] == told.read_text().split(), program.output
    assert len(seen) == JOBS
    lost = 0
    for number, entry in enumerate(seen):
        there = jobs_after_the_loss(file, tmp_path, entry.synced)
        lost += len({earlier.job for earlier in seen[: number + 1]} - there)
        assert len(there) <= (number // 3 + 1) * 5 + number + 2, "only what was begun by then"
    assert (lost == 0) == (mode != "NORMAL"), lost
