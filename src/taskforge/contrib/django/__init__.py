"""Django's tasks on TaskForge: ``TASKS = {"default": {"BACKEND": "taskforge.contrib.django.TaskForgeBackend", ...}}``."""

from taskforge.contrib.django.backend import TaskForgeBackend
from taskforge.contrib.django.options import job_options

__all__ = ["TaskForgeBackend", "job_options"]
