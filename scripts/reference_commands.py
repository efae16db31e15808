"""The commands as docs/commands.md has them: usage, arguments, options, defaults, from what the parser is made of."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, NamedTuple, get_args, get_origin, get_type_hints

import typer
from typer.models import ArgumentInfo, OptionInfo

from scripts.markdown import code, table
from taskforge.cli.commands import BESIDE_A_DATABASE
from taskforge.cli.main import application

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = "taskforge"


class Given(NamedTuple):
    """An argument or an option of a command."""

    form: str
    """As it is written: ``ID``, ``--limit, -n N``."""
    meaning: str
    default: str
    is_option: bool
    is_needed: bool


class Command(NamedTuple):
    """A command, by all the words of its name."""

    words: tuple[str, ...]
    text: str
    given: list[Given]
    is_group: bool

    @property
    def usage(self) -> str:
        """What its line looks like."""
        options = [one for one in self.given if one.is_option]
        needed = [one.form for one in options if one.is_needed]
        arguments = [
            one.form if one.is_needed else f"[{one.form}]" for one in self.given if not one.is_option
        ]
        rest = ["[OPTIONS]"] if len(needed) < len(options) else []
        return " ".join([ROOT, *self.words, *needed, *rest, *arguments])


def reference() -> str:
    """All of them, groups before what is in them."""
    return "\n\n".join(_entry(command) for command in commands() if command.words)


def global_options() -> str:
    """What every command takes."""
    [whole] = [command for command in commands() if not command.words]
    return _options(whole.given)


def commands() -> Iterator[Command]:
    """The command itself, whose name has no words, and all below it, in the order of the help."""
    yield from _below(typer.main.get_command(application), ())


def _below(found: Any, words: tuple[str, ...]) -> Iterator[Command]:
    is_group = hasattr(found, "list_commands")
    is_made_of_a_function = found.callback is not None
    given = _given(inspect.unwrap(found.callback)) if is_made_of_a_function else []
    yield Command(words, inspect.cleandoc(found.help or ""), given, is_group)
    if is_group:
        context = typer.Context(found)
        for name in found.list_commands(context):
            yield from _below(found.get_command(context, name), (*words, name))


def _given(function: Callable[..., object]) -> list[Given]:
    hints = get_type_hints(function, include_extras=True)
    found = [
        _one(parameter, hints[parameter.name].__origin__, info)
        for parameter in inspect.signature(function).parameters.values()
        for info in getattr(hints[parameter.name], "__metadata__", ())
        if isinstance(info, ArgumentInfo | OptionInfo) and not info.hidden
    ]
    return sorted(found, key=lambda one: one.is_option)


def _one(parameter: inspect.Parameter, kind: Any, info: ArgumentInfo | OptionInfo) -> Given:
    is_needed = parameter.default is parameter.empty
    is_option = isinstance(info, OptionInfo)
    value = info.metavar or parameter.name.removesuffix("_").upper()
    form = f"{value}..." if _is_many(kind) else value
    if is_option:
        names = [name for name in (info.default, *(info.param_decls or ())) if isinstance(name, str)]
        form = ", ".join(names) + ("" if kind is bool else f" {value}")
    return Given(form, _meaning(info), _default(parameter, kind), is_option, is_needed)


def _is_many(kind: Any) -> bool:
    return any(get_origin(one) is list for one in (kind, *get_args(kind)))


def _meaning(info: ArgumentInfo | OptionInfo) -> str:
    text = (info.help or "").replace("|", "\\|")
    least, most = info.min, info.max
    if least is not None and most is not None:
        return f"{text} {least:,g} to {most:,g}."
    return text if least is None else f"{text} At least {least:,g}."


def _default(parameter: inspect.Parameter, kind: Any) -> str:
    if parameter.default is parameter.empty:
        return "needed"
    if isinstance(parameter.default, bool):
        return "on" if parameter.default else ""
    if parameter.default in (None, ""):
        return ""
    return code(str(parameter.default))


def _entry(command: Command) -> str:
    level = "##" if len(command.words) == 1 else "###"
    name = " ".join(command.words)
    parts = [f"{level} {name}"]
    if not command.is_group:
        parts.append(code(command.usage))
    parts.append("\n\n".join(" ".join(paragraph.split()) for paragraph in command.text.split("\n\n")))
    if command.given:
        parts.append(_options(command.given))
    if name in BESIDE_A_DATABASE:
        parts.append(f"Takes no `--server`: {BESIDE_A_DATABASE[name]}.")
    return "\n\n".join(parts)


def _options(given: list[Given]) -> str:
    return table(
        ("argument or option", "what it is", "default"),
        [(code(one.form), one.meaning, one.default) for one in given],
    )
