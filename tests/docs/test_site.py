"""Links as the site of `make docs` has them, and what llms.txt names."""

from __future__ import annotations

import re

import pytest
import yaml

from scripts.docs_site import FROM_THE_ROOT, overview, with_links
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


def test_what_llms_txt_names_is_there() -> None:
    for text in ((ROOT / "llms.txt").read_text("utf-8"), overview()):
        targets = re.findall(r"\]\(([^)]+)\)", text)
        assert len(targets) > 20
        assert [target for target in targets if not (ROOT / target).exists()] == []


def test_the_navigation_names_pages_that_are_there() -> None:
    text = (ROOT / "mkdocs.yml").read_text("utf-8")
    pages = re.findall(r"[\w./-]+\.md", yaml.safe_dump(yaml.load(text, yaml.BaseLoader)["nav"]))  # noqa: S506 - ours
    assert [p for p in pages if p not in FROM_THE_ROOT.values() and not (DOCS / p).is_file()] == []
