"""Which files the demo reads."""

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskforge.demo.sources import NoLibrarySource, evenly, library_root, relative_name, source_files
from taskforge.domain.errors import InvalidInput


@pytest.fixture
def library(tmp_path: Path) -> Path:
    for name in ("b.py", "a/z.py", "a/b.py", "a.py", "site-packages/x.py", "a/__pycache__/y.py", "notes.txt"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
    return tmp_path


def test_finds_source_in_a_fixed_order_without_installed_packages(library: Path) -> None:
    names = [relative_name(path, library) for path in source_files(library)]
    assert names == ["a/b.py", "a/z.py", "a.py", "b.py"]


def test_a_limit_samples_the_whole_list(library: Path) -> None:
    names = [relative_name(path, library) for path in source_files(library, limit=2)]
    assert names == ["a/b.py", "a.py"]


def test_a_folder_or_a_dead_link_named_like_source_is_no_source(library: Path) -> None:
    (library / "folder.py").mkdir()
    (library / "dead.py").symlink_to(library / "nowhere")
    assert len(source_files(library)) == 4


def test_says_so_when_there_is_no_source(tmp_path: Path) -> None:
    with pytest.raises(NoLibrarySource, match="no Python source file below"):
        source_files(tmp_path)


@pytest.mark.parametrize("limit", [0, -1])
def test_refuses_a_limit_below_one(library: Path, limit: int) -> None:
    with pytest.raises(InvalidInput, match="at least 1"):
        source_files(library, limit=limit)


@given(st.integers(0, 300), st.integers(1, 400))
def test_a_sample_keeps_the_order_and_repeats_nothing(count: int, limit: int) -> None:
    items = [Path(f"{number:04}") for number in range(count)]
    sample = evenly(items, limit)
    assert len(sample) == min(count, limit)
    assert sample == sorted(set(sample))
    assert sample[:1] == items[:1]


def test_the_running_library_is_found_also_inside_a_virtual_environment() -> None:
    files = source_files()
    assert library_root() / "json" / "__init__.py" in files
    assert len(files) > 300
    assert not any("site-packages" in path.parts for path in files)
    assert all(not path.is_relative_to(sys.prefix) or sys.prefix == sys.base_prefix for path in files)


def test_a_file_elsewhere_keeps_its_path() -> None:
    assert relative_name(Path("/somewhere/else.py"), Path("/library")) == "/somewhere/else.py"
