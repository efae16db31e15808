"""Payloads of jobs that come without their code, checked against what workers have published of their tasks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from taskforge.domain.errors import InvalidPayload
from taskforge.domain.job_options import NO_OPTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taskforge.domain.ids import ProjectId
    from taskforge.domain.job_options import JobOptions
    from taskforge.domain.worker import TaskDescription
    from taskforge.ports.workers import WorkerStore

TRUST_SECONDS = 5.0


class PayloadSchemas:
    """The catalogue of one project, looked up again after some seconds."""

    def __init__(self, workers: WorkerStore, project_id: ProjectId) -> None:
        self._workers = workers
        self._project_id = project_id
        self._read_at = float("-inf")
        self._tasks: Mapping[str, TaskDescription] = {}
        self._checkers: dict[str, Any] = {}

    async def refresh(self) -> None:
        """Look the catalogue up again if it was a while ago."""
        if time.monotonic() - self._read_at > TRUST_SECONDS:
            self._tasks = {task.name: task for task in await self._workers.tasks(self._project_id)}
            self._checkers = {}
            self._read_at = time.monotonic()

    def knows(self, job_type: str) -> bool:
        """Whether a worker or an application has made a task of this name known."""
        return job_type in self._tasks

    def names(self) -> list[str]:
        """The tasks that are known, by name."""
        return sorted(self._tasks)

    def queue_of(self, job_type: str) -> str | None:
        """The queue that the task of this name names."""
        task = self._tasks.get(job_type)
        return None if task is None else task.queue

    def options_of(self, job_type: str, given: JobOptions = NO_OPTIONS) -> JobOptions:
        """What a job is made with: ``given``, and the task's own options where that says nothing. Raises InvalidInput."""
        task = self._tasks.get(job_type)
        if task is None or task.options is NO_OPTIONS:
            return given
        return task.options if given is NO_OPTIONS else given.over(task.options)

    def check(self, job_type: str, payload: Any, where: str = "payload") -> None:
        """Raises InvalidPayload when the payload breaks a known schema. A schema that is none refuses nothing."""
        checker = self._checkers[job_type] if job_type in self._checkers else self._checker(job_type)
        if checker is None or checker.is_valid(payload):
            return
        fault = next(iter(checker.iter_errors(payload)))
        path = ".".join([where, *(str(part) for part in fault.instance_path)])
        raise InvalidPayload(
            f"{path}: {_shown(fault)}", field=path, hint=f"see the schema of task {job_type!r}"
        )

    def _checker(self, job_type: str) -> Any:
        import jsonschema_rs

        task = self._tasks.get(job_type)
        checker = None
        if task is not None and task.schema is not None:
            try:
                checker = jsonschema_rs.validator_for(
                    dict(task.schema), retriever=_refuse, pattern_options=jsonschema_rs.RegexOptions()
                )
            except ValueError:  # what this validator does not know is left to the attempt
                checker = None
        self._checkers[job_type] = checker
        return checker


def _refuse(address: str) -> Any:
    """Whoever publishes a schema must not make us fetch anything."""
    raise ValueError(f"{address} is not fetched")


def _shown(fault: Any) -> str:
    text = str(fault.message)
    return text if len(text) <= 300 else text[:300] + " ..."
