"""Making a job from a command line, of a task we can import or of a job type we only know by name."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from taskforge.cli.arguments import call_arguments, payload_text
from taskforge.cli.errors import note
from taskforge.domain.bounds import check_job_type
from taskforge.domain.errors import Conflict, InvalidInput, InvalidPayload, NotFound
from taskforge.domain.job import Hold
from taskforge.sdk.backend import TaskCall
from taskforge.services.directory import near

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from taskforge.app import TaskForge
    from taskforge.cli.desk import Desk
    from taskforge.cli.session import Session
    from taskforge.domain.job import Job
    from taskforge.domain.job_options import JobOptions
    from taskforge.sdk.task import Task

QUEUE = "default"


class Wanted(NamedTuple):
    """A job as it was typed; the payload is JSON text."""

    job_type: str
    arguments: Sequence[str]
    payload: str | None
    options: JobOptions


def submit(
    session: Session,
    reference: str | None,
    job_type: str,
    arguments: Sequence[str],
    payload: str | None,
    options: JobOptions,
) -> tuple[Job, bool]:
    """Accept the job; answer it as it is stored, and whether it is new. Raises InvalidPayload, NotFound (the queue), QueueClosed."""
    if payload is not None and arguments:
        raise InvalidInput("give arguments or --payload, not both", field="payload")
    text = None if payload is None else payload_text(payload)
    wanted = Wanted(check_job_type(job_type), arguments, text, options)
    application = _application(session, reference)
    task = None if application is None else _task(application, job_type)
    if application is None or task is None:
        return session.ask(lambda desk: _submit_by_name(desk, wanted))
    call = _call_of_task(task, wanted)
    if session.settings().server is not None:
        declare = options.queue is None
        return session.ask(
            lambda desk: desk.submit(call.queue, call.job_type, call.payload, call.options, declare=declare)
        )

    async def main() -> tuple[Job, bool]:
        async with application:
            platform = await application.platform()
            if options.queue is not None:  # the code names no such queue: it has to be there
                await platform.queues.get(options.queue)
            job_id, created = await application.submit(call)
            return await platform.insights.job(job_id), created

    return asyncio.run(main())


def _application(session: Session, reference: str | None) -> TaskForge | None:
    """Without an application a job can still be made; one that was named has to be there."""
    try:
        return session.application(reference)
    except NotFound:
        if reference is not None or session.settings().app is not None:
            raise
        return None


def _task(application: TaskForge, name: str) -> Task[..., object] | None:
    try:
        return application.registry.find(name)
    except NotFound:
        return None


def _call_of_task(task: Task[..., object], wanted: Wanted) -> TaskCall[object]:
    options = wanted.options.over(task.defaults)
    if wanted.payload is not None:
        task.check_payload(wanted.payload)
        keyed = task.keyed(options, wanted.payload)
        return TaskCall(task.name, options.queue or task.queue, wanted.payload, keyed)
    payload = typed_call(task, wanted.arguments).payload
    return TaskCall(task.name, options.queue or task.queue, payload, task.keyed(options, payload))


def typed_call(task: Task[..., object], arguments: Sequence[str]) -> TaskCall[object]:
    """The call of a task with arguments as they were typed. Raises InvalidPayload."""
    positional, keywords = call_arguments(arguments)
    try:
        return task.written_job(positional, keywords)
    except InvalidPayload as error:
        if error.hint is None and " must be str, not " in error.message:
            error.hint = "what looks like JSON is taken for it; as a text it is quoted twice: '\"2026\"'"
        raise


async def _submit_by_name(desk: Desk, wanted: Wanted) -> tuple[Job, bool]:
    """The catalogue may know the rest of the name, and the queue."""
    known = await desk.tasks()
    job_type = full_name(wanted.job_type, known) or wanted.job_type
    payload = payload_by_name(job_type, wanted)
    queue = wanted.options.queue or known.get(job_type, QUEUE)
    declare = wanted.options.queue is None
    job, created = await desk.submit(queue, job_type, payload, wanted.options, declare=declare)
    if job.hold is Hold.NO_WORKER:
        hint = near(job_type, list(known))
        note(f"no worker knows the job type {job_type!r} yet, so its job waits ({hint})")
    return job, created


def full_name(name: str, known: Collection[str]) -> str | None:
    """The one of the catalogue that is meant, None if there is none. Raises Conflict."""
    names = [name] if name in known else [task for task in known if task.endswith(f".{name}")]
    if len(names) > 1:
        raise Conflict(f"{name!r} could be any of: {', '.join(sorted(names))}")
    return names[0] if names else None


def payload_by_name(job_type: str, wanted: Wanted) -> str:
    """The payload of a task whose code is not here. Raises InvalidInput."""
    from taskforge.sdk.codec import encode

    if wanted.payload is not None:
        return wanted.payload
    positional, keywords = call_arguments(wanted.arguments)
    if positional:
        raise InvalidInput(
            f"{job_type!r} is no task of an application that was found here, so its arguments need names",
            field="payload",
            hint="write name=value or --payload JSON, or name the application: --app",
        )
    return encode(keywords, where="payload")
