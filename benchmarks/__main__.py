"""The command line of the benchmarks: `python -m benchmarks --help`."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from benchmarks import machine, report
from benchmarks.measures import MEASURES, Sizes
from benchmarks.runner import run
from benchmarks.server import postgres_server, settings
from benchmarks.workspace import PostgresWorkspace, SqliteWorkspace

if TYPE_CHECKING:
    from benchmarks.samples import Samples


def arguments() -> argparse.Namespace:
    names = [measure.name for measure in MEASURES]
    defaults = Sizes()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgres", "both"], default="both")
    parser.add_argument("--jobs", type=int, default=defaults.jobs, help="jobs of a drain and of a bulk load")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument(
        "--only", nargs="+", choices=names, default=names, metavar="NAME", help=", ".join(names)
    )
    parser.add_argument(
        "--backlog",
        type=int,
        default=defaults.backlog,
        help="the large backlog of `claim` and `drain-unknown`",
    )
    parser.add_argument("--idle-seconds", type=float, default=defaults.idle_seconds)
    parser.add_argument("--json", action="store_true", help="print every repetition as JSON")
    return parser.parse_args()


async def measure(
    chosen: argparse.Namespace, folder: Path, address: str | None
) -> tuple[dict[str, str], list[Samples]]:
    sizes = Sizes(
        jobs=chosen.jobs,
        enqueued=min(chosen.jobs, Sizes().enqueued),
        latency_jobs=min(chosen.jobs, Sizes().latency_jobs),
        idle_seconds=chosen.idle_seconds,
        backlog=chosen.backlog,
    )
    measures = [measure for measure in MEASURES if measure.name in chosen.only]
    facts, watch, every = machine.describe(), machine.Watch(), []
    if address is not None:
        facts |= await settings(address)
        postgres = PostgresWorkspace(address, folder)
        every.append(await run("postgres", postgres, measures, sizes, chosen.repetitions, watch))
    if chosen.database in ("sqlite", "both"):
        sqlite = SqliteWorkspace(folder)
        every.append(await run("sqlite", sqlite, measures, sizes, chosen.repetitions, watch))
    facts |= {
        "stolen processor time": f"{watch.stolen_percent:.1f} %",
        "waited for quiet": f"{watch.waited_seconds:.0f} s",
    }
    return facts, every


def main() -> int:
    chosen = arguments()
    wants_postgres = chosen.database in ("postgres", "both")
    with (
        postgres_server() if wants_postgres else nullcontext() as address,
        tempfile.TemporaryDirectory(prefix="taskforge-benchmarks-") as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        facts, every = runner.run(measure(chosen, Path(folder), address))
    print(json.dumps(report.as_json(facts, every), indent=2) if chosen.json else report.as_text(facts, every))
    return 1 if any(samples.errors for samples in every) else 0


if __name__ == "__main__":
    sys.exit(main())
