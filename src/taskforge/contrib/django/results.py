"""A job and its attempts as Django's TaskResult."""

from __future__ import annotations

import builtins
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from taskforge.contrib.django.framework import (
    DjangoTask,
    InvalidTask,
    TaskError,
    TaskResult,
    TaskResultDoesNotExist,
    TaskResultStatus,
)
from taskforge.contrib.django.payload import Call
from taskforge.domain.errors import InvalidPayload
from taskforge.domain.execution import LIVE, ExecutionStatus
from taskforge.domain.job import JobStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from taskforge.domain.execution import Execution
    from taskforge.domain.job import Job

STATUSES = {
    JobStatus.PENDING: TaskResultStatus.READY,
    JobStatus.SCHEDULED: TaskResultStatus.READY,
    JobStatus.PROCESSING: TaskResultStatus.RUNNING,
    JobStatus.SUCCEEDED: TaskResultStatus.SUCCESSFUL,
    JobStatus.FAILED: TaskResultStatus.FAILED,
    JobStatus.CANCELLED: TaskResultStatus.FAILED,
}
ENDED_BY_NOBODY = "taskforge.JobFailed"
CANCELLED = "taskforge.JobCancelled"


def minted_at(job_id: UUID) -> datetime:
    """When an id was minted, to the millisecond: the moment of enqueueing, known before the database has answered."""
    return shown(datetime.fromtimestamp((job_id.int >> 80) / 1000, UTC))


def shown(moment: datetime) -> datetime:
    """A moment as Django has it: without USE_TZ it is naive, in TIME_ZONE."""
    return moment if settings.USE_TZ else timezone.make_naive(moment)


def fresh_result(task: Any, job_id: UUID, call: Call, alias: str) -> Any:
    """That of a job which waits."""
    return TaskResult(
        task=task,
        id=str(job_id),
        status=TaskResultStatus.READY,
        enqueued_at=minted_at(job_id),
        started_at=None,
        finished_at=None,
        last_attempted_at=None,
        args=call.args,
        kwargs=call.kwargs,
        backend=alias,
        errors=[],
        worker_ids=[],
    )


def result_of(
    task: Any, job: Job, attempts: Sequence[Execution], names: Mapping[Any, str], alias: str
) -> Any:
    """That of any job; ``attempts`` come newest first, ``names`` are those of workers by id."""
    call = called(job.id, job.payload)
    result = fresh_result(task_of_call(task, call, job.queue_name, alias), job.id, call, alias)
    known = attempts[::-1]
    fields: dict[str, Any] = {"status": STATUSES[job.status]}
    if job.completed_at is not None:
        fields["finished_at"] = shown(job.completed_at)
    if known:
        fields["started_at"] = shown(known[0].started_at or known[0].claimed_at)
        fields["last_attempted_at"] = shown(known[-1].started_at or known[-1].claimed_at)
        fields["worker_ids"] = [names.get(one.worker_id, str(one.worker_id)) for one in known]
    errors = [
        error_of(one.error_type, one.error_message, one.traceback)
        for one in known
        if one.status not in LIVE and one.error_type is not None
    ]
    if job.status is JobStatus.CANCELLED:
        errors.append(TaskError(exception_class_path=CANCELLED, traceback="the job was cancelled\n"))
    elif job.status is JobStatus.FAILED and not errors:
        why = f"the job has failed: {job.failure or 'nobody ran it'}\n"
        errors.append(TaskError(exception_class_path=ENDED_BY_NOBODY, traceback=why))
    fields["errors"] = errors
    if known and known[-1].status is ExecutionStatus.SUCCEEDED:
        fields["_return_value"] = known[-1].output
    return changed(result, **fields)


def called(job_id: UUID, payload: Any) -> Call:
    """The call of a job. Raises TaskResultDoesNotExist for a job that no Django task has made."""
    try:
        return Call.of(payload)
    except (InvalidPayload, ValueError, TypeError):
        raise TaskResultDoesNotExist(str(job_id)) from None


def task_named(path: str) -> Any:
    """The task at a place in the code. Raises TaskResultDoesNotExist when there is none."""
    try:
        found = import_string(path)
    except ImportError:
        found = None
    if not isinstance(found, DjangoTask):
        raise TaskResultDoesNotExist(f"no task is called {path!r} here")
    return found


def task_of_call(task: Any, call: Call, queue_name: str, alias: str) -> Any:
    """The task as it was when it was enqueued; in another queue if the job was moved to one that Django knows."""
    said = {"priority": call.priority, "run_after": call.run_after, "backend": alias}
    try:
        return task.using(queue_name=queue_name, **said)
    except InvalidTask:
        return task.using(**said)


def changed(result: Any, **fields: Any) -> Any:
    """The result itself, which is frozen, with other values: what Django's own backends do with theirs."""
    for name, value in fields.items():
        object.__setattr__(result, name, value)
    return result


def error_of(kind: str | None, message: str | None, trace: str | None) -> Any:
    """What a failed attempt has left. A traceback's last line says in which module the exception's class is."""
    name = kind or "Exception"
    text = trace or f"{name}: {message or ''}\n"
    found = re.findall(rf"^((?:[\w<>]+\.)*{re.escape(name)})(?::|$)", text, re.MULTILINE)
    path = found[-1] if found else name
    if "." not in path:
        path = f"builtins.{path}" if hasattr(builtins, path) else ENDED_BY_NOBODY
    return TaskError(exception_class_path=path, traceback=text if text.endswith("\n") else f"{text}\n")
