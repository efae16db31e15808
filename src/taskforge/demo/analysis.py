"""What one Python source file contains: its lines, imports, functions, classes and branches."""

from __future__ import annotations

import ast
import hashlib
import threading
import warnings
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskforge.demo.sources import relative_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_ONE_BRANCH = (
    ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.match_case,
)  # fmt: skip
# Counted by their class alone; what else matters has to be looked into.
_COUNTED = frozenset((*_FUNCTIONS, ast.ClassDef, *_ONE_BRANCH))
_LOOKED_INTO = frozenset(
    (ast.Import, ast.ImportFrom, ast.BoolOp, ast.comprehension, ast.Constant, ast.JoinedStr)
)
# More than half of a tree are names, attributes' names, operators and contexts: nothing to find there.
_PLAIN_FIELDS = frozenset(("id", "attr", "ctx", "op", "ops", "arg", "kind", "name", "type_comment"))

_FIELDS: dict[type[ast.AST], tuple[str, ...]] = {}

# `warnings.catch_warnings` swaps a list of the whole process, so two threads must not be in it at once.
# Parsing holds the interpreter anyway; the lock costs nothing.
_parsing = threading.Lock()


@dataclass(frozen=True, slots=True)
class FileFacts:
    """The facts of one file. `lines` is the sum of `code_lines`, `blank_lines` and `comment_lines`."""

    path: str
    """Below the library's root, with forward slashes; of a file elsewhere the path as it was given."""
    size: int
    """In bytes."""
    sha256: str
    lines: int
    code_lines: int
    """Everything that is neither blank nor only a comment; documentation strings are code here."""
    blank_lines: int
    comment_lines: int
    functions: int
    """`def` and `async def`, methods and nested ones included; lambdas are not."""
    classes: int
    branches: int
    """Decision points, as cyclomatic complexity counts them (the 1 per function left out)."""
    imports: tuple[str, ...]
    """Names of the top-level modules imported anywhere in the file, sorted; relative imports left out."""

    def as_dict(self) -> dict[str, Any]:
        """JSON values only; `from_dict` reads it back."""
        return {**asdict(self), "imports": list(self.imports)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FileFacts:
        """Raises `KeyError` or `TypeError` for missing or unknown keys."""
        return cls(**{**values, "imports": tuple(values["imports"])})


def analyse(path: Path | str, root: Path | None = None) -> FileFacts:
    """Read and parse one file. `root` is what `FileFacts.path` is made relative to, by default the library.

    Raises `OSError` if it cannot be read, and whatever Python's own compiler says of a file that does not
    parse: `SyntaxError` (bad syntax, unknown encoding, undecodable bytes), `ValueError` (null bytes
    before 3.12), `RecursionError` or `MemoryError` (nested too deeply).
    """
    path = Path(path)
    source = path.read_bytes()
    tree = parse(source, path.name)
    kinds: Counter[type] = Counter()
    branches = 0
    imports: set[str] = set()
    inside_strings: set[int] = set()
    for node in _nodes(tree):
        kind = type(node)
        if kind in _COUNTED:
            kinds[kind] += 1
        elif kind not in _LOOKED_INTO:
            continue
        elif isinstance(node, ast.BoolOp):
            branches += len(node.values) - 1
        elif isinstance(node, ast.comprehension):
            branches += 1 + len(node.ifs)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            imports.update(_imported(node))
        elif isinstance(node, ast.expr) and (node.end_lineno or 0) > node.lineno:
            inside_strings.update(range(node.lineno + 1, (node.end_lineno or 0) + 1))
    blank, comment, total = _count_lines(source, inside_strings)
    return FileFacts(
        path=relative_name(path, root),
        size=len(source),
        sha256=hashlib.sha256(source).hexdigest(),
        lines=total,
        code_lines=total - blank - comment,
        blank_lines=blank,
        comment_lines=comment,
        functions=sum(kinds[kind] for kind in _FUNCTIONS),
        classes=kinds[ast.ClassDef],
        branches=branches + sum(kinds[kind] for kind in _ONE_BRANCH),
        imports=tuple(sorted(imports)),
    )


def parse(source: bytes, name: str) -> ast.Module:
    """Parse without the warnings that old code gives (invalid escapes and the like). Safe in threads."""
    with _parsing, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source, filename=name)


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes that can matter here, in no particular order: `ast.walk` in a third of its time."""
    waiting: list[Any] = [tree]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, ast.AST):
            continue  # an absent default in a list of defaults, a name of a global statement
        yield node
        for field in _fields_of(type(node)):
            value = getattr(node, field, None)
            if value.__class__ is list:
                waiting += value
            elif value is not None:
                waiting.append(value)


def _fields_of(kind: type[ast.AST]) -> tuple[str, ...]:
    """The fields that can hold nodes to look at; worked out once for each kind of node."""
    fields = _FIELDS.get(kind)
    if fields is None:
        names = () if kind is ast.Constant else kind._fields
        fields = _FIELDS[kind] = tuple(name for name in names if name not in _PLAIN_FIELDS)
    return fields


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.name.partition(".")[0]
    elif node.level == 0 and node.module is not None:
        yield node.module.partition(".")[0]


def _count_lines(source: bytes, inside_strings: set[int]) -> tuple[int, int, int]:
    """Blank lines, lines that are only a comment, all lines. A `#` inside a string starts no comment."""
    blank = comment = 0
    lines = source.splitlines()
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text:
            blank += 1
        elif text.startswith(b"#") and number not in inside_strings:
            comment += 1
    return blank, comment, len(lines)
