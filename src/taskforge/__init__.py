"""TaskForge: durable background jobs.

``from taskforge import TaskForge`` is all that most programs need.
"""

from taskforge.app import TaskForge
from taskforge.domain.errors import (
    JobCancelled,
    JobFailed,
    QueueFull,
    ResultTimeout,
    TaskforgeError,
)
from taskforge.sdk.context import Context, current_job
from taskforge.sdk.dependencies import Depends
from taskforge.sdk.handle import JobHandle
from taskforge.sdk.handler import JobHandler
from taskforge.sdk.hooks import JobEnded
from taskforge.sdk.outcomes import Cancel, Dead, Retry, Snooze
from taskforge.sdk.scheduled_job import BaseScheduledJob
from taskforge.sdk.task import Task

__all__ = [
    "BaseScheduledJob",
    "Cancel",
    "Context",
    "Dead",
    "Depends",
    "JobCancelled",
    "JobEnded",
    "JobFailed",
    "JobHandle",
    "JobHandler",
    "QueueFull",
    "ResultTimeout",
    "Retry",
    "Snooze",
    "Task",
    "TaskForge",
    "TaskforgeError",
    "current_job",
]
