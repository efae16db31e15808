"""``manage.py taskforge worker``: TaskForge's command line, on what ``TASKS`` says."""

from __future__ import annotations

import os
import sys
from argparse import REMAINDER
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from taskforge.cli.main import run_command
from taskforge.contrib.django.backend import TaskForgeBackend
from taskforge.contrib.django.framework import task_backends
from taskforge.settings import PREFIX

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence

OF_DJANGO = ("--settings", "--pythonpath")
"""What `manage.py` has read already."""
APPLICATION = "taskforge.contrib.django.application"


class Command(BaseCommand):  # type: ignore[misc] # Django has no types
    """All words but ``--backend`` go to the command line of TaskForge as they are."""

    help = "TaskForge's command line: worker, dev, migrate, jobs, queues ... (taskforge --help)."

    def run_from_argv(self, argv: Sequence[str]) -> None:
        """From the command line; exits with TaskForge's exit code."""
        sys.exit(self.run(argv[2:]))

    def add_arguments(self, parser: ArgumentParser) -> None:
        """For ``call_command("taskforge", "migrate")``."""
        parser.add_argument("--backend", help="One of TASKS, where several are TaskForge's.")
        parser.add_argument("words", nargs=REMAINDER, help="What `taskforge` is to be told.")

    def handle(self, *, words: Sequence[str], backend: str | None, **options: Any) -> None:
        """Raises CommandError when the command ends with another code than 0."""
        code = self.run(words if backend is None else ["--backend", backend, *words])
        if code:
            raise CommandError(f"taskforge {' '.join(words)} ended with code {code}", returncode=code)

    def run(self, words: Sequence[str]) -> int:
        """Run TaskForge's command with these words; answers its exit code. Raises CommandError."""
        rest, alias = _parted(words)
        backend = _chosen(alias)
        os.environ[f"{PREFIX}APP"] = f"{APPLICATION}:{backend.alias}"
        for name, value in backend.app.arguments.items():
            os.environ[f"{PREFIX}{name.upper()}"] = str(value)
        # processes that the command starts look for the project where `manage.py` has found it
        found = (sys.path[0], os.environ.get("PYTHONPATH"))
        os.environ["PYTHONPATH"] = os.pathsep.join(path for path in found if path)
        return run_command(rest or ["--help"])


def _parted(words: Sequence[str]) -> tuple[list[str], str | None]:
    """The words without those of Django and of this command, and the backend that was named."""
    rest: list[str] = []
    named: dict[str, str] = {}
    waiting = iter(words)
    for word in waiting:
        option, _, value = word.partition("=")
        if option in (*OF_DJANGO, "--backend"):
            named[option] = value or next(waiting, "")
        else:
            rest.append(word)
    return rest, named.get("--backend")


def _chosen(alias: str | None) -> TaskForgeBackend:
    own = [name for name in settings.TASKS if isinstance(task_backends[name], TaskForgeBackend)]
    if alias is None and own:
        alias = "default" if "default" in own else own[0]
    if alias not in own:
        raise CommandError(
            f"no TaskForgeBackend is called {alias!r} in TASKS; there are: {', '.join(own) or 'none'}"
        )
    backend: TaskForgeBackend = task_backends[alias]
    return backend
