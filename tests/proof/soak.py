"""`make soak`: everything that is tested, for as long as there is time, and one verdict at the end.

`--minutes 60` is the measure: so long rages the chaos on each database, and so many random examples are tried (5,000
of each property). With less, each part is shortened alike, and of the guards only every n-th is taken away.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.support.postgres_installations import find_installations

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
WHOLE = 60.0
EXAMPLES, LEAST_EXAMPLES = 5_000, 20
RAGE_SECONDS = 300.0
"""Of one run of the chaos, at most."""


class Part(NamedTuple):
    """A command that ends with 0 when it found nothing."""

    name: str
    words: Sequence[str]
    environment: dict[str, str]


def parts(minutes: float, engines: Sequence[str], tests: Sequence[str], processes: int) -> list[Part]:
    """What a soak of so many minutes does, in its order."""
    share = min(1.0, minutes / WHOLE)
    random = {
        "TASKFORGE_TEST_PROFILE": "soak",
        "TASKFORGE_TEST_EXAMPLES": str(max(LEAST_EXAMPLES, round(EXAMPLES * minutes / WHOLE))),
        "TASKFORGE_TEST_ENGINES": ",".join(engines),
    }
    rage = min(RAGE_SECONDS, minutes * 60)
    seeds = max(1, round(minutes * 60 / rage))
    chosen = [word for engine in engines for word in ("--engine", engine)]
    dialects = dict.fromkeys("sqlite" if engine == "sqlite" else "postgres" for engine in engines)
    guarded = [word for dialect in dialects for word in ("--engine", dialect)]
    suite = ["pytest", "-q", "-n", str(processes), "--timeout=7200", *tests]
    return [
        Part("suite", suite, random),
        Part(
            "chaos",
            [
                "tests.proof.chaos",
                *chosen,
                "--seeds",
                str(seeds),
                "--seconds",
                f"{rage:g}",
                "--keep",
                "build/chaos",
            ],
            {},
        ),
        Part("guards taken away", ["tests.proof.mutate", *guarded, "--every", str(round(1 / share))], {}),
    ]


def main() -> int:
    """Answers 0 when no part found anything; every part is run whatever the others found."""
    known = ["sqlite", *(found.label for found in find_installations())]
    parser = argparse.ArgumentParser(prog="make soak", description="Test for hours; one verdict at the end.")
    parser.add_argument(
        "--minutes", type=float, default=WHOLE, help="how long the chaos rages on each database"
    )
    parser.add_argument("--engine", action="append", choices=known, help="repeatable; else all that are here")
    parser.add_argument("--processes", type=int, default=2, help="of the suite")
    parser.add_argument("tests", nargs="*", help="files of the suite; else all")
    chosen = parser.parse_args()
    found: dict[str, str] = {}
    for part in parts(chosen.minutes, chosen.engine or known, chosen.tests, chosen.processes):
        print(f"--- soak: {part.name}", flush=True)
        begun = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", *part.words],
            cwd=ROOT,
            env=os.environ | part.environment,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        word = "found nothing" if done.returncode == 0 else f"FOUND SOMETHING (exit code {done.returncode})"
        found[part.name] = f"{word}, in {(time.monotonic() - begun) / 60:.1f} minutes"
    print("--- soak: the verdict")
    for name, words in found.items():
        print(f"{name}: {words}")
    is_well = all(words.startswith("found nothing") for words in found.values())
    print("all is well" if is_well else "not all is well")
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
