"""Totals and rankings of the demo's report."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskforge.demo import findings
from taskforge.demo.analysis import FileFacts

EMPTY = FileFacts("x.py", 0, "0" * 64, 0, 0, 0, 0, 0, 0, 0, ())


def facts(path: str, code: int = 0, branches: int = 0, imports: tuple[str, ...] = ()) -> FileFacts:
    return replace(EMPTY, path=path, lines=code, code_lines=code, branches=branches, imports=imports)


@pytest.mark.parametrize(
    ("path", "package", "test"),
    [
        ("argparse.py", "argparse", False),
        ("asyncio/tasks.py", "asyncio", False),
        ("test/test_ast.py", "test", True),
        ("lib2to3/tests/data/bom.py", "lib2to3", True),
        ("unittest/test.py", "unittest", False),
        (".py", ".py", False),
    ],
)
def test_package_and_test_of_a_path(path: str, package: str, test: bool) -> None:
    assert (findings.package_of(path), findings.is_test(path)) == (package, test)


def test_packages_are_summed_and_ordered() -> None:
    files = [facts("b/x.py", 5), facts("a.py", 9), facts("b/y.py", 6), facts("c.py", 9)]
    ranked = findings.largest_packages(files, 3)
    assert [(package.name, package.lines, package.files) for package in ranked] == [
        ("b", 11, 2),
        ("a", 9, 1),
        ("c", 9, 1),
    ]


def test_imports_are_counted_once_for_each_file() -> None:
    files = [facts("a.py", imports=("os", "sys")), facts("b.py", imports=("sys",))]
    assert findings.most_imported(files, 5) == [("sys", 2), ("os", 1)]


def test_branches_rank_files_and_packages() -> None:
    files = [facts("a.py", 1000, 30), facts("b/x.py", 400, 90), facts("b/y.py", 600, 10), facts("c.py", 9, 9)]
    assert findings.most_branched(files, 2) == [("b/x.py", 90), ("a.py", 30)]
    assert findings.densest_packages(files, 5) == [("b", 100), ("a", 30)]


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, 5.0), (0.95, 10.0), (0.9, 9.0), (0.0, 1.0), (1.0, 10.0)]
)
def test_percentile_is_the_nearest_rank(share: float, expected: float) -> None:
    assert findings.percentile([float(n) for n in range(10, 0, -1)], share) == expected


@given(st.lists(st.floats(0, 1e9), min_size=1), st.floats(0.01, 1))
def test_enough_values_are_not_above_the_percentile(values: list[float], share: float) -> None:
    found = findings.percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-6


def test_percentile_of_nothing_is_zero() -> None:
    assert findings.percentile([], 0.5) == 0
