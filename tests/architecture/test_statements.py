"""SQL stands in `.sql` files under a name, once for both databases or once for each."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from taskforge.storage.statements import DIALECTS, catalog, names
from tests.architecture.source import PACKAGE, modules, name_of, parsed

SQL = re.compile(
    r"\b(SELECT\s.+\sFROM|SELECT\s+\w+\(|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+(TABLE|INDEX)"
    r"|ALTER\s+TABLE|DROP\s+TABLE)\b",
    re.DOTALL,
)
MAY_HOLD_SQL = ("storage/", "coordination/")
EXCEPTIONS = {
    "bench/ledger.py": "reads the truth beside the product, through a connection of its own",
}
BUILT = {
    "storage/migrate.py": "what `taskforge migrate --sql` prints for people; no statement of ours is run from it",
}


def test_a_statement_is_common_or_in_both_dialects() -> None:
    first, second = (names(dialect) for dialect in DIALECTS)
    assert first == second
    assert not names("common") & first


def test_every_called_statement_exists_and_every_one_is_called() -> None:
    literals = {text for path in (PACKAGE / "storage").rglob("*.py") for text in _texts(path)}
    called = {
        node.args[0].value
        for path in modules()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("One", "Many")
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    for dialect in DIALECTS:
        known = set(catalog(dialect))
        assert called <= known
        assert known <= literals


def test_only_storage_and_coordination_hold_sql() -> None:
    found = {name_of(path) for path in modules() if any(SQL.search(text) for text in _texts(path))}
    outside = {name for name in found if not name.startswith(MAY_HOLD_SQL)}
    assert outside == set(EXCEPTIONS)


def test_no_sql_is_built_from_strings() -> None:
    built = {
        name_of(path)
        for path in modules()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.expr) and _is_built(node)
    }
    assert built == set(BUILT)


def _texts(path: Path) -> Iterator[str]:
    """The string literals of a file that are not docstrings."""
    tree = parsed(path)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def _is_built(node: ast.expr) -> bool:
    if isinstance(node, ast.JoinedStr):
        return _is_sql(node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
        return _is_sql([node.left, node.right])
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        return _is_sql([node.func.value])
    return False


def _is_sql(nodes: list[ast.expr]) -> bool:
    return any(
        isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.search(node.value) is not None
        for node in nodes
    )
