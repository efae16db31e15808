"""For tests of programs that use TaskForge: the pytest fixture ``taskforge``, and what it is made of.

pytest imports this package in every run, so what is in it is loaded when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from taskforge.testing.clock import MovableClock
    from taskforge.testing.harness import Harness
    from taskforge.testing.jobs import EnqueuedJob

__all__ = ["EnqueuedJob", "Harness", "MovableClock"]
_PLACES = {"EnqueuedJob": "jobs", "Harness": "harness", "MovableClock": "clock"}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
