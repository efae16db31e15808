"""Bulk operations of the command line: counted, confirmed, done with a live progress bar."""

from __future__ import annotations

import sys
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from taskforge.cli.arguments import moment, split
from taskforge.cli.arguments import statuses as parse_statuses
from taskforge.cli.desk import BulkWish
from taskforge.cli.errors import note
from taskforge.domain.errors import InvalidInput
from taskforge.domain.operation import BulkAction
from taskforge.services.bulk import WAITING, BulkProgress, Counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from taskforge.cli.desk import Desk
    from taskforge.cli.session import Session

PAST = {
    BulkAction.CANCEL: "cancelled",
    BulkAction.RETRY: "retried",
    BulkAction.DELETE: "deleted",
    BulkAction.MOVE: "moved",
}


class Choice(NamedTuple):
    """A filter as it was typed."""

    queues: Sequence[str] | None
    statuses: Sequence[str] | None = None
    job_type: str | None = None
    tag: str | None = None
    before: str | None = None
    after: str | None = None

    def is_given(self, ids: Sequence[str] | None) -> bool:
        """Whether a filter is meant. Raises InvalidInput when ids are given too, or neither."""
        has_filter = any(self)
        if has_filter and ids:
            raise InvalidInput("give ids or a filter, not both", field="ID")
        if not has_filter and not ids:
            raise InvalidInput(
                "which jobs? give an ID or a filter",
                field="ID",
                hint="filters: --queue, --status, --type, --tag, --before, --after",
            )
        return has_filter

    def wish(self, action: BulkAction, target: str | None) -> BulkWish:
        """What is to be done to its jobs. Raises InvalidInput."""
        return BulkWish(
            action,
            split(self.queues),
            parse_statuses(self.statuses),
            job_type=self.job_type,
            tag=self.tag,
            created_from=moment(self.after, "--after"),
            created_to=moment(self.before, "--before"),
            target=target,
        )


def carry_out(
    session: Session,
    action: str,
    choice: Choice,
    target: str | None = None,
    *,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Count, ask, do. Raises InvalidInput when nobody can be asked and --yes is missing."""
    wish = choice.wish(BulkAction(action), target)
    done = session.ask(lambda desk: _work(desk, wish, dry_run=dry_run, yes=yes))
    _report(wish.action, *done, as_json=as_json)


def purge(session: Session, name: str, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Delete what waits in a queue."""

    wish = BulkWish(BulkAction.DELETE, [name], WAITING)
    done = session.ask(lambda desk: _work(desk, wish, dry_run=dry_run, yes=yes))
    _report(wish.action, *done, as_json=as_json)


async def _work(
    desk: Desk, wish: BulkWish, *, dry_run: bool, yes: bool
) -> tuple[Counted, BulkProgress | None]:
    counted = await desk.count(wish)
    if dry_run or (counted.jobs and not yes and not _agreed(wish, counted)):
        return counted, None
    progress = BulkProgress()
    with _bar(wish.action, counted) as show:
        async with aclosing(desk.carry_out(wish)) as steps:
            async for progress in steps:
                show(progress)
    return counted, progress


def _agreed(wish: BulkWish, counted: Counted) -> bool:
    where = "" if wish.target is None else f" to queue {wish.target!r}"
    what = f"{wish.action.value} {counted} {_jobs(counted.jobs)}{where}"
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise InvalidInput(
            f"this would {what}, and there is no terminal to ask at",
            field="--yes",
            hint="add --yes to do it, or --dry-run to see only the count",
        )
    print(f"{what}? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


@contextmanager
def _bar(action: BulkAction, counted: Counted) -> Iterator[Callable[[BulkProgress], None]]:
    """A live bar on a terminal, nothing elsewhere: standard error, so that results stay clean."""
    if not sys.stderr.isatty():
        yield lambda progress: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(PAST[action], total=None if counted.is_bounded else counted.jobs)
        yield lambda progress: bar.update(task, completed=progress.seen)


def _report(action: BulkAction, counted: Counted, progress: BulkProgress | None, *, as_json: bool) -> None:
    if as_json:
        from taskforge.cli.show import print_json

        print_json(
            {
                "action": action.value,
                "counted": counted.jobs,
                "counted_or_more": counted.is_bounded,
                "done": 0 if progress is None else progress.done,
                "skipped": 0 if progress is None else progress.skipped,
                "carried_out": progress is not None,
            }
        )
    elif progress is None:
        print(f"{counted} {_jobs(counted.jobs)} would be {PAST[action]}")
    else:
        print(f"{progress.done:,} {_jobs(progress.done)} {PAST[action]}")
        if progress.skipped:
            note(f"{progress.skipped:,} had changed meanwhile, or may not be {PAST[action]} now")


def _jobs(count: int) -> str:
    return "job" if count == 1 else "jobs"
