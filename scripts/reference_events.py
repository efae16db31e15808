"""The events as docs/events.md has them: what is told within a worker, as a stream, and to webhooks."""

from __future__ import annotations

import ast
import inspect
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from scripts.markdown import code, table
from taskforge.domain.alert import AlertStatus
from taskforge.domain.job import FINISHED
from taskforge.domain.scaling_policy import ScalingAction
from taskforge.ports.signals import Topic
from taskforge.sdk.hooks import EVENTS, JobEnded
from taskforge.services.live import KINDS, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable


class Told(NamedTuple):
    """A message to a webhook: its types, when it is sent, and the function whose dict is its data."""

    types: Iterable[str]
    when: str
    written_by: str


MESSAGES = (
    Told(
        [f"alert.{status}" for status in AlertStatus if status is not AlertStatus.PENDING],
        "an alert fires, and when it has recovered",
        "taskforge.storage.alerts",
    ),
    Told(
        [f"job.{status}" for status in sorted(FINISHED)],
        "a job has ended of which a receiver wants to hear",
        "taskforge.storage.notices",
    ),
    Told(
        [f"workers.{action}" for action in ScalingAction if action.startswith("scale")],
        "a scaling policy with the provisioner `webhook` orders workers",
        "taskforge.provisioning.webhook",
    ),
    Told(["test"], "somebody tries a receiver", "taskforge.services.receivers"),
)
TOPICS = {
    Topic.READY: "jobs may be handed out",
    Topic.FINISHED: "attempts have ended",
    Topic.CANCEL: "a running job is to be cancelled",
    Topic.QUEUE: "a queue was made, changed or removed",
    Topic.WORKER: "a worker came or left",
    Topic.BREAKER: "a circuit breaker was made, changed or removed, or has turned",
    Topic.SCHEDULE: "a schedule was made, changed, removed or run by hand",
}
NOT_SHOWN = {Topic.OFFERED}
"""Told as `ready`."""
MEMBERS = {
    "alert_id": "the alert, from firing to recovery",
    "event_id": "this change of it",
    "project_id": "the project",
    "rule_id": "the rule",
    "rule": "the rule's name",
    "kind": "what the rule watches",
    "subject": "the queue, job type, worker or schedule that is meant",
    "value": "what was measured",
    "threshold": "what the rule allows",
    "description": "the rule's own",
    "job_id": "the job",
    "queue_id": "the queue",
    "queue_name": "the queue's name",
    "job_type": "the job's type",
    "status": "how it ended",
    "attempt_count": "attempts that were spent",
    "created_at": "when it was enqueued",
    "completed_at": "when it ended",
    "error_type": "the exception's type if it failed, else null",
    "decision_id": "the decision; the same when it is told again",
    "target": "what the policy names as the thing to scale, or null",
    "from_workers": "workers there are",
    "desired_workers": "workers there shall be",
    "max_workers": "the policy's most",
    "reason": "why, as a code",
    "message": "why, in words",
    "draining": "workers that were asked to leave, with `name` and `host`",
    "receiver": "the receiver's name",
    "asked_by": "who tried it",
}


def job_events() -> str:
    """What `app.on` can be told of."""
    return table(("event", "when"), [(f"`{name}`", when) for name, when in EVENTS.items()])


def job_members() -> str:
    """The members of JobEnded."""
    rows = [(f"`{name}`", code(kind.__forward_arg__)) for name, kind in JobEnded.__annotations__.items()]
    return table(("member", "type"), rows)


def live_events() -> str:
    """What the stream of changes says."""
    rows = [
        (f"`{KINDS[topic]}`", f"`{topic.value}`", TOPICS[topic]) for topic in Topic if topic not in NOT_SHOWN
    ]
    every = [
        (f"`{kind}`", "`any`", "hints were lost on the way: any of them may have changed") for kind in Kind
    ]
    return table(("event", "topic", "something of this may have happened"), [*rows, *every])


def live_members() -> str:
    """The members of the data of such an event."""
    return ", ".join(f"`{name}`" for name in members_in("taskforge.api.routes.events", "_written"))


def webhook_events() -> str:
    """What webhooks are told."""
    rows = []
    for told in MESSAGES:
        members = [f"`{name}` ({MEMBERS[name]})" for name in data_of(told)]
        rows.append((", ".join(f"`{kind}`" for kind in told.types), told.when, "; ".join(members)))
    return table(("type", "sent when", "data"), rows)


def data_of(told: Told) -> list[str]:
    """The members of the data of a message."""
    return members_in(told.written_by, "test" if told.written_by.endswith("receivers") else "_message")


def members_in(module: str, function: str) -> list[str]:
    """The keys of the largest dict that a function of this name writes down."""
    tree = ast.parse(inspect.getsource(import_module(module)))
    places = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == function
    ]
    dicts = [node for place in places for node in ast.walk(place) if isinstance(node, ast.Dict)]
    largest = max(dicts, key=_ranked)
    return [key.value for key in largest.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]


def _ranked(node: ast.Dict) -> int:
    return len(node.keys)
