"""Error groups over SQL (``ports.errors``)."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from taskforge.domain.error_group import (
    MOST_GROUPS,
    OTHERS,
    ErrorGroup,
    ErrorSample,
    ErrorStatus,
    Failure,
    first_of,
    joined,
)
from taskforge.domain.fingerprint import own_frames
from taskforge.ports.acting import actor
from taskforge.storage.auditing import Audit
from taskforge.storage.codec import from_json, tags_of, to_json
from taskforge.storage.engine import Engine, Many, One, Script, columns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from taskforge.domain.ids import ProjectId

OTHERS_FINGERPRINT = UUID(int=0)
_GROUP = (
    "id",
    "of_project",
    "fingerprint",
    "status",
    "error_type",
    "message",
    "traceback",
    "frames",
    "failures",
    "first_seen",
    "last_seen",
    "job_id",
    "execution_id",
    "tasks",
    "queue_ids",
    "tags",
    "tenants",
    "hours",
    "status_at",
    "status_by",
    "muted_until",
    "returned_at",
)
_Key = tuple[UUID, UUID]


class SqlErrorStore:
    """Implements ``ErrorStore`` for any engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def list(
        self,
        project_id: ProjectId,
        *,
        statuses: Sequence[ErrorStatus] | None = None,
        job_type: str | None = None,
        limit: int,
    ) -> Sequence[ErrorGroup]:
        chosen = {"project_id": project_id, "statuses": statuses, "job_type": job_type, "limit": limit}
        rows = await self._engine.read(One("list_error_groups", chosen))
        return [_group_of(row, self._engine) for row in rows]

    async def get(self, project_id: ProjectId, group_id: UUID) -> ErrorGroup | None:
        where = {"project_id": project_id, "group_id": group_id}
        rows = await self._engine.read(One("get_error_group", where))
        return _group_of(rows[0], self._engine) if rows else None

    async def judge(
        self, project_id: ProjectId, group_id: UUID, status: ErrorStatus, muted_until: datetime | None = None
    ) -> ErrorGroup | None:
        where = {"project_id": project_id, "group_id": group_id}
        values = {"status": status, "status_by": actor().principal.label, "muted_until": muted_until}
        audit = Audit(project_id=project_id)

        def script() -> Script[ErrorGroup | None]:
            before = yield One("get_error_group", where)
            rows = yield One("judge_error_group", {**where, **values})
            if not rows:
                return None
            group = _group_of(rows[0], self._engine)
            told = {"status": status, "muted_until": None if muted_until is None else muted_until.isoformat()}
            was = {"status": before[0]["status"]} if before else {}
            yield audit.entry(
                f"error.{_VERBS[status]}", group_id, group.sample.error_type, before=was, after=told
            )
            return group

        return await self._engine.run(script)


_VERBS = {
    ErrorStatus.NEW: "reopen",
    ErrorStatus.RETURNED: "reopen",
    ErrorStatus.RESOLVED: "resolve",
    ErrorStatus.MUTED: "mute",
}


