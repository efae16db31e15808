"""What `taskforge worker` loads: ``taskforge.contrib.django.application:ALIAS``, with ``DJANGO_SETTINGS_MODULE`` set."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import django
from django.apps import apps
from django.conf import settings
from django.utils.module_loading import autodiscover_modules

if TYPE_CHECKING:
    from taskforge.contrib.django.app import DjangoApplication

if not apps.ready:
    django.setup()


def __getattr__(alias: str) -> DjangoApplication:
    """The application of one of ``TASKS``, with the tasks in ``tasks`` of each Django application, and in ``modules``."""
    from taskforge.contrib.django.backend import TaskForgeBackend
    from taskforge.contrib.django.framework import task_backends

    if alias.startswith("__") or alias not in settings.TASKS:
        raise AttributeError(alias)
    backend = task_backends[alias]
    if not isinstance(backend, TaskForgeBackend):
        raise AttributeError(alias)
    autodiscover_modules("tasks")
    for module in backend.app.modules:
        import_module(module)
    return backend.app
