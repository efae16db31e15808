"""Takes each guard away, one at a time, and sees whether a test notices.

`make mutations` (or `python -m tests.proof.mutate --engine sqlite`). No file is changed: a fork of the test run changes
the statement in its memory (`tests.proof.mutant`). `--keep FOLDER --minutes 5` does a part, and the next part when it
is called again.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from tests.proof.mutant import ORDER_VARIABLE, Order
from tests.support.postgres import GIVEN_LABEL, GIVEN_VARIABLE, start_server
from tests.support.postgres_installations import find_installations

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
TESTS = ["tests/conformance"]
TEST_SECONDS = 60


def try_all(order: Order, environment: dict[str, str], tests: Sequence[str] = TESTS) -> Counter[str]:
    """Take away what was ordered; prints what nobody noticed, answers the counts."""
    options = ["-q", "-s", "-p", "no:cacheprovider", "-p", "tests.proof.mutant", "-m", "not chaos"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, f"--timeout={TEST_SECONDS}", *tests],
        cwd=ROOT,
        env={**os.environ, **environment, ORDER_VARIABLE: json.dumps(order._asdict())},
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{order.dialect}: pytest ended with {done.returncode}")
    known = order.known()
    counts = Counter(known[mutation.title].word for mutation in order.chosen if mutation.title in known)
    print(f"{order.dialect}: {counts.total()} of {len(order.chosen)} guards; {dict(counts)}", flush=True)
    return counts


def main() -> int:
    """Both databases, or those of `--engine`; 0 when everything was noticed."""
    parser = argparse.ArgumentParser(prog="mutate", description="Take away each guard; does a test notice?")
    parser.add_argument("--engine", action="append", choices=["sqlite", "postgres"])
    parser.add_argument("--processes", type=int, default=1, help="how many guards at a time")
    parser.add_argument("--only", default="", help="a part of the mutation's title")
    parser.add_argument("--statement", action="append", default=[], help="repeatable; else all")
    parser.add_argument(
        "--in", dest="places", nargs="+", default=TESTS, help="the tests, else all of conformance"
    )
    parser.add_argument("--every", type=int, default=1, help="only each so-manieth guard")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin none after that")
    parser.add_argument(
        "--tests", type=int, default=100, help="no more than that for each guard, the fittest first"
    )
    parser.add_argument("--keep", help="a folder for what was found: what is there is not tried again")
    parser.add_argument(
        "--again", action="store_true", help="try once more what nobody noticed (with --keep)"
    )
    parser.add_argument("--all", action="store_true", help="every condition, not only guards")
    chosen = parser.parse_args()
    missed = 0
    with ExitStack() as stack:
        folder = chosen.keep or stack.enter_context(tempfile.TemporaryDirectory(prefix="taskforge-guards-"))
        Path(folder).mkdir(exist_ok=True)
        for engine in chosen.engine or ["sqlite", "postgres"]:
            environment = {"TASKFORGE_TEST_ENGINES": engine}
            if engine == "postgres":
                server = start_server(find_installations()[0])
                stack.callback(server.stop)
                environment = {"TASKFORGE_TEST_ENGINES": GIVEN_LABEL, GIVEN_VARIABLE: server.admin_url}
            order = Order(
                engine,
                str(folder),
                chosen.only,
                chosen.every,
                chosen.processes,
                chosen.minutes,
                chosen.tests,
                chosen.statement,
                chosen.again,
                chosen.all,
            )
            counts = try_all(order, environment, chosen.places)
            missed += counts["SURVIVED"] + counts["UNREACHED"]
    return min(missed, 1)


if __name__ == "__main__":
    sys.exit(main())
