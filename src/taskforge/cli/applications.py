"""Finding the user's application: ``module:app``, a file, or by itself."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskforge.domain.errors import Conflict, InvalidInput, NotFound, TaskforgeError

if TYPE_CHECKING:
    from types import ModuleType

    from taskforge.app import TaskForge
    from taskforge.settings import Settings

CANDIDATES = ("tasks.py", "app.py", "main.py")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an application is looked for. ``folder`` has to be importable from; no ``name``: the only one."""

    module: str
    name: str | None
    folder: Path
    file: Path | None = None

    def __str__(self) -> str:
        return str(self.file or self.module) + (f":{self.name}" if self.name else "")


def places(reference: str | None, settings: Settings) -> list[Place]:
    """Where to look, without importing anything. Raises NotFound when there is nothing to look at."""
    folder = Path.cwd()
    if reference is None and settings.app is not None:
        reference = settings.app
        origin = Path(settings.origins["app"])
        folder = origin.parent if origin.suffix == ".toml" else folder
    if reference is not None:
        return [_place(reference, folder)]
    found = [_place(name, folder) for name in CANDIDATES if (folder / name).is_file()]
    if not found:
        raise NotFound(
            f"no application was found: {folder} has no {', '.join(CANDIDATES[:-1])} or {CANDIDATES[-1]}, "
            "and the setting `app` is not set",
            hint="name it (`module:app` or a file), or change to its folder",
        )
    return found


def find_application(reference: str | None, settings: Settings) -> TaskForge:
    """The application at that place, else at the setting `app`, else in tasks.py, app.py or main.py.

    Raises NotFound with the places that were tried, InvalidInput when the module cannot be imported.
    """
    looked_at = places(reference, settings)
    if reference is not None or settings.app is not None:
        return _load(looked_at[0])
    for place in looked_at:
        applications = _applications(_module(place))
        if applications:
            return _only(applications, place)
    raise NotFound(
        f"no application was found: there is no TaskForge() in {', '.join(map(str, looked_at))}",
        hint="write one (`app = TaskForge()`), or name its place: `module:app` or a file",
    )


def _place(reference: str, folder: Path) -> Place:
    target, _, name = reference.partition(":")
    if not target or (":" in reference and not name):
        raise InvalidInput(f"{reference!r} names no application", hint="write `module:app` or a file")
    if not target.endswith(".py") and "/" not in target and "\\" not in target:
        return Place(target, name or None, folder)
    file = (folder / target).resolve()
    if not file.is_file():
        raise NotFound(f"there is no file {file}", hint="write `module:app` or an existing file")
    parts = [file.stem]
    root = file.parent
    while (root / "__init__.py").is_file():
        parts.insert(0, root.name)
        root = root.parent
    return Place(".".join(parts), name or None, root, file)


def _load(place: Place) -> TaskForge:
    from taskforge.app import TaskForge

    module = _module(place)
    if place.name is None:
        return _only(_applications(module), place)
    value: Any = module
    for part in place.name.split("."):
        value = getattr(value, part, None)
    if isinstance(value, TaskForge):
        return value
    known = ", ".join(_applications(module))
    hint = f"it has: {known}" if known else "write one there: `app = TaskForge()`"
    if value is None:
        raise NotFound(f"module {place.module} has no {place.name!r}", hint=hint)
    raise InvalidInput(f"{place} is a {type(value).__name__}, not a TaskForge application", hint=hint)


def _only(applications: dict[str, TaskForge], place: Place) -> TaskForge:
    if not applications:
        raise NotFound(f"there is no TaskForge() in {place}", hint="write one: `app = TaskForge()`")
    if len({id(application) for application in applications.values()}) > 1:
        raise Conflict(
            f"{place} has several applications: {', '.join(applications)}",
            hint=f"name one: {place}:{next(iter(applications))}",
        )
    return next(iter(applications.values()))


def _applications(module: ModuleType) -> dict[str, TaskForge]:
    from taskforge.app import TaskForge

    return {name: value for name, value in vars(module).items() if isinstance(value, TaskForge)}


def _module(place: Place) -> ModuleType:
    """Import it as the user's own programs do, so that tasks get the same names."""
    for folder in dict.fromkeys((str(Path.cwd()), str(place.folder))):
        if folder not in sys.path:
            sys.path.insert(0, folder)
    try:
        module = importlib.import_module(place.module)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{place.module}.".startswith(f"{error.name}."):
            raise NotFound(
                f"there is no module {error.name!r}, looked for in {place.folder} and on the Python path",
                hint="write `module:app` or a file",
            ) from None
        raise _broken(place, error) from error
    except TaskforgeError as error:
        error.message += _said_where(error)
        raise
    except (Exception, SystemExit) as error:
        raise _broken(place, error) from error
    origin = getattr(module, "__file__", None)
    if place.file is not None and origin is not None and Path(origin).resolve() != place.file:
        raise Conflict(
            f"{place.file} cannot be imported: another module is called {place.module!r} ({origin})",
            hint="rename the file",
        )
    return module


def _said_where(error: BaseException) -> str:
    """The line of the user's own that led to an error of ours, such as a decorator with a wrong option."""
    import traceback

    import taskforge

    ours = str(Path(taskforge.__file__).parent)
    of_user = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith((ours, "<", importlib.__file__))
    ]
    if not of_user or of_user[-1].filename in str(error):
        return ""
    return f" ({of_user[-1].filename}, line {of_user[-1].lineno})"


def _broken(place: Place, error: BaseException) -> InvalidInput:
    import traceback

    if isinstance(error, SyntaxError):
        said, where = error.msg, f"{error.filename}, line {error.lineno}"
    else:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        said, where = str(error), f"{frame.filename}, line {frame.lineno}"
    return InvalidInput(
        f"importing {place} failed: {type(error).__name__}: {said} ({where})",
        hint="`taskforge -v ...` shows the whole traceback",
    )
