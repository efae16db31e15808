"""Which jobs a list or a bulk operation means."""

from typing import Annotated, Any

import msgspec
from fastapi import Query

from taskforge.api.values import Id, Moment
from taskforge.domain.access import Permission, Principal
from taskforge.domain.errors import InvalidInput
from taskforge.domain.ids import QueueId
from taskforge.domain.job import JobStatus
from taskforge.domain.redaction import is_redacted
from taskforge.ports.history import JobFilter, PayloadCondition

MAX_DEPTH = 10

STATUS_WORDS: dict[str, tuple[JobStatus, ...]] = {
    **{status.value: (status,) for status in JobStatus},
    "waiting": (JobStatus.PENDING, JobStatus.SCHEDULED),
    "active": (JobStatus.PROCESSING,),
    "completed": (JobStatus.SUCCEEDED,),
}
"""The statuses, and the words of the plain queue for them."""


def filter_of(principal: Principal, **given: Any) -> JobFilter:
    """The filter that parameters or a body describe, within what the caller may see. Raises InvalidInput, Forbidden."""
    path = given.get("payload_path")
    if path is not None and any(is_redacted(name, principal.redacted) for name in path.split(".")):
        principal.require(Permission.PAYLOAD_UNREDACT)  # what is not shown cannot be searched for
    queue_ids = [QueueId(queue_id) for queue_id in given.get("queue_id") or ()] or None
    if principal.queue_ids is not None:
        queue_ids = [q for q in principal.queue_ids if queue_ids is None or q in queue_ids]
    return JobFilter(
        queue_ids=queue_ids,
        statuses=statuses_of(given.get("status")),
        job_type=given.get("job_type"),
        tag=given.get("tag"),
        created_from=given.get("created_from"),
        created_to=given.get("created_to"),
        scheduled_from=given.get("scheduled_from"),
        scheduled_to=given.get("scheduled_to"),
        dead_letter_queue_id=given.get("dead_letter_queue_id"),
        payload=payload_condition(given.get("payload_path"), given.get("payload_value")),
        error_text=given.get("error"),
        fingerprint=given.get("fingerprint"),
        ids=given.get("ids"),
    )


def statuses_of(words: list[str] | None) -> list[JobStatus] | None:
    """The statuses that words name. Raises InvalidInput for an unknown one: it never means all."""
    if not words:
        return None
    found: dict[JobStatus, None] = {}
    for word in words:
        if word not in STATUS_WORDS:
            raise InvalidInput(
                f"there is no status {word!r:.100}", field="status", hint=f"one of: {', '.join(STATUS_WORDS)}"
            )
        found |= dict.fromkeys(STATUS_WORDS[word])
    return list(found)


def payload_condition(path: str | None, value: str | None) -> PayloadCondition | None:
    """``customer.id`` and ``42``: a member of the payload and what it must be; what is no JSON is a text."""
    if path is None and value is None:
        return None
    if path is None or value is None:
        raise InvalidInput("payload_path and payload_value belong together", field="payload_path")
    names = tuple(path.split("."))
    if len(names) > MAX_DEPTH or not all(name and '"' not in name and name.isprintable() for name in names):
        raise InvalidInput(
            "payload_path must be names with dots between them, such as customer.id", field="payload_path"
        )
    try:
        wanted = msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError):
        wanted = value
    if isinstance(wanted, list | dict):
        raise InvalidInput(
            "payload_value must be a text, a number, true, false or null", field="payload_value"
        )
    if isinstance(wanted, str) and "\0" in wanted:
        raise InvalidInput("payload_value contains a NUL character", field="payload_value")
    return PayloadCondition(names, msgspec.json.encode(wanted).decode())


Statuses = Annotated[
    list[str] | None,
    Query(description="One or several of: " + ", ".join(STATUS_WORDS), max_length=20),
]
Text = Annotated[str | None, Query(min_length=1, max_length=100)]
Error = Annotated[
    str | None, Query(min_length=1, max_length=200, description="A text in the last attempt's error.")
]
Fingerprint = Annotated[
    Id | None, Query(description="Jobs whose last attempt failed as those of the error group that has it.")
]
PayloadPath = Annotated[
    str | None, Query(min_length=1, max_length=200, description="A member of the payload: `customer.id`.")
]
PayloadValue = Annotated[
    str | None, Query(max_length=200, description="What that member is, as JSON or as a text.")
]
QueueIds = Annotated[list[Id] | None, Query(max_length=100)]
Time = Annotated[Moment | None, Query()]
