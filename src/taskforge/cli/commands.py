"""The commands by name. Each is imported and made when a line names it, and all of them for the help."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from taskforge.cli.options import FREE_ARGUMENTS

if TYPE_CHECKING:
    from collections.abc import Mapping

MODULES: Mapping[str, str] = {
    "demo": "demo",
    "dev": "dev",
    "serve": "serve",
    "worker": "worker",
    "scheduler": "scheduler",
    "run": "run",
    "enqueue": "enqueue",
    "migrate": "migrate",
    "prune": "prune",
    "doctor": "doctor",
    "config": "config",
    "bench": "bench",
    "jobs": "jobs",
    "queues": "queues",
    "pauses": "pauses",
    "breakers": "breakers",
    "workers": "workers",
    "assignments": "assignments",
    "schedules": "schedules",
    "scaling": "scaling",
    "errors": "error_groups",
    "alerts": "alerts",
    "organizations": "organizations",
    "projects": "projects",
    "users": "users",
    "roles": "roles",
    "keys": "keys",
    "audit": "audit",
}
"""The module of each command, in the order of the help: with a group ``commands``, or with a function of its own name."""

WITH_FREE_ARGUMENTS = {"run", "enqueue"}


class Commands(TyperGroup):
    """The group of all commands."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names, in the order of the help."""
        return list(MODULES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """One of them, or None."""
        if cmd_name in MODULES and cmd_name not in self.commands:
            self.commands[cmd_name] = _made(cmd_name)
        return self.commands.get(cmd_name)


def _made(name: str) -> Any:
    module = import_module(f"taskforge.cli.{MODULES[name]}")
    parent = typer.Typer(rich_markup_mode=None)
    if hasattr(module, "commands"):
        parent.add_typer(module.commands, name=name)
    else:
        settings = FREE_ARGUMENTS if name in WITH_FREE_ARGUMENTS else None
        parent.command(name, context_settings=settings)(getattr(module, name))
    return typer.main.get_group(parent).commands[name]
