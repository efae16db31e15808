"""The tasks of an application by name."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from taskforge.domain.errors import Conflict, DuplicateTask, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from taskforge.sdk.task import Task

_registries: weakref.WeakSet[Registry] = weakref.WeakSet()


class Registry:
    """A name belongs to one task. Iterates over the tasks in the order in which they came."""

    def __init__(self) -> None:
        self._tasks: dict[str, Task[..., Any]] = {}
        _registries.add(self)

    def add(self, task: Task[..., Any]) -> None:
        """Register a task. Raises DuplicateTask when another one has its name."""
        present = self._tasks.get(task.name)
        if present is not None and present is not task and not _is_redefined(present, task):
            raise DuplicateTask(
                f"two tasks are called {task.name!r}: at {present.place} and at {task.place}",
                hint="give one of them a name: @app.task(name=...)",
            )
        self._tasks[task.name] = task

    def get(self, name: str) -> Task[..., Any] | None:
        """The task of exactly this name."""
        return self._tasks.get(name)

    def find(self, text: str) -> Task[..., Any]:
        """The task of this name, or of the only name that ends with it: ``add`` finds ``shop.tasks.add``.

        Raises NotFound with the nearest names, or Conflict with the candidates.
        """
        exact = self._tasks.get(text)
        if exact is not None:
            return exact
        candidates = [task for name, task in self._tasks.items() if name.endswith(f".{text}")]
        if len(candidates) == 1:
            return candidates[0]
        if candidates:
            names = ", ".join(sorted(task.name for task in candidates))
            raise Conflict(f"{text!r} could be any of: {names}", hint="write more of the name")
        raise NotFound(f"there is no task {text!r}", hint=self._suggestion(text))

    def subset(self, names: Iterable[str]) -> Registry:
        """A registry of these tasks alone. Raises NotFound, Conflict."""
        chosen = Registry()
        for name in names:
            chosen.add(self.find(name))
        return chosen

    @property
    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._tasks)

    def __iter__(self) -> Iterator[Task[..., Any]]:
        return iter(list(self._tasks.values()))

    def __len__(self) -> int:
        return len(self._tasks)

    def __contains__(self, name: object) -> bool:
        return name in self._tasks

    def _suggestion(self, text: str) -> str:
        if not self._tasks:
            return "no task is registered; was the module that defines them imported?"
        import difflib

        last_parts = {name.rpartition(".")[2]: name for name in self._tasks}
        near = difflib.get_close_matches(text, [*self._tasks, *last_parts], n=3)
        names = [last_parts.get(name, name) for name in near] or self.names[:10]
        return f"tasks: {', '.join(dict.fromkeys(names))}"


def tasks_anywhere(name: str) -> list[Task[..., Any]]:
    """The tasks of this name in all registries of this process: a child process knows of no application."""
    found = [registry.get(name) for registry in list(_registries)]
    return [task for task in found if task is not None]


def _is_redefined(old: Task[..., Any], new: Task[..., Any]) -> bool:
    """Whether the same code came again: a reloaded module, or a function typed anew at a prompt."""
    old_code, new_code = (getattr(task.function, "__code__", None) for task in (old, new))
    if old_code is None or new_code is None or old_code is new_code:
        return False
    at_a_prompt = old.place.startswith("<") and new.place.startswith("<")
    return at_a_prompt or old.place == new.place
