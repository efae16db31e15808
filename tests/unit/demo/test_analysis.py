"""What the demo finds in one file."""

import ast
import hashlib
import json
import threading
import warnings
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskforge.demo.analysis import FileFacts, analyse, parse
from taskforge.demo.sources import library_root

SOURCE = b'''# a comment
"""Documentation
# of the module, no comment
"""
import os, os.path as p
from collections.abc import Mapping
from . import sibling
from .other import thing

class A:
    def method(self):
        import json
        return [x for x in self if x if x > 1]  # 3 branches

async def f(a, b):
    # another comment
    for i in a:
        while b and i and a:
            pass
    try:
        return 1 if a else 2
    except (ValueError, TypeError):
        match a:
            case 1: return lambda: 3
            case _: return 4
'''


def write(folder: Path, source: bytes, name: str = "x.py") -> Path:
    file = folder / name
    file.write_bytes(source)
    return file


def test_counts(tmp_path: Path) -> None:
    facts = analyse(write(tmp_path, SOURCE), tmp_path)
    assert facts == FileFacts(
        path="x.py",
        size=len(SOURCE),
        sha256=hashlib.sha256(SOURCE).hexdigest(),
        lines=25,
        code_lines=21,
        blank_lines=2,
        comment_lines=2,
        functions=2,
        classes=1,
        branches=3 + 1 + (1 + 2) + 1 + 1 + 2,
        imports=("collections", "json", "os"),
    )


def test_facts_survive_json(tmp_path: Path) -> None:
    facts = analyse(write(tmp_path, SOURCE), tmp_path)
    assert FileFacts.from_dict(json.loads(json.dumps(facts.as_dict()))) == facts


@pytest.mark.parametrize("name", ["argparse.py", "typing.py", "asyncio/base_events.py", "ast.py"])
def test_finds_what_a_plain_walk_finds(name: str) -> None:
    path = library_root() / name
    nodes = list(ast.walk(parse(path.read_bytes(), name)))
    kinds = Counter(type(node) for node in nodes)
    one_branch = (
        *(ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.match_case),
        ast.comprehension,
    )
    branches = sum(kinds[kind] for kind in one_branch)
    branches += sum(len(node.ifs) for node in nodes if isinstance(node, ast.comprehension))
    branches += sum(len(node.values) - 1 for node in nodes if isinstance(node, ast.BoolOp))
    facts = analyse(path)
    assert (facts.path, facts.branches) == (name, branches)
    assert facts.functions == kinds[ast.FunctionDef] + kinds[ast.AsyncFunctionDef]
    assert facts.classes == kinds[ast.ClassDef]


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    facts = analyse(write(tmp_path, b""), tmp_path)
    assert (facts.lines, facts.size, facts.imports) == (0, 0, ())


def test_reads_the_encoding_that_the_file_declares(tmp_path: Path) -> None:
    facts = analyse(write(tmp_path, "# coding: latin-1\nname = 'é'\n".encode("latin-1")), tmp_path)
    assert (facts.lines, facts.comment_lines) == (2, 1)


@pytest.mark.parametrize(
    ("source", "errors"),
    [
        (b"print 'x'\n", (SyntaxError,)),
        (b"# coding: uft-8\n", (SyntaxError,)),
        (b"name = '\xf6'\n", (SyntaxError,)),
        (b"x = 1\x00\n", (SyntaxError, ValueError)),
    ],
)
def test_a_file_that_does_not_parse_raises_what_python_says(
    tmp_path: Path, source: bytes, errors: tuple[type[Exception], ...]
) -> None:
    with pytest.raises(errors):
        analyse(write(tmp_path, source))


def test_an_error_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(SyntaxError, match=r"\(broken\.py, line 1\)"):
        analyse(write(tmp_path, b"print 'x'\n", "broken.py"))


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        analyse(tmp_path / "gone.py")


def test_warnings_of_old_code_stay_silent_and_the_filters_as_they_were() -> None:
    before = warnings.filters[:]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parse(b"name = '\\d'\n1 is 1\n0x1for x in y\n", "old.py")
    assert warnings.filters == before


def test_threads_leave_the_warning_filters_as_they_were() -> None:
    before = warnings.filters[:]

    def work() -> None:
        for _ in range(50):
            parse(b"name = '\\d'\n" * 20, "old.py")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters == before


LINES = st.sampled_from(["", "   ", "# note", "x = 1", "x = '''a", "# b'''", "'''", "if x: y", "\f"])


@given(st.lists(LINES, max_size=12).map("\n".join))
def test_kinds_of_lines_add_up(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    try:
        facts = analyse(write(tmp_path_factory.getbasetemp(), text.encode()))
    except SyntaxError:
        return
    assert facts.lines == len(text.encode().splitlines())
    assert min(facts.code_lines, facts.blank_lines, facts.comment_lines) >= 0
    assert facts.code_lines + facts.blank_lines + facts.comment_lines == facts.lines
