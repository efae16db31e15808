"""What ``taskforge top`` shows: on a terminal as much as it has lines and columns, elsewhere all of it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from taskforge.cli.tables import drawn, print_table
from taskforge.cli.text import ago, milliseconds
from taskforge.domain.metrics import DEPTH_BOUND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import ConsoleDimensions, Group, RenderableType

    Document = dict[str, Any]
    Row = tuple[object, ...]

QUEUE_NUMBERS = ("READY", "HELD", "SCHED", "RUN", "OLDEST", "DONE/MIN", "FAIL/MIN")
QUEUE_HEADS = ("QUEUE", "STATE", *QUEUE_NUMBERS)
WORKER_HEADS = ("WORKER", "STATUS", "JOBS", "HEARTBEAT", "RUNS", "QUEUES")
NO_QUEUE = "there are no queues yet; the first job of a task makes its queue"
NO_WORKER = "no worker runs; start one with `taskforge worker` or `taskforge dev`"
NARROW, COLUMNS_OF_A_NARROW_ONE = 76, 6
BESIDE_THE_ROWS = 6
"""Lines of a screen that are no rows: two of sums, two of heads, an empty one, the last."""


def print_once(found: Document) -> None:
    """All of it, on standard output."""
    print(_of_queues(found["totals"], found))
    print_table(QUEUE_HEADS, _queue_rows(found), empty=NO_QUEUE, right=QUEUE_NUMBERS)
    print(f"\n{_of_workers(found['totals'])}")
    print_table(WORKER_HEADS, _worker_rows(found), empty=NO_WORKER, right=("JOBS",))


def screen(found: Document, size: ConsoleDimensions, said: str) -> Group:
    """No more than it has room for: of the rows queues may have a half at least. ``said`` is what went wrong."""
    from rich.console import Group
    from rich.text import Text

    queues, workers = _queue_rows(found), _worker_rows(found)
    room = max(2, size.height - BESIDE_THE_ROWS)
    first = min(len(queues), max(room - max(len(workers), 1), room // 2))
    second = min(len(workers), room - max(first, 1))
    out_of_sight = (f"{len(queues) - first} more queues", f"{len(workers) - second} more workers")
    last = ", ".join(part for part in out_of_sight if not part.startswith("0 "))

    def line(text: str, style: str = "") -> Text:
        return Text(text, style=style, no_wrap=True, overflow="ellipsis")

    def rows(heads: Sequence[str], shown: list[Row], right: Sequence[str], empty: str) -> RenderableType:
        columns = COLUMNS_OF_A_NARROW_ONE if size.width < NARROW else len(heads)
        cut = [row[:columns] for row in shown]
        return drawn(heads[:columns], cut, right=right, one_line=True) if shown else line(empty)

    return Group(
        line(_of_queues(found["totals"], found), "bold"),
        rows(QUEUE_HEADS, queues[:first], QUEUE_NUMBERS, NO_QUEUE),
        "",
        line(_of_workers(found["totals"]), "bold"),
        rows(WORKER_HEADS, workers[:second], ("JOBS",), NO_WORKER),
        line(said, "red") if said else line(f"{last}; Ctrl-C ends it" if last else "Ctrl-C ends it", "dim"),
    )


def _of_queues(totals: Document, found: Document) -> str:
    ready, held, scheduled, running = _counts(totals)
    return (
        f"{found['at'][11:19]} UTC  {ready} ready, {held} held, {scheduled} scheduled, {running} running; "
        f"{totals['done_per_minute']:g} done/min, {totals['failed_per_minute']:g} failed/min"
    )


def _of_workers(totals: Document) -> str:
    return f"workers: {totals['workers']}; {totals['active_jobs']} of {totals['slots']} slots are used"


def _counts(found: Document) -> list[str]:
    counts = [found[name] for name in ("ready", "held", "scheduled", "processing")]
    return [f"{count}+" if count >= DEPTH_BOUND else str(count) for count in counts]


def _queue_rows(found: Document) -> list[Row]:
    return [
        (
            queue["name"],
            queue["state"],
            *_counts(queue),
            milliseconds(None if (oldest := queue["oldest_ready_seconds"]) is None else oldest * 1000),
            f"{queue['done_per_minute']:g}",
            f"{queue['failed_per_minute']:g}",
        )
        for queue in found["queues"]
    ]


def _worker_rows(found: Document) -> list[Row]:
    now = datetime.fromisoformat(found["at"])
    return [
        (
            worker["name"],
            worker["status"],
            f"{worker['active_jobs']}/{worker['max_concurrent_jobs']}",
            ago(datetime.fromisoformat(worker["last_heartbeat"]), now),
            ", ".join(
                job_type if count == 1 else f"{job_type} x{count}"
                for job_type, count in worker["runs"].items()
            ),
            ",".join(worker["queues"]),
        )
        for worker in found["workers"]
    ]
