"""Doing something to one or many jobs, and saying what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from taskforge.domain.ids import short

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from taskforge.cli.desk import Desk
    from taskforge.domain.job import Job, JobStatus

S = TypeVar("S", bound="JobStatus | None")


async def act(
    desk: Desk, ids: Sequence[str], action: Callable[[Job], Awaitable[S]]
) -> list[tuple[Job, JobStatus | None]]:
    """Do it to each job, once all of them have been found; answer the statuses that followed."""
    jobs = [await desk.find_job(text) for text in ids]
    return [(job, await action(job)) for job in {job.id: job for job in jobs}.values()]


def report(
    done: Sequence[tuple[Job, JobStatus | None]],
    *,
    as_json: bool,
    words: Mapping[JobStatus, str] | None = None,
) -> None:
    """A line for each job, or one JSON document; a status of None means that the job is gone."""
    if as_json:
        from taskforge.cli.show import print_json

        print_json(
            {
                "jobs": [
                    {"id": job.id, "status": "deleted" if status is None else status} for job, status in done
                ]
            }
        )
        return
    for job, status in done:
        if status is None:
            print(f"{short(job.id)} is deleted")
        else:
            print(f"{short(job.id)} {(words or {}).get(status, f'is {status.value}')}")
