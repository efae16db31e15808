"""What a task is called when its code does not say."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from taskforge.domain.bounds import check_job_type
from taskforge.domain.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable


def default_task_name(function: Callable[..., Any]) -> str:
    """``module.qualname``; ``__main__`` becomes the file's module, as a worker will import it."""
    qualified = getattr(function, "__qualname__", None)
    if qualified is None or "<lambda>" in qualified:
        raise InvalidInput(
            f"{function!r} has no name of its own", field="name", hint="give one: app.task(name=...)"
        )
    module = _main_module() if function.__module__ == "__main__" else function.__module__
    return check_job_type(f"{module}.{qualified.replace('<locals>.', '')}")


def place_of(function: Callable[..., Any]) -> str:
    """``file:line`` of a function or of a handler's class, for error messages."""
    code = getattr(function, "__code__", None)
    if code is None:
        return f"module {getattr(function, '__module__', '?')}"
    return f"{code.co_filename}:{code.co_firstlineno}"


def _main_module() -> str:
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return str(spec.name).removesuffix(".__main__")
    file = getattr(main, "__file__", None)
    if file is None:
        return "__main__"
    return str(file).replace("\\", "/").rpartition("/")[2].removesuffix(".py")
