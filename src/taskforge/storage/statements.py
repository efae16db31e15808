"""The named statements: read from `sql/`, never built from strings.

A statement stands in `common/`, or once in each dialect's folder; `catalog` refuses anything else. A
block may hold several statements; one under the comment `-- once` is run once where the others are run
for each row (see ``Many``), and the first values that one under `-- as NAME, NAME` answers with become the
parameters of these names of those after it (SQLite only; with more values its row comes last in the answer). One
under `-- counted` answers with one row, whose `stored` is how many rows it has changed (SQLite only). A
column under `-- alike` is given as one value where all rows have the same one: on PostgreSQL never NULL,
and in the same statement; on SQLite it is all columns or none, and the pieces after it are for the
others. A change under `-- audited` is committed together with its entry in the audit log, or not at all:
who drives a script sees to it (``storage.engine``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from taskforge.domain.errors import TaskforgeError

if TYPE_CHECKING:
    from collections.abc import Mapping

DIALECTS = ("sqlite", "postgres")

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]+)")
_BINDS = re.compile(r"^-- as (\w+(?:, \w+)*)$", re.MULTILINE)
_ALIKE = re.compile(r"^-- alike: (.+)$", re.MULTILINE)
_COMMENT = re.compile(r"--[^\n]*\n")


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement with its parameters in the order of their first use."""

    sql: str
    parameters: tuple[str, ...]
    once: bool = False
    audited: bool = False
    binds: tuple[str, ...] = ()
    counted: bool = False
    alike: tuple[str, ...] = ()

    def numbered(self, sign: str) -> str:
        """The statement with $1, $2 ... (or ?1, ?2 ...) in place of names.

        Both drivers bind by position several times faster than by name.
        """
        numbers = {name: f"{sign}{index}" for index, name in enumerate(self.parameters, 1)}
        return _PARAMETER.sub(lambda match: numbers[match[1]], self.sql)


@cache
def catalog(dialect: str) -> Mapping[str, tuple[Statement, ...]]:
    """All statements of a dialect by name."""
    blocks = dict(_read("common"))
    for name, block in _read(dialect).items():
        if name in blocks:
            raise TaskforgeError(f"statement {name!r} stands in common and in {dialect}")
        blocks[name] = block
    return blocks


def names(folder: str) -> frozenset[str]:
    """The names that a folder of `sql/` defines."""
    return frozenset(_read(folder))


@cache
def audited() -> frozenset[str]:
    """The names of the changes that have an entry in the audit log."""
    return frozenset(
        name for name, block in catalog("sqlite").items() if any(statement.audited for statement in block)
    )


@cache
def _read(folder: str) -> dict[str, tuple[Statement, ...]]:
    blocks: dict[str, tuple[Statement, ...]] = {}
    for file in sorted(files("taskforge.storage").joinpath("sql", folder).iterdir(), key=lambda f: f.name):
        parts = _NAME.split(file.read_text())
        for name, text in zip(parts[1::2], parts[2::2], strict=True):
            if name in blocks:
                raise TaskforgeError(f"statement {name!r} stands twice in {folder}")
            blocks[name] = tuple(
                _parse(piece) for piece in text.split(";\n") if _COMMENT.sub("", piece + "\n").strip()
            )
    return blocks


def _parse(piece: str) -> Statement:
    sql = _COMMENT.sub("", piece + "\n").strip()
    binds = _BINDS.search(piece)
    alike = _ALIKE.search(piece)
    return Statement(
        sql,
        tuple(dict.fromkeys(_PARAMETER.findall(sql))),
        once="-- once\n" in piece,
        audited="-- audited\n" in piece,
        binds=tuple(binds[1].split(", ")) if binds else (),
        counted="-- counted\n" in piece,
        alike=tuple(alike[1].split(", ")) if alike else (),
    )
