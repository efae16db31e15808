"""The interface of task backends: Django's own since 6.0, before that the one of the package ``django-tasks``."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import django
from django.core.exceptions import ImproperlyConfigured

PACKAGE = "django.tasks" if django.VERSION >= (6, 0) else "django_tasks"


def _part(name: str) -> Any:
    try:
        return import_module(f"{PACKAGE}{name}")
    except ModuleNotFoundError as error:
        if error.name != "django_tasks":
            raise
        raise ImproperlyConfigured(
            f"Django {django.get_version()} has no tasks of its own: pip install django-tasks, or use Django 6"
        ) from error


_base, _exceptions = _part(".base"), _part(".exceptions")
signals = _part(".signals")
BaseTaskBackend = _part(".backends.base").BaseTaskBackend
task_backends = _part("").task_backends
DjangoTask, TaskContext, TaskError = _base.Task, _base.TaskContext, _base.TaskError
TaskResult, TaskResultStatus = _base.TaskResult, _base.TaskResultStatus
TaskResultDoesNotExist = _exceptions.TaskResultDoesNotExist
InvalidTask: type[Exception] = (
    _exceptions.InvalidTask if hasattr(_exceptions, "InvalidTask") else _exceptions.InvalidTaskError
)
normalize_json = _base.normalize_json