class SqlErrorKeeper:
    """Implements ``ErrorKeeper`` for any engine. ``mint`` gives new ids."""

    def __init__(self, engine: Engine, mint: Callable[[], UUID]) -> None:
        self._engine = engine
        self._mint = mint

    async def has_unfolded(self) -> bool:
        return bool((await self._engine.read(One("has_failures")))[0]["found"])

    async def fold(self, limit: int) -> int:
        def script() -> Script[int]:
            [lock] = yield One("lock_fold")
            if not lock["is_mine"]:
                return 0
            failures = [self._failure(row) for row in (yield One("take_failures", {"limit": limit}))]
            if not failures:
                return 0
            known = yield from self._known(failures)
            together = yield from self._by_group(failures, known)
            samples = yield from self._samples(together, known)
            grown = [self._grown(known.get(key), same, samples) for key, same in together.items()]
            yield Many("put_error_groups", columns(_GROUP, map(_row_of, grown)))
            return len(failures)

        return await self._engine.run(script)

    async def forget(self, age: timedelta, limit: int) -> None:
        old = {"errors_us": age // timedelta(microseconds=1), "limit": limit}
        await self._engine.call(One("forget_error_groups", old))

    def _failure(self, row: Any) -> Failure:
        identity = self._engine.identity
        project, fingerprint, queue, job, job_type, execution, failed_at, tags, tenant = tuple(row)
        return Failure(
            identity(project),
            identity(fingerprint),
            identity(queue),
            identity(job),
            job_type,
            identity(execution),
            self._engine.moment(failed_at),
            tags_of(tags),
            tenant,
        )

    def _known(self, failures: Sequence[Failure]) -> Script[dict[_Key, ErrorGroup]]:
        keys = sorted({(failure.project_id, failure.fingerprint) for failure in failures})
        keys += sorted({(failure.project_id, OTHERS_FINGERPRINT) for failure in failures})
        rows = yield Many("groups_to_fold", columns(("of_project", "fingerprint"), keys))
        groups = [_group_of(row, self._engine) for row in rows]
        return {(group.project_id, group.fingerprint): group for group in groups}

    def _by_group(
        self, failures: Sequence[Failure], known: Mapping[_Key, ErrorGroup]
    ) -> Script[Mapping[_Key, list[Failure]]]:
        """Failures of the same group. A project that has too many groups gets no more."""
        projects = sorted({failure.project_id for failure in failures})
        rows = yield One("count_error_groups", {"of_projects": projects})
        counts = Counter({self._engine.identity(row["project_id"]): int(row["groups"]) for row in rows})
        found: defaultdict[_Key, list[Failure]] = defaultdict(list)
        for failure in failures:
            key: _Key = (failure.project_id, failure.fingerprint)
            if key not in known and key not in found:
                if counts[failure.project_id] >= MOST_GROUPS:
                    key = (failure.project_id, OTHERS_FINGERPRINT)
                else:
                    counts[failure.project_id] += 1
            found[key].append(failure._replace(fingerprint=key[1]))
        return found

    def _samples(
        self, together: Mapping[_Key, Sequence[Failure]], known: Mapping[_Key, ErrorGroup]
    ) -> Script[Mapping[UUID, ErrorSample]]:
        """What was said by the latest failure of each group that is new, or may return."""
        wanted = [
            _latest(same).execution_id
            for key, same in together.items()
            if key not in known or not known[key].is_open
        ]
        if not wanted:
            return {}
        rows = yield One("failed_samples", {"execution_ids": wanted})
        return {
            self._engine.identity(row["id"]): ErrorSample(
                row["error_type"] or "", row["error_message"], row["traceback"], own_frames(row["traceback"])
            )
            for row in rows
        }

    def _grown(
        self, known: ErrorGroup | None, same: Sequence[Failure], samples: Mapping[UUID, ErrorSample]
    ) -> ErrorGroup:
        said = samples.get(_latest(same).execution_id, ErrorSample("", None, None, ()))
        if same[0].fingerprint == OTHERS_FINGERPRINT:
            said = said._replace(error_type=OTHERS)
        if known is None:
            return first_of(self._mint(), same, said)
        return joined(known, same, said)


def _latest(failures: Sequence[Failure]) -> Failure:
    return max(failures, key=lambda failure: failure.failed_at)


def _row_of(group: ErrorGroup) -> tuple[Any, ...]:
    sample = group.sample
    return (
        group.id,
        group.project_id,
        group.fingerprint,
        group.status,
        sample.error_type,
        sample.message,
        sample.traceback,
        to_json(sample.frames),
        group.failures,
        group.first_seen,
        group.last_seen,
        group.job_id,
        group.execution_id,
        to_json(group.tasks),
        to_json(group.queue_ids),
        to_json(group.tags),
        to_json(group.tenants),
        to_json({int(hour.timestamp()): failures for hour, failures in group.hours.items()}),
        group.status_at,
        group.status_by,
        group.muted_until,
        group.returned_at,
    )


def _group_of(row: Any, engine: Engine) -> ErrorGroup:
    identity, moment = engine.identity, engine.moment
    hours = from_json(row["hours"])
    return ErrorGroup(
        id=identity(row["id"]),
        project_id=identity(row["project_id"]),
        fingerprint=identity(row["fingerprint"]),
        status=ErrorStatus(row["status"]),
        sample=ErrorSample(row["error_type"], row["message"], row["traceback"], from_json(row["frames"])),
        failures=int(row["failures"]),
        first_seen=moment(row["first_seen"]),
        last_seen=moment(row["last_seen"]),
        job_id=identity(row["job_id"]),
        execution_id=identity(row["execution_id"]),
        tasks=from_json(row["tasks"]),
        queue_ids=from_json(row["queue_ids"]),
        tags=from_json(row["tags"]),
        tenants=from_json(row["tenants"]),
        hours={datetime.fromtimestamp(int(hour), UTC): count for hour, count in hours.items()},
        status_at=moment(row["status_at"]),
        status_by=row["status_by"],
        muted_until=moment(row["muted_until"]),
        returned_at=moment(row["returned_at"]),
    )
