"""The public names of Python as docs/python.md has them: signatures and docstrings, from the code."""

from __future__ import annotations

import ast
import inspect
import textwrap
import types
from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Any, NamedTuple, get_overloads

from scripts.markdown import code, table
from taskforge.domain import errors
from taskforge.sdk.fields import CallFields, ScheduleFields, TaskFields

GROUPS = {
    "application": ["taskforge.TaskForge", "taskforge.sdk.decorator.TaskDecorator"],
    "tasks": [
        "taskforge.Task",
        "taskforge.JobHandle",
        "taskforge.JobHandler",
        "taskforge.BaseScheduledJob",
    ],
    "running": [
        "taskforge.Context",
        "taskforge.current_job",
        "taskforge.sdk.context.TaskLogger",
        "taskforge.sdk.context.HeldLock",
        "taskforge.sdk.state.State",
    ],
    "outcomes": ["taskforge.Retry", "taskforge.Snooze", "taskforge.Cancel", "taskforge.Dead"],
    "hooks": ["taskforge.Depends", "taskforge.JobEnded"],
    "errors": [
        "taskforge.TaskforgeError",
        "taskforge.JobFailed",
        "taskforge.JobCancelled",
        "taskforge.QueueFull",
        "taskforge.ResultTimeout",
    ],
    "client": [
        "taskforge.client.Client",
        *(
            f"taskforge.client.{place}"
            for place in (
                "resources.Jobs",
                "resources.Queues",
                "resources.Workers",
                "resources.Tasks",
                "resources.Operations",
                "schedules.Schedules",
                "assignments.Assignments",
                "scaling.Scaling",
                "alerts.Alerts",
                "errors.Errors",
            )
        ),
    ],
    "testing": [
        "taskforge.testing.Harness",
        "taskforge.testing.EnqueuedJob",
        "taskforge.testing.MovableClock",
    ],
    "celery": [
        "taskforge.compat.celery.Celery",
        "taskforge.compat.celery.CeleryTask",
        "taskforge.compat.celery.AsyncResult",
    ],
}
MADE_BY_USERS = {
    *("TaskForge", "TaskforgeError", "Retry", "Snooze", "Cancel", "Dead"),
    *("Client", "Harness", "MovableClock", "Celery"),
}
"""The others are handed out, or subclassed: how they are made is nobody's affair."""
_OF_THE_RUNTIME = "For the runtime:"


class Member(NamedTuple):
    """One line of a class: how it is written, and what it does."""

    form: str
    meaning: str


def group(name: str) -> str:
    """All names of a group."""
    return "\n\n".join(_entry(place) for place in GROUPS[name])


def options() -> str:
    """The options of tasks and calls, with their types."""
    of_task, of_call, of_schedule = (_types(kind) for kind in (TaskFields, CallFields, ScheduleFields))
    rows = [
        (code(name), *(code(given[name]) if name in given else "" for given in (of_task, of_call)))
        for name in dict.fromkeys([*of_call, *of_task])
        if name not in of_schedule and name != "schedule"
    ]
    return table(("option", "`@app.task(...)`", "`task.options(...)`"), rows)


def schedule_options() -> str:
    """The fields of schedules in code."""
    return table(
        ("field", "type"), [(code(name), code(kind)) for name, kind in _types(ScheduleFields).items()]
    )


def _entry(place: str) -> str:
    found = found_at(place)
    name = _title(place, found)
    parts = [f"### {name}"]
    if not inspect.isclass(found):
        return "\n\n".join([*parts, f"```py\n{signature(found)}\n```", prose(found)])
    if found.__name__ in MADE_BY_USERS:
        parts.append(f"```py\n{_made(found)}\n```")
    if (text := prose(found)) != f"`{name}`.":
        parts.append(text)
    if attributes := _attributes(found):
        parts.append("Attributes: " + ", ".join(f"`{attribute}`" for attribute in attributes) + ".")
    called = name if name[0].islower() else name.lower()
    listed = [
        f"- `{form.replace('__call__', called)}`{': ' if meaning else ''}{meaning}"
        for form, meaning in members(found)
    ]
    if listed:
        parts.append("\n".join(listed))
    return "\n\n".join(parts)


