"""From bodies to accepted jobs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET

from taskforge.api.backend import ProjectServices
from taskforge.api.call import Call
from taskforge.api.tenancy import find_queue
from taskforge.api.views.drafts import NewJob, check_one_queue
from taskforge.domain.errors import InvalidInput, NotFound
from taskforge.domain.job import JobOptions, Submitted
from taskforge.sdk.codec import encode
from taskforge.services.submission import JobRequest

DEFAULT_QUEUE = "default"
PLAIN = JobOptions()


@dataclass(slots=True)
class Creation:
    """Jobs that a call wants made in one project, all in queues that the caller may use."""

    call: Call
    services: ProjectServices

    async def accept(self, drafts: Sequence[NewJob], *, is_bulk: bool) -> list[Submitted]:
        """All of them, or none. Raises NotFound, InvalidPayload, QueueClosed, QueueFull, LimitExceeded."""
        await self.services.payloads.refresh()
        queues: dict[Any, str] = {}
        requests = []
        for index, draft in enumerate(drafts):
            at = f"jobs.{index}." if is_bulk else ""
            key = draft.queue_id or draft.queue_name or self._own_queue(draft)
            if key not in queues:
                queues[key] = await self._queue_name(draft, key)
            payload: Any = {} if draft.payload is UNSET else draft.payload
            text = encode(payload, where=f"{at}payload")
            self.services.payloads.check(draft.job_type, payload, f"{at}payload")
            try:
                options = draft.options() if draft.has_options else PLAIN
            except InvalidInput as error:
                error.field = f"{at}{error.field}"
                raise
            requests.append(JobRequest(queues[key], draft.job_type, text, options))
        submission = self.services.submission
        if self.call.mint is not None:
            submission = self.services.submission_of(self.call.mint)
        if is_bulk:
            return await submission.submit_many(requests, declare=False)
        return [await submission.submit(requests[0], declare=False)]

    def _own_queue(self, draft: NewJob) -> str:
        return self.services.payloads.queue_of(draft.job_type) or DEFAULT_QUEUE

    async def _queue_name(self, draft: NewJob, key: Any) -> str:
        """Its name, once it is certain that the caller may use it."""
        check_one_queue(draft)
        directory = self.services.directory
        if isinstance(key, str):
            queue = directory.lately(key) or await directory.named(key)
            unknown = f"no queue is named {key!r}"
        else:
            found = directory.by_id(key)
            if found is None:
                await directory.refresh()
                found = directory.by_id(key)
            unknown = f"no queue has the id {key}"
            if found is None:
                raise NotFound(unknown)
            queue = found
        if not self.call.principal.reaches_queue(queue.id):
            raise NotFound(unknown)
        return queue.name


async def creation_in(call: Call, services: ProjectServices, drafts: Sequence[NewJob]) -> Creation:
    """Where these jobs go: into the project of the first queue that is given by id, else into ``services``."""
    for draft in drafts:
        if draft.queue_id is not None:
            if services.directory.by_id(draft.queue_id) is None:
                return Creation(call, (await find_queue(call, draft.queue_id)).services)
            break
    return Creation(call, services)
