"""Find the source files of the running Python's own standard library."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

from taskforge.domain.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Not the standard library (installed packages), or not source (byte code).
EXCLUDED_FOLDERS = frozenset({"site-packages", "dist-packages", "__pycache__"})


class NoLibrarySource(NotFound):
    """The running Python has no readable standard library source, as in some embedded builds."""


def library_root() -> Path:
    """The folder of the running Python's standard library; in a virtual environment, the base Python's."""
    return Path(sysconfig.get_path("stdlib"))


def source_files(root: Path | None = None, *, limit: int | None = None) -> list[Path]:
    """The library's `.py` files, sorted by their path below `root`.

    With `limit`, a sample of at most that many files, taken at even distances over the sorted list, so
    that a short run still sees the whole library. The same library and limit always give the same list.
    Files reached through a symbolic link to a folder are left out.

    Raises `InvalidInput` for a limit below 1, `NoLibrarySource` if there is nothing to read.
    """
    if limit is not None and limit < 1:
        raise InvalidInput(f"limit must be at least 1, not {limit}", field="limit")
    folder = root if root is not None else library_root()
    found = sorted(_walk(folder), key=lambda path: path.relative_to(folder).parts)
    if not found:
        raise NoLibrarySource(
            f"no Python source file below {folder}", hint="run the demo with a Python that ships its library"
        )
    return found if limit is None else evenly(found, limit)


def evenly(items: Sequence[Path], limit: int) -> list[Path]:
    """At most `limit` of the items in their order, the first one always among them, evenly spread."""
    if len(items) <= limit:
        return list(items)
    return [items[index * len(items) // limit] for index in range(limit)]


def relative_name(path: Path, root: Path | None = None) -> str:
    """The path below the library's root with forward slashes; unchanged if it lies elsewhere."""
    folder = root if root is not None else library_root()
    return (path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix()


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in EXCLUDED_FOLDERS]
        for name in files:
            path = Path(parent, name)
            if name.endswith(".py") and path.is_file():
                yield path
