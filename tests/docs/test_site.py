"""Links as the site of `make docs` has them, and what llms.txt names."""

from __future__ import annotations

import re

import pytest

from scripts.docs_site import FROM_THE_ROOT, expanded, navigation, overview, with_links
from tests.architecture.source import DOCS, ROOT


@pytest.mark.parametrize(
    ("place", "written", "shown"),
    [
        ("README.md", "[x](docs/tasks.md#options)", "[x](tasks.md#options)"),
        ("docs/tasks.md", "[x](../README.md)", "[x](index.md)"),
        ("docs/decisions/001-scripts-as-generators.md", "[x](../tasks.md)", "[x](../tasks.md)"),
        ("docs/architecture.md", "see [app](../src/taskforge/app.py)", "see app"),
        ("docs/tasks.md", "[x](https://example.com/a.md)", "[x](https://example.com/a.md)"),
        ("docs/tasks.md", "[x](#options)", "[x](#options)"),
        ("docs/tasks.md", "[x](gone.md)", "[x](gone.md)"),
        ("docs/tasks.md", "```text\n[x](../README.md)\n```", "```text\n[x](../README.md)\n```"),
    ],
)
def test_links(place: str, written: str, shown: str) -> None:
    assert with_links(written, place) == shown


def test_llms_txt_names_all_pages_and_nothing_else() -> None:
    said, there = (
        re.findall(r"\]\(([^)]+)\)", text) for text in ((ROOT / "llms.txt").read_text("utf-8"), overview())
    )
    assert said == there, "run: python -m scripts.docs_site"
    assert [target for target in said if not (ROOT / target).exists()] == []


def test_the_navigation_names_every_page_once() -> None:
    pages = re.findall(r"[\w./-]+\.md", repr(navigation()))
    there = [page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")]
    assert sorted(pages) == sorted([*there, *FROM_THE_ROOT.values()])


def test_folders_in_the_navigation() -> None:
    [decisions] = expanded(
        [{"Decisions": ["decisions/"]}, {"Nothing": ["nowhere/"]}, {"A page": "tasks.md"}]
    )[:-1]
    assert decisions["Decisions"][0] == "decisions/001-scripts-as-generators.md"
