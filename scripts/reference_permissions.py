"""The permissions as docs/permissions.md has them: who has each, and what it is needed for over HTTP."""

from __future__ import annotations

import ast
import inspect
import json
from collections import defaultdict
from pathlib import Path

from scripts.markdown import table
from taskforge.domain import access
from taskforge.domain.access import ALIASES, GRANTABLE, ROLES, BuiltinRole, Permission

OPENAPI = Path(__file__).resolve().parent.parent / "openapi.json"


def role_table() -> str:
    """What the built-in roles allow, by permission."""
    roles = list(BuiltinRole)
    rows = [
        (f"`{permission}`", *("yes" if permission in ROLES[role] else "" for role in roles))
        for permission in sorted(Permission)
    ]
    return table(("permission", *roles), rows)


def operation_table() -> str:
    """What each permission is for: the operations of the API that need it."""
    operations = _operations()
    meanings = _meanings()
    rows = []
    for permission in sorted(Permission):
        needed = ", ".join(f"`{name}`" for name in sorted(operations.pop(permission, [])))
        rows.append((f"`{permission}`", meanings.get(permission, ""), needed))
    free = [
        (
            name,
            {"public": "nobody has to be known", "authenticated": "any credential will do"}[name],
            ", ".join(f"`{operation}`" for operation in sorted(found)),
        )
        for name, found in sorted(operations.items())
    ]
    return table(("permission", "meaning", "operations that need it"), [*rows, *free])


def alias_table() -> str:
    """Other names."""
    return table(("also accepted", "is"), [(f"`{name}`", f"`{found}`") for name, found in ALIASES.items()])


def ungranted() -> str:
    """What no role and no key can give."""
    return ", ".join(f"`{permission}`" for permission in sorted(set(Permission) - GRANTABLE))


def _operations() -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for methods in json.loads(OPENAPI.read_text("utf-8"))["paths"].values():
        for operation in methods.values():
            found[operation["x-permission"]].append(operation["operationId"])
    return found


def _meanings() -> dict[str, str]:
    """The text under a permission, where there is one."""
    body = ast.parse(inspect.getsource(access)).body
    [definition] = [node for node in body if isinstance(node, ast.ClassDef) and node.name == "Permission"]
    found = {}
    for line, following in zip(definition.body, definition.body[1:], strict=False):
        if isinstance(line, ast.Assign) and isinstance(following, ast.Expr):
            found[ast.literal_eval(line.value)] = " ".join(str(ast.literal_eval(following.value)).split())
    return found
