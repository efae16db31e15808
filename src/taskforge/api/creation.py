"""From bodies to accepted jobs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET

from taskforge.api.backend import ProjectServices
from taskforge.api.call import Call
from taskforge.api.once import REPLAYED, request_key
from taskforge.api.tenancy import find_queue
from taskforge.api.views.drafts import NewJob, check_one_queue
from taskforge.domain.errors import InvalidInput, NotFound
from taskforge.domain.job import Submitted
from taskforge.domain.job_options import NO_OPTIONS
from taskforge.sdk.codec import encode
from taskforge.services.idempotency import Attempt
from taskforge.services.submission import JobRequest, Submission

DEFAULT_QUEUE = "default"


@dataclass(slots=True)
class Creation:
    """Jobs that a call wants made in one project, all in queues that the caller may use."""

    call: Call
    services: ProjectServices
    is_replay: bool = False
    """The request was answered before, under its Idempotency-Key."""

    @property
    def headers(self) -> dict[str, str]:
        """What the answer says of this."""
        return REPLAYED if self.is_replay else {}

    async def accept(self, drafts: Sequence[NewJob], *, is_bulk: bool) -> Sequence[Submitted]:
        """All of them, or none, and once for each Idempotency-Key.

        Raises NotFound, InvalidPayload, QueueClosed, QueueFull, LimitExceeded, RequestInProgress, IdempotencyKeyReused.
        """
        request = await request_key(self.call)
        if request is None:
            return await self._accept(drafts, self.services.submission, is_bulk=is_bulk)
        async with self.call.backend.idempotency.once(request, len(drafts)) as attempt:
            self.is_replay = attempt.is_replay
            if attempt.submitted is None:
                attempt.submitted = await self._repeated(attempt, drafts)
            if attempt.submitted is None:
                submission = self.services.submission_of(attempt.minting())
                attempt.submitted = await self._accept(drafts, submission, is_bulk=is_bulk)
            return attempt.submitted

    async def _repeated(self, attempt: Attempt, drafts: Sequence[NewJob]) -> Sequence[Submitted] | None:
        """What an earlier try has stored, though nobody saw its end: jobs without keys are all there, or none."""
        if attempt.is_repeat and all(draft.key is None for draft in drafts):
            stored = await self.services.insights.find(attempt.first_id)
            return None if stored is None else attempt.own(len(drafts))
        return None

    async def _accept(
        self, drafts: Sequence[NewJob], submission: Submission, *, is_bulk: bool
    ) -> Sequence[Submitted]:
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
                given = draft.options() if draft.has_options else NO_OPTIONS
                options = self.services.payloads.options_of(draft.job_type, given)
            except InvalidInput as error:
                error.field = f"{at}{error.field}"
                raise
            requests.append(JobRequest(queues[key], draft.job_type, text, options))
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
