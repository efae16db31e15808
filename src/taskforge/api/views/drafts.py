"""Jobs that are to be made, as bodies say it. Parsed by msgspec: this is the way that has to be fast."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from taskforge.api.faults import InvalidRequest
from taskforge.domain.bounds import MAX_ATTEMPTS, MAX_SLOTS, MAX_TAGS, MAX_TOKENS, MAX_WEIGHT
from taskforge.domain.errors import InvalidInput
from taskforge.domain.job_options import JobOptions
from taskforge.domain.keys import MAX_KEY, MAX_PLACES, MOST_NOTIFIED

MAX_BULK = 1000
YEAR_MS = 366 * 86_400_000

Time = Annotated[datetime, Meta(tz=True)]
Milliseconds = Annotated[int, Meta(ge=0, le=YEAR_MS)]
Name = Annotated[str, Meta(min_length=1, max_length=100)]
Key = Annotated[str, Meta(min_length=1, max_length=MAX_KEY)]


class NewJob(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A job. Its queue is named by `queue_id` or `queue_name`; without either it is its task's own, else `default`.

    What is left out is what the task's code declares of its jobs, else what the queue says.

    `timeout_at` is when it must have ended, `expires_at` when it must have started; `timeout_ms` is how long an
    attempt may take. `key` makes it the only one of its kind until it has ended (and for `key_period_ms` after its
    creation); of one `concurrency_key` at most `concurrency_limit` run at once.

    In a fair queue the jobs of a `fairness_key` take turns with those of the others, `fairness_weight` at a time. A job
    takes `slots` places of its queue and of its worker, and `rate_tokens` of its queue's rate.

    The receivers of `notify`, by name or id, are told when it ends.
    """

    job_type: Name
    queue_id: UUID | None = None
    queue_name: Name | None = None
    payload: Any | UnsetType = UNSET
    priority: Annotated[int, Meta(ge=0, le=9)] | None = None
    max_attempts: Annotated[int, Meta(ge=1, le=MAX_ATTEMPTS)] | None = None
    scheduled_for: Time | None = None
    delay_ms: Milliseconds | None = None
    timeout_ms: Annotated[int, Meta(ge=1, le=YEAR_MS)] | None = None
    expires_at: Time | None = None
    timeout_at: Time | None = None
    tags: Annotated[list[Name], Meta(max_length=MAX_TAGS)] = []
    key: Key | None = None
    key_period_ms: Milliseconds | None = None
    concurrency_key: Key | None = None
    concurrency_limit: Annotated[int, Meta(ge=1, le=MAX_PLACES)] | None = None
    fairness_key: Key | None = None
    requires: dict[str, Any] | None = None
    prefers: dict[str, Any] | None = None
    fairness_weight: Annotated[int, Meta(ge=1, le=MAX_WEIGHT)] | None = None
    slots: Annotated[int, Meta(ge=1, le=MAX_SLOTS)] | None = None
    rate_tokens: Annotated[int, Meta(ge=1, le=MAX_TOKENS)] | None = None
    notify: Annotated[list[Name], Meta(max_length=MOST_NOTIFIED)] = []

    def options(self) -> JobOptions:
        """What it says beyond type, queue and payload. Raises InvalidInput."""
        return JobOptions(
            priority=self.priority,
            delay=_seconds(self.delay_ms),
            run_at=self.scheduled_for,
            max_attempts=self.max_attempts,
            timeout=_seconds(self.timeout_ms),
            deadline=self.timeout_at,
            expires=self.expires_at,
            tags=self.tags or None,
            key=self.key,
            key_period=_seconds(self.key_period_ms),
            concurrency_key=self.concurrency_key,
            concurrency_limit=self.concurrency_limit,
            fairness_key=self.fairness_key,
            requires=self.requires,
            prefers=self.prefers,
            fairness_weight=self.fairness_weight,
            slots=self.slots,
            rate_tokens=self.rate_tokens,
            notify=self.notify or None,
        )

    @property
    def has_options(self) -> bool:
        """Whether it says anything beyond type, queue and payload."""
        return not (
            self.priority is None
            and self.max_attempts is None
            and self.scheduled_for is None
            and self.delay_ms is None
            and self.timeout_ms is None
            and self.expires_at is None
            and self.timeout_at is None
            and self.key is None
            and self.key_period_ms is None
            and self.concurrency_key is None
            and self.concurrency_limit is None
            and self.fairness_key is None
            and self.requires is None
            and self.prefers is None
            and self.fairness_weight is None
            and self.slots is None
            and self.rate_tokens is None
            and not self.tags
            and not self.notify
        )


class NewJobs(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Jobs that are all accepted, or none."""

    jobs: Annotated[list[NewJob], Meta(min_length=1, max_length=MAX_BULK)]


NEW_JOB_EXAMPLE = {
    "queue_name": "reports",
    "job_type": "reports.monthly",
    "payload": {"month": "2026-01"},
    "priority": 5,
    "max_attempts": 3,
    "tags": ["finance"],
}


def convert(value: Any, kind: Any) -> Any:
    """A parsed body as one of the structs above. Raises InvalidRequest with the place of what is wrong."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        detail, _, place = str(error).partition(" - at `$")
        pointer = place.rstrip("`").replace("[", "/").replace("]", "").replace(".", "/")
        raise InvalidRequest(
            f"{pointer}: {detail}" if pointer else detail, [(pointer, "invalid_value", detail)]
        ) from None


def schemas() -> dict[str, Any]:
    """The JSON schemas of these bodies, for the documentation."""
    _, found = msgspec.json.schema_components([NewJob, NewJobs], ref_template="#/components/schemas/{name}")
    found["NewJob"]["examples"] = [NEW_JOB_EXAMPLE]
    found["NewJob"]["properties"]["payload"] = {
        "description": "Any JSON; the parameters by name for a function's task.",
        "default": {},
    }
    return found


def request_body(name: str) -> dict[str, Any]:
    """The part of an operation's documentation that names one of them."""
    schema = {"$ref": f"#/components/schemas/{name}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def check_one_queue(draft: NewJob) -> None:
    """Raises InvalidInput when both names of the queue are given."""
    if draft.queue_id is not None and draft.queue_name is not None:
        raise InvalidInput("give queue_id or queue_name, not both", field="queue_name")


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
