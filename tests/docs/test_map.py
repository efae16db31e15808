"""docs/map.md leads to everything, and to nothing that is not there."""

import re

from tests.architecture.source import DOCS, PACKAGE, ROOT, modules, name_of

MAP = (DOCS / "map.md").read_text("utf-8")
PATHS = {
    found for found in re.findall(r"`([^`\s]+)`", MAP) if "/" in found or found.endswith((".py", ".toml"))
}
OUTSIDE = ("src/", "tests/", "scripts/", "benchmarks/", ".ci/", "docs/", "dashboard/", "deploy/")
FOLDERS = ("cli/", "bench/")
"""Their files need no line of their own: a command, a measurement each."""


def test_every_path_exists() -> None:
    missing = {path for path in PATHS if not (PACKAGE / path).exists() and not (ROOT / path).exists()}
    assert missing == set()


def test_every_module_is_on_the_map() -> None:
    unreached = {
        name
        for path in modules()
        if (name := name_of(path)) not in PATHS
        and not name.endswith("/__init__.py")
        and not (name.startswith(FOLDERS) and name.partition("/")[0] + "/" in PATHS)
    }
    assert unreached == set()


def test_paths_outside_the_package_name_their_folder() -> None:
    for path in PATHS:
        if not (PACKAGE / path).exists():
            assert path.startswith(OUTSIDE) or "/" not in path
