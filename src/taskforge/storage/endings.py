"""Ends of jobs that somebody is to be told of: asked for where jobs are made, noted where they end.

Both in the transactions that make and end the jobs, so that none is lost.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from taskforge.domain.receiver import unknown_receiver
from taskforge.storage.codec import to_json
from taskforge.storage.engine import Many, One, columns

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from uuid import UUID

    from taskforge.domain.ids import ProjectId
    from taskforge.storage.engine import Engine, Script

logger = logging.getLogger("taskforge.storage")


def add_notices(
    engine: Engine, project_id: ProjectId, told_of: Mapping[UUID, Collection[str]], *, is_strict: bool = True
) -> Script[None]:
    """Have receivers, by name or id, told when these jobs end, beside those who are told already.

    Raises InvalidInput for a receiver that is not there; without ``is_strict`` a warning is logged.
    """
    if not told_of:
        return
    rows = yield One("list_receivers", {"project_id": project_id})
    ids = {row["name"]: str(engine.identity(row["id"])) for row in rows}
    known = set(ids.values())
    notices = []
    for job_id, given in sorted(told_of.items()):
        missing = sorted(name for name in given if name not in ids and name not in known)
        if missing:
            error = unknown_receiver(missing[0], ids)
            if is_strict:
                raise error
            logger.warning("job %s: %s", job_id, error.message)
        found = sorted({ids.get(name, name) for name in given} & known)
        if found:
            notices.append((job_id, to_json(found)))
    if notices:
        yield Many("add_notices", columns(("job_id", "receivers"), notices), {"project_id": project_id})


def note_endings(job_ids: Collection[UUID]) -> Script[None]:
    """Has to follow, in the same transaction, whatever ends jobs; those whose queue has nobody told are passed over."""
    if job_ids:
        yield One("note_endings", {"job_ids": sorted(job_ids)})
