"""The commands by name. Each is imported and made when a line names it, and all of them for the help."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from taskforge.cli.options import FREE_ARGUMENTS
from taskforge.domain.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

MODULES: Mapping[str, str] = {
    "demo": "demo",
    "dev": "dev",
    "serve": "serve",
    "worker": "worker",
    "scheduler": "scheduler",
    "top": "top",
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


BESIDE_A_DATABASE: Mapping[str, str] = {
    "serve": "it is the server",
    "dev": "it is a server and a worker over a database of its own",
    "demo": "it makes a database for itself",
    "bench": "it measures databases that it makes for itself",
    "scheduler": "makes jobs of due times, by the database's clock and in its transactions",
    "scaling run": "leads the autoscalers of a database, and one alone may",
    "migrate": "makes and changes the tables of a database, which a server needs before it starts",
    "prune": "forgets jobs of all organizations at once, which no credential allows; processes do it by themselves",
}
"""The commands that do not go through a server, each with the reason; what is not here takes ``--server``."""


class Commands(TyperGroup):
    """The group of all commands."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names, in the order of the help."""
        return list(MODULES)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command of a line. Raises InvalidInput when a server was named on it that the command does not use."""
        words = args[:2]
        name = next(
            (known for known in BESIDE_A_DATABASE if known.split() == words[: len(known.split())]), None
        )
        if name is not None and ctx.params.get("server") is not None and "--help" not in args:
            raise goes_without(name)
        for likely in get_close_matches(args[0], MODULES) if args and args[0] not in MODULES else ():
            self.get_command(ctx, likely)  # what is made is proposed
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """One of them, or None."""
        if cmd_name in MODULES and cmd_name not in self.commands:
            self.commands[cmd_name] = _made(cmd_name)
        return self.commands.get(cmd_name)


def goes_without(name: str) -> InvalidInput:
    """That this command does not go through a server, and why."""
    return InvalidInput(
        f"`taskforge {name}` does not go through a server: {BESIDE_A_DATABASE[name]}",
        field="--server",
        hint="leave --server out, and TASKFORGE_SERVER unset",
    )


def _made(name: str) -> Any:
    module = import_module(f"taskforge.cli.{MODULES[name]}")
    parent = typer.Typer(rich_markup_mode=None)
    if hasattr(module, "commands"):
        parent.add_typer(module.commands, name=name)
    else:
        settings = FREE_ARGUMENTS if name in WITH_FREE_ARGUMENTS else None
        parent.command(name, context_settings=settings)(getattr(module, name))
    return typer.main.get_group(parent).commands[name]