def _title(place: str, found: Any) -> str:
    name: str = found.__name__
    if name == "TaskDecorator":
        return "app.task"
    is_resource = place.startswith("taskforge.client.") and name != "Client"
    return f"client.{name.lower()}" if is_resource else name


def found_at(place: str) -> Any:
    """What a dotted name leads to."""
    module, _, name = place.rpartition(".")
    return getattr(import_module(module), name)


def members(kind: type) -> list[Member]:
    """The public methods and properties with a docstring, its own first, then those that it inherits of ours."""
    listed: list[Member] = []
    seen: set[str] = set()
    for parent in kind.__mro__:
        if not parent.__module__.startswith("taskforge") or (parent is errors.TaskforgeError is not kind):
            continue
        for name, value in vars(parent).items():
            if name in seen or (name.startswith("_") and name != "__call__"):
                continue
            seen.add(name)
            listed += _member(name, value)
    return sorted(listed, key=lambda member: ("(" in member.form, 0))


def _member(name: str, value: Any) -> list[Member]:
    if isinstance(value, property):
        value = value.fget
        text = prose(value)
        returns = _definition(value).returns
        form = name if returns is None else f"{name}: {ast.unparse(returns)}"
        return [Member(form, text)] if text else []
    if not isinstance(value, types.FunctionType):
        return []
    text = prose(value)
    is_the_same_in_other_words = value.__name__ != name
    if not text or text.startswith(_OF_THE_RUNTIME) or is_the_same_in_other_words:
        return []
    forms = [signature(form) for form in get_overloads(value)] or [signature(value)]
    return [*(Member(form, "") for form in forms[:-1]), Member(forms[-1], text)]


def signature(function: Any) -> str:
    """As it stands in the code, without ``self``: ``async aresult(timeout: float | None = None) -> R``."""
    node = _definition(function)
    parameters = inspect.signature(function).parameters.values()
    written = [p for p in parameters if p.name != "self"]
    arguments = str(inspect.Signature([_readable(parameter) for parameter in written]))
    returns = "" if node.returns is None else ast.unparse(node.returns)
    decorators = {ast.unparse(decorator) for decorator in node.decorator_list}
    if decorators & {"contextmanager", "asynccontextmanager"}:
        word = "async with" if "asynccontextmanager" in decorators else "with"
        yielded = returns.partition("[")[2].removesuffix("]")
        return f"{word} {node.name}{arguments}" + ("" if yielded == "None" else f" as {yielded}")
    word = "async " if isinstance(node, ast.AsyncFunctionDef) else ""
    return f"{word}{node.name}{arguments}" + (f" -> {returns}" if returns else "")


class _Written(str):
    """An annotation, which is shown without quotation marks."""

    def __repr__(self) -> str:
        return str(self)


def _readable(parameter: inspect.Parameter) -> inspect.Parameter:
    if parameter.annotation is parameter.empty:
        return parameter
    return parameter.replace(annotation=_Written(parameter.annotation))


def prose(thing: Any) -> str:
    """Its docstring as Markdown, on one line."""
    text = inspect.cleandoc(thing.__doc__ or "")
    return " ".join(text.replace("``", "`").split())


def _definition(function: Any) -> ast.FunctionDef | ast.AsyncFunctionDef:
    node = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function)))).body[0]
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        raise TypeError(f"{function!r} is no function")
    return node


def _made(kind: type) -> str:
    maker = next((vars(parent)["__init__"] for parent in kind.__mro__ if "__init__" in vars(parent)), None)
    if is_dataclass(kind) or not isinstance(maker, types.FunctionType):
        return ""
    return signature(maker).replace("__init__", kind.__name__).removesuffix(" -> None")


def _attributes(kind: type) -> list[str]:
    if is_dataclass(kind):
        return [field.name for field in fields(kind)]
    slots = [name for name in vars(kind).get("__slots__", ()) if not name.startswith("_")]
    noted = [name for name in inspect.get_annotations(kind) if not name.startswith("_")]
    return slots or noted


def _types(kind: Any) -> dict[str, str]:
    """The fields of a TypedDict, inherited ones among them, as they are annotated."""
    return {name: annotation.__forward_arg__ for name, annotation in kind.__annotations__.items()}
