"""Settings and tasks of a Django project, in one module: importing it sets Django up for this process."""

from __future__ import annotations

import asyncio
from typing import Any

import django
from django.conf import settings

from taskforge import Dead, Snooze
from taskforge.contrib.django import job_options
from taskforge.contrib.django.framework import _base

BACKPORT = [] if django.VERSION >= (6, 0) else ["django_tasks"]
BACKEND = "taskforge.contrib.django.TaskForgeBackend"
OPTIONS: dict[str, Any] = {"database_url": "sqlite://:memory:", "modules": ["tests.contrib.django_project"]}

settings.configure(
    SECRET_KEY="of tests",
    USE_TZ=True,
    TIME_ZONE="Asia/Jakarta",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=["taskforge.contrib.django", *BACKPORT],
    TASKS={"default": {"BACKEND": BACKEND, "QUEUES": ["default", "reports"], "OPTIONS": OPTIONS}},
)
django.setup()

task: Any = _base.task
seen: list[Any] = []


@task
def add(a: int, b: int = 1) -> int:
    return a + b


@task(queue_name="reports", priority=10)
async def report(day: str) -> dict[str, str]:
    await asyncio.sleep(0)
    return {"day": day}


@task
def note(word: str) -> None:
    seen.append(word)


@task
def refuse() -> None:
    raise LookupError("the shelf\nis empty")


@task
def odd() -> object:
    return lambda: 1


@task
def leave() -> None:
    raise SystemExit("enough")


@task(takes_context=True)
@job_options(max_attempts=3, retry_base=1, retry_jitter=False)
def third_time(context: Any, word: str) -> str:
    result = context.task_result
    seen.append((context.attempt, result.attempts, len(result.errors), result.status, result.args))
    if context.attempt < 3:
        raise ConnectionError(word)
    return f"{word} {result.id}"


@task(takes_context=True)
@job_options(max_attempts=3)
async def give_up(context: Any) -> None:
    seen.append(context.task_result.worker_ids)
    raise Dead("there is no use") if context.attempt == 2 else Snooze(5)


def plain() -> None:
    """No task."""
