"""Links lead somewhere, the two readmes show the same, and few examples are left out."""

import configparser
import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from taskforge.cli.commands import MODULES
from tests.architecture.source import DOCS, ROOT
from tests.docs.pages import LANGUAGES, PAGES, examples

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
MOST_NOT_RUN = 6


def without_code(page: Path) -> str:
    """The text of a page but for its examples."""
    return re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(without_code(page)):
        if not target.startswith(("http://", "https://")):
            path, _, anchor = target.partition("#")
            linked = (page.parent / path).resolve() if path else page
            assert linked.exists(), target
            assert linked.is_relative_to(ROOT), target
            if anchor:
                headings = re.findall(r"^#+ (.+)$", without_code(linked), re.MULTILINE)
                assert anchor in {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}


def test_the_readmes_show_the_same() -> None:
    english, indonesian = (
        [(e.language, e.body, e.mark, e.value) for e in examples(ROOT / name)]
        for name in ("README.md", "README.id.md")
    )
    assert english == indonesian


def test_the_readmes_have_the_same_shape() -> None:
    def shape(name: str) -> list[str]:
        return [
            found[0].strip()
            for found in re.finditer(r"^(#+ |- |\| )", without_code(ROOT / name), re.MULTILINE)
        ]

    assert shape("README.md") == shape("README.id.md")


def test_every_example_that_is_not_run_says_why() -> None:
    left_out = [e for page in PAGES for e in examples(page) if e.mark == "not run"]
    assert all(e.value for e in left_out)
    assert len(left_out) <= MOST_NOT_RUN
    assert all(e.language in LANGUAGES for e in left_out)


def test_what_others_run_is_there() -> None:
    for example in (e for page in PAGES for e in examples(page) if e.mark == "run by"):
        text = (ROOT / (example.value or "")).read_text("utf-8")
        for command in example.commands:
            assert any(word in text for word in telling_words(command.line)), (example.place, command.line)


def telling_words(line: str) -> list[str]:
    """The last part of the address or path that a command names, or its last words."""
    last = line.split()[-1].strip('"').partition("?")[0].removesuffix("/main.py")
    parts = [part for part in last.split("/") if part]
    return parts[-2:] if "://" in last else parts[-1:]


READ_BY: dict[str, Callable[[str], object]] = {
    "json": json.loads,
    "toml": tomllib.loads,
    "yaml": lambda text: list(yaml.safe_load_all(text)),
    "ini": lambda text: configparser.ConfigParser(interpolation=None).read_string(without_comment(text)),
}
"""What the text of a block has to be, in other languages than those that are run."""


def without_comment(text: str) -> str:
    """A block of settings, in a section if it has none."""
    return text if "[" in text.partition("\n\n")[0].partition("#")[0] else f"[block]\n{text}"


def test_blocks_of_data_are_what_they_say() -> None:
    found = [e for page in PAGES for e in examples(page) if e.language in READ_BY]
    assert {example.language for example in found} == set(READ_BY)
    for example in found:
        READ_BY[example.language](example.body)


def test_blocks_of_javascript_are_javascript(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node")
    file = tmp_path / "block.mjs"
    for example in (e for page in PAGES for e in examples(page) if e.language == "js"):
        file.write_text(example.body)
        checked = subprocess.run([node, "--check", file], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, (example.place, checked.stderr)


def test_every_decision_has_its_parts_and_a_number() -> None:
    pages = sorted((DOCS / "decisions").glob("*.md"))
    assert [int(page.name[:3]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
        assert headings[0].startswith(f"{page.name[:3]}: ")
        assert headings[1:] == ["Context", "Decision", "Consequences"], page.name


def test_every_command_is_in_the_readme() -> None:
    overview = (ROOT / "README.md").read_text("utf-8").partition("## The command line")[2]
    rows = [line.partition(" | ")[0] for line in overview.splitlines() if line.startswith("| `taskforge")]
    named = {word for row in rows for word in re.findall(r"`(?:taskforge )?([a-z]+)", row)}
    assert named == set(MODULES)
