"""What makes two failures the same: the type of the exception and the user's own frames, read from the traceback's text.

Line numbers, addresses, messages and the place where an application is installed have no part in it: neither a
deployment nor another machine changes it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_FRAMES = 30
LONGEST_FRAME = 200
FILES_KNOWN = 4096
PLACELESS = frozenset({"TimeoutError", "HeartbeatTimeout", "WorkerLost", "InvalidResult"})
"""Where these happened is chance, or nowhere: they are told apart by their job type."""

_FRAME = re.compile(r'^[ |+]*File "(?P<file>[^"\n]+)", line \d+, in (?P<function>[^\n]+)$', re.MULTILINE)
_NOT_OWN = re.compile(
    r"[/\\](?:site|dist)-packages[/\\]"
    r"|[/\\]lib(?:64)?[/\\]python\d"
    r"|\\Lib\\"
    r"|^<frozen "
    r"|[/\\]taskforge[/\\](?:runtime|sdk|services|storage|wire|client|domain)[/\\]"
)
_CHANGING = re.compile(r"[0-9a-f]{7,}|\d+", re.IGNORECASE)


def own_frames(traceback: str | None) -> tuple[str, ...]:
    """The user's frames, outermost first, each once: ``reports/monthly.py: build``."""
    return tuple(dict.fromkeys(_frames(traceback or "")))[-MOST_FRAMES:]


def fingerprint_of(error_type: str, traceback: str | None, job_type: str | None = None) -> UUID:
    """The same for the same failure. Where no own frame is told, the job type stands for them."""
    import hashlib

    frames = () if error_type in PLACELESS else own_frames(traceback)
    place = tuple(map(_stable, frames)) or (f"job type {job_type}",)
    text = "\n".join((error_type, *place))
    return UUID(bytes=hashlib.sha256(text.encode("utf-8", "replace")).digest()[:16])


def _frames(traceback: str) -> Iterator[str]:
    for found in _FRAME.finditer(traceback):
        place = _own(found["file"])
        if place is not None:
            yield f"{place}: {found['function']}"[:LONGEST_FRAME]


@lru_cache(FILES_KNOWN)
def _own(file: str) -> str | None:
    """The user's file and its folder, since what stands before them differs from machine to machine; None of a library's."""
    if _NOT_OWN.search(file):
        return None
    return "/".join(file.replace("\\", "/").split("/")[-2:])


def _stable(frame: str) -> str:
    """A frame whose folder may be that of a release, with its number or hash."""
    folder, slash, rest = frame.partition("/")
    return _CHANGING.sub("0", folder) + slash + rest if slash else frame
