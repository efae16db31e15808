"""What a worker's process uses, measured on this one."""

from __future__ import annotations

import subprocess
import sys
import time

from taskforge.runtime.worker.usage import UsageMeter

BUSY = "import time\nend = time.process_time() + 0.5\nwhile time.process_time() < end: pass"


class Clock:
    """A hand that tests move."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def work(seconds: float) -> None:
    """Keep one processor busy for so long."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_a_sample_is_what_was_used_since_the_last() -> None:
    clock = Clock()
    meter = UsageMeter(30, clock)
    first = meter.take()
    assert first is not None
    assert first.memory_bytes > 5_000_000
    assert 0 < first.memory_percent < 100
    clock.time += 29.9
    assert meter.take() is None
    work(0.3)
    clock.time += 0.1
    second = meter.take()
    assert second is not None
    assert 0.9 < second.cpu_percent < 8  # a hundredth of 30 s, and what helpers of other tests took meanwhile


def test_the_first_sample_is_of_all_that_the_process_did() -> None:
    own = "from taskforge.runtime.worker.usage import UsageMeter\n"
    take = "print(UsageMeter().take().cpu_percent, time.process_time(), psutil.cpu_count())"
    told = subprocess.run(
        [sys.executable, "-c", f"{BUSY}\nimport psutil\n{own}{take}"],
        check=True,
        capture_output=True,
        text=True,
    )
    percent, seconds, processors = map(float, told.stdout.split())
    assert seconds > 0.5
    assert 1 < percent < 105 * processors


def test_children_count_while_they_run_and_when_they_have_ended() -> None:
    clock = Clock()
    meter = UsageMeter(30, clock)
    meter.take()
    clock.time += 29.0
    subprocess.run([sys.executable, "-c", BUSY], check=True)
    clock.time += 1.0
    ended = meter.take()
    assert ended is not None
    assert ended.cpu_percent > 45 / 30
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        clock.time += 30
        running = meter.take()
        assert child.stdin is not None
        child.stdin.close()
        child.wait()
    clock.time += 30
    alone = meter.take()
    assert running is not None
    assert alone is not None
    assert running.memory_bytes > alone.memory_bytes
