"""What `import taskforge` costs, in interpreters that have not done it before."""

from __future__ import annotations

import statistics
import subprocess
import sys

from .figures import ImportTime


def import_time(module: str = "taskforge", repetitions: int = 7) -> ImportTime:
    """The median of some fresh interpreters; one more goes before to warm the file cache."""
    every = [_once(module) for _ in range(repetitions + 1)][1:]
    return ImportTime(statistics.median(every), tuple(every))


def _once(module: str) -> float:
    program = f"import time; begun = time.perf_counter(); import {module}; print(time.perf_counter() - begun)"
    finished = subprocess.run(  # noqa: S603 - the program is ours
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )
    return float(finished.stdout) * 1000
