"""``taskforge prune``: forget now what is old enough."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from taskforge.cli.options import AsJson
from taskforge.cli.session import session_of

if TYPE_CHECKING:
    from taskforge.platform import Platform
    from taskforge.services.retention import Pruned


def prune(
    context: typer.Context,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only count what would go; up to 100,000 jobs a queue and status."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove finished jobs that are older than they are kept, of all projects, with executions and logs.

    Workers do the same by themselves; see docs/retention.md for how long what is kept.
    """
    from taskforge.cli.show import print_json
    from taskforge.cli.tables import print_table
    from taskforge.services.retention import sorted_counts

    async def work(platform: "Platform") -> "Pruned":
        from taskforge.housekeeping import Housekeeping

        pruning = Housekeeping(platform).pruning
        return await (pruning.preview() if dry_run else pruning.prune())

    pruned = session_of(context).run("prune", work)
    if as_json:
        print_json(_document(pruned, dry_run))
        return
    print_table(
        ("QUEUE", "STATUS", "JOBS"),
        [(queue or "(deleted)", status, f"{jobs:,}") for queue, status, jobs in sorted_counts(pruned)],
        empty="no finished job is older than it is kept",
    )
    for name in pruned.dropped:
        print(f"partition {name} {'is' if dry_run else 'was'} {'due' if dry_run else 'dropped'}")
    for path in pruned.archived:
        print(f"archived {path}")


def _document(pruned: "Pruned", dry_run: bool) -> dict[str, Any]:
    from taskforge.services.retention import sorted_counts

    return {
        "dry_run": dry_run,
        "jobs": [
            {"queue": queue, "status": status, "jobs": jobs} for queue, status, jobs in sorted_counts(pruned)
        ],
        "total": pruned.total,
        "archived": pruned.archived,
        "partitions": pruned.dropped,
    }
