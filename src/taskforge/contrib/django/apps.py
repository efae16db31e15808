"""The Django application, for ``INSTALLED_APPS``: it brings ``manage.py taskforge``."""

from __future__ import annotations

from django.apps import AppConfig


class TaskForgeConfig(AppConfig):  # type: ignore[misc] # Django has no types
    """It has no models: TaskForge's tables are made by ``manage.py taskforge migrate``."""

    name = "taskforge.contrib.django"
    label = "taskforge"
    verbose_name = "TaskForge"
