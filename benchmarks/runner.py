"""Runs every measure on every contender in turn: ours, the peer, the floor, ours, the peer, ..."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from benchmarks.samples import Samples

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.contender import Contender
    from benchmarks.machine import Watch
    from benchmarks.measures import Measure, Sizes
    from benchmarks.workspace import Workspace

    Maker = Callable[[Workspace], Contender]


def contender_makers(database: str) -> list[tuple[str, Maker]]:
    """Ours, the peer and the floor of one database, imported only when a run wants them."""

    def ours(workspace: Workspace) -> Contender:
        from benchmarks.ours import TaskForgeContender

        return TaskForgeContender(workspace)

    def pgqueuer(workspace: Workspace) -> Contender:
        from benchmarks.peers.pgqueuer import PgQueuerContender

        return PgQueuerContender(workspace)

    def huey(workspace: Workspace) -> Contender:
        from benchmarks.peers.huey import HueyContender

        return HueyContender(workspace)

    def postgres_floor(workspace: Workspace) -> Contender:
        from benchmarks.floor import PostgresFloor

        return PostgresFloor(workspace)

    def sqlite_floor(workspace: Workspace) -> Contender:
        from benchmarks.floor import SqliteFloor

        return SqliteFloor(workspace)

    if database == "postgres":
        return [("taskforge", ours), ("pgqueuer", pgqueuer), ("SELECT 1", postgres_floor)]
    return [("taskforge", ours), ("huey", huey), ("bare commits", sqlite_floor)]


async def run(
    database: str,
    workspace: Workspace,
    measures: Sequence[Measure],
    sizes: Sizes,
    repetitions: int,
    watch: Watch,
) -> Samples:
    """Take every measure; a failure is recorded and ends only that contender's part of that measure."""
    makers = contender_makers(database)
    (ours, _), (peer, _), (floor, _) = makers
    samples = Samples(database, ours, peer, floor)
    contenders: list[tuple[str, Contender]] = []
    for name, make in makers:
        try:
            contenders.append((name, make(workspace)))
        except ImportError as error:
            _failed(samples, f"{name}: {error}")
    for measure in measures:
        failed: set[str] = set()
        for repetition in range(repetitions if measure.repeated else 1):
            for name, contender in contenders:
                if name in failed:
                    continue
                await watch.quiet()
                try:
                    figures = await measure.take(contender, sizes)
                except Exception as error:
                    failed.add(name)
                    _failed(samples, f"{measure.name} of {name}: {type(error).__name__}: {error}")
                    continue
                if figures is not None:
                    samples.add(measure.name, name, figures)
                    first = ", ".join(f"{value:,.1f} {figure}" for figure, value in figures.items())
                    _say(f"{database} {measure.name} #{repetition + 1} {name}: {first}")
    return samples


def _failed(samples: Samples, message: str) -> None:
    samples.errors.append(message)
    _say(f"not measured: {message}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
