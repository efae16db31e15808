"""Takes each guard of each writing statement away, one at a time, and sees whether a test notices.

`make mutations` (or `python -m tests.proof.mutate --engine sqlite`). No file is changed: a plugin changes the
statement in the memory of the test run (`tests.proof.mutant`).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from tests.proof.equivalents import reason_of
from tests.proof.mutant import MUTATION_VARIABLE
from tests.proof.mutations import mutations
from tests.support.postgres import GIVEN_LABEL, GIVEN_VARIABLE, start_server
from tests.support.postgres_installations import find_installations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.proof.mutations import Mutation

ROOT = Path(__file__).parents[2]
TEST_SECONDS, LIMIT_SECONDS = 60, 900
FILES = {
    "accept": "test_accept",
    "claim": "test_claim",
    "claim_ruled_jobs": "test_rules",
    "shut": "test_rules",
    "forget_starts": "test_rules",
    "confirm": "test_pauses",
    "forget_pause": "test_pauses",
    "remove_pause": "test_pauses",
    "create_pause": "test_pauses",
    "flag_pauses": "test_pauses",
    "rehold_jobs": "test_pauses",
    "settle": "test_settle",
    "beat": "test_beat",
    "append": "test_beat",
    "promote": "test_sweep",
    "expire": "test_sweep",
    "release": "test_sweep",
    "forget": "test_workers",
    "stop": "test_workers",
    "insert": "test_workers",
    "upsert": "test_workers",
    "cancel": "test_control",
    **dict.fromkeys(("cancel_waiting_jobs", "request_cancels", "retry_jobs", "move_jobs"), "test_bulk"),
    **dict.fromkeys(("delete_jobs", "delete_lines_of_jobs", "delete_executions_of_jobs"), "test_bulk"),
    "request": "test_control",
    **dict.fromkeys(("take", "prune", "old", "keep"), "test_retention"),
    "retry": "test_control",
    "delete": "test_control",
    "update": "test_queues",
    "create": "test_queues",
    "bump": "test_queues",
    "set": "test_queues",
    "delete_queue": "test_queues",
    "supersede": "test_workers",
    "drop": "test_bounds",
    "accept_keyed_jobs": "test_keys",
    "open": "test_concurrency_keys",
    "give": "test_concurrency_keys",
    "lock": "test_concurrency_keys",
}
"""Where a statement is tested, by its name or the first word of it: run first, a mutant ends at the first failure."""
KEYED = {"accept_keyed_jobs", "drop_oldest", "give_places", "lock_keys", "open_keys"}
OFTEN = ["test_guards_of_projects", "test_guards", "test_races", "test_tenancy", "test_settle", "test_sweep"]


def survives(mutation: Mutation, environment: dict[str, str]) -> bool:
    """Whether all tests pass without the guard; a test that hangs has noticed."""
    plugins = ["-p", "no:cacheprovider", "-p", "tests.proof.mutant"]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-x",
            "-q",
            f"--timeout={TEST_SECONDS}",
            *plugins,
            *_files(mutation),
        ],
        cwd=ROOT,
        env={**os.environ, **environment, MUTATION_VARIABLE: json.dumps(mutation)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    if done.returncode not in (0, 1):
        raise RuntimeError(
            f"{mutation.title}: pytest ended with {done.returncode}\n{done.stdout}{done.stderr}"
        )
    return done.returncode == 0


def _files(mutation: Mutation) -> Sequence[str]:
    first = FILES.get(mutation.statement, FILES.get(mutation.statement.partition("_")[0], "test_settle"))
    keyed = ["test_keys", "test_concurrency_keys", "test_bounds"] if mutation.statement in KEYED else []
    return [f"tests/conformance/{name}.py" for name in dict.fromkeys([first, *keyed, *OFTEN])]


def try_all(dialect: str, environment: dict[str, str], at_a_time: int, only: str, every: int) -> Counter[str]:
    """Each ``every``-th mutation of a dialect; prints who survives, answers the counts."""
    chosen = [mutation for mutation in mutations(dialect) if only in mutation.title][::every]
    counts: Counter[str] = Counter()

    def attempt(mutation: Mutation) -> None:
        before = time.monotonic()
        if not survives(mutation, environment):
            outcome = "killed"
        elif reason := reason_of(mutation):
            outcome = f"equivalent ({reason})"
        else:
            outcome = "SURVIVED"
        counts[outcome.partition(" ")[0]] += 1
        if outcome != "killed":
            print(f"{outcome} in {time.monotonic() - before:.0f} s: {mutation.title}", flush=True)

    with ThreadPoolExecutor(at_a_time) as pool:
        list(pool.map(attempt, chosen))
    print(f"{dialect}: {len(chosen)} guards; {dict(counts)}", flush=True)
    return counts


def main() -> int:
    """Both databases, or those of `--engine`."""
    parser = argparse.ArgumentParser(prog="mutate", description="Take away each guard; does a test notice?")
    parser.add_argument("--engine", action="append", choices=["sqlite", "postgres"])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", default="", help="a part of the mutation's title")
    parser.add_argument("--every", type=int, default=1, help="only each so-manieth guard")
    chosen = parser.parse_args()
    survived = 0
    with ExitStack() as stack:
        for engine in chosen.engine or ["sqlite", "postgres"]:
            environment = {"TASKFORGE_TEST_ENGINES": engine}
            if engine == "postgres":
                server = start_server(find_installations()[0])
                stack.callback(server.stop)
                environment = {"TASKFORGE_TEST_ENGINES": GIVEN_LABEL, GIVEN_VARIABLE: server.admin_url}
            survived += try_all(engine, environment, chosen.processes, chosen.only, chosen.every)["SURVIVED"]
    return min(survived, 1)


if __name__ == "__main__":
    sys.exit(main())
