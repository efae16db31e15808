"""What `from taskforge import ...` offers: sorted, documented, and no more than that."""

import ast
import inspect

import taskforge
from tests.architecture.source import DOCS, PACKAGE, parsed


def test_all_is_sorted_and_complete() -> None:
    imported = {
        alias.asname or alias.name
        for node in parsed(PACKAGE / "__init__.py").body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert list(taskforge.__all__) == sorted(taskforge.__all__)
    assert imported == set(taskforge.__all__)


def test_every_public_name_is_documented() -> None:
    guide = (DOCS / "tasks.md").read_text("utf-8")
    for name in taskforge.__all__:
        assert inspect.getdoc(getattr(taskforge, name)), f"{name} has no docstring"
        assert f"`{name}" in guide, f"docs/tasks.md does not mention {name}"
