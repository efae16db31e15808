"""How a task's function is found again in a child process, which imports the module that defines it."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from taskforge.domain.errors import InvalidInput
from taskforge.domain.job_options import JobOptions
from taskforge.sdk.registry import tasks_anywhere
from taskforge.sdk.task import Task, make_task

if TYPE_CHECKING:
    from collections.abc import Sequence


class Place(NamedTuple):
    """A module as a child imports it. ``file``: a program that was started by its file, not by its name."""

    module: str
    file: str | None = None


def place_of(task: Task[..., Any]) -> Place:
    """Where the task's function is defined. Raises InvalidInput when no other process can import that."""
    module: str = inspect.unwrap(task.function).__module__
    if module != "__main__":
        return Place(module)
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return Place(spec.name)
    file = Path(getattr(main, "__file__", ""))
    if file.is_file():
        return Place(file.stem, str(file.resolve()))
    raise InvalidInput(
        f"{task.name} cannot run in a child process: it was typed at a prompt or given by -c, "
        "where nobody can import it from",
        field="pool",
        hint="write it into a file",
    )


def import_places(places: Sequence[Place]) -> None:
    """Import them all; what stands under ``if __name__ == "__main__":`` does not run."""
    for module, file in places:
        if file is not None:
            _import_file(module, file)
        else:
            importlib.import_module(module)


def find_task(name: str, module: str, qualname: str) -> Task[..., Any]:
    """The task of that name, once its module is imported. Raises InvalidInput.

    One that a module registers which was not imported is made anew from its function.
    """
    candidates = tasks_anywhere(name)
    same = [task for task in candidates if inspect.unwrap(task.function).__qualname__ == qualname]
    if same or candidates:
        return (same or candidates)[0]
    found: Any = sys.modules.get(module)
    for part in qualname.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        raise InvalidInput(
            f"a child process has imported {module} and finds no task {name!r} there",
            field="pool",
            hint="register it where the module is imported, not in a function that only the worker calls, "
            'nor under `if __name__ == "__main__":`',
        )
    nobody: Any = None
    return make_task(
        found.function if isinstance(found, Task) else found,
        name=name,
        queue="",
        pool="process",
        options=JobOptions(),
        backend=nobody,
    )


def _import_file(name: str, file: str) -> None:
    if name in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} cannot be imported", name=name, path=file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
