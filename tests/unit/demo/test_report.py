"""The demo's report: two files that are safe to open, whatever the library's files are called."""

import csv
import io
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskforge.demo import report
from taskforge.demo.analysis import FileFacts
from taskforge.demo.charts import Bar, bar_chart, shorten
from taskforge.demo.findings import FileFailure, RunNumbers
from taskforge.demo.page import render

FACTS = FileFacts("json/decoder.py", 900, "f" * 64, 30, 20, 6, 4, 3, 2, 7, ("re", "sys"))
FAILURE = FileFailure("test/bad.py", "SyntaxError: invalid syntax (bad.py, line 1)", 3)
NUMBERS = RunNumbers(
    "3.11.7", "/usr/lib/python3.11", 2, {"succeeded": 1, "failed": 1, "pending": 0}, 2, 1.5, 1.33, 2.5, 40.0
)
HOSTILE = '<script>alert("1")</script>&\'"/x.py'


class Page(HTMLParser):
    """Collects the tags and the visible text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_writes_both_files_and_replaces_older_ones(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "here"
    for _ in range(2):
        written = report.write(folder, [FACTS], [FAILURE], NUMBERS)
    assert sorted(folder.iterdir()) == [written.csv, written.html]
    page = Page(written.html.read_text(encoding="utf-8"))
    for text in ("30", "json", "test/bad.py", "invalid syntax", "1 failed, 1 succeeded"):
        assert text in page.text
    assert [row["status"] for row in rows(written.csv.read_text(encoding="utf-8"))] == ["parsed", "failed"]


def test_the_page_needs_nothing_from_elsewhere() -> None:
    page = Page(render([FACTS], [FAILURE], NUMBERS))
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "link", "img", "iframe", "object"}
    links = [values["href"] for _, values in page.tags if "href" in values]
    assert links == ["files.csv"]
    assert not any("src" in values for _, values in page.tags)
    assert "prefers-color-scheme: dark" in page.text
    assert "url(" not in page.text
    assert "@import" not in page.text


def test_everything_from_outside_is_escaped() -> None:
    facts = replace(FACTS, path=HOSTILE, imports=(HOSTILE,), code_lines=5000, lines=5010)
    failure = FileFailure(HOSTILE, HOSTILE, 3)
    numbers = replace(NUMBERS, python_version=HOSTILE, library=HOSTILE, counts={HOSTILE: 1})
    page = Page(render([facts], [failure], numbers))
    assert "script" not in {tag for tag, _ in page.tags}
    assert not any(name.startswith("on") for _, values in page.tags for name in values)
    assert page.text.count(HOSTILE) >= 5


def test_without_failures_it_says_that_every_file_parses() -> None:
    page = Page(render([FACTS], [], replace(NUMBERS, counts={"succeeded": 1})))
    assert "None: every file read here is valid source" in page.text


def test_without_any_file_there_is_still_a_page() -> None:
    assert "Nothing to show." in Page(render([], [], NUMBERS)).text


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_is_a_formula(start: str) -> None:
    path = f"{start}cmd.py"
    text = report.csv_text([replace(FACTS, path=path, imports=("=x",))], [FileFailure(path, f"{start}1", 1)])
    parsed, failed = rows(text)
    assert parsed["path"] == failed["path"] == "'" + path
    assert parsed["imports"] == "'=x"
    assert failed["error"] == f"'{start}1"


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_csv_carries_any_text(error: str) -> None:
    (row,) = rows(report.csv_text([], [FileFailure("x.py", error, 1)]))
    assert row["error"].removeprefix("'") == error.removeprefix("'")
    assert not row["error"].startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


def test_a_name_that_utf8_cannot_write_is_written_escaped(tmp_path: Path) -> None:
    written = report.write(tmp_path, [replace(FACTS, path="a\udce9.py")], [], NUMBERS)
    assert "a\\udce9.py" in written.csv.read_text(encoding="utf-8")


def test_bars_are_proportional_and_fit() -> None:
    chart = Page(bar_chart("sizes", [Bar("a", (("code", 50), ("blank", 50))), Bar("b", (("code", 25),))]))
    widths = [
        float(values["width"] or 0)
        for tag, values in chart.tags
        if tag == "rect" and values.get("class") in ("code", "blank")
    ]
    assert widths[0] == pytest.approx(widths[1], abs=0.1)
    assert widths[2] == pytest.approx(widths[0] / 2, abs=0.1)
    assert widths[0] + widths[1] < 480


def test_a_chart_of_zeros_draws_nothing() -> None:
    assert "<svg" not in bar_chart("sizes", [Bar("a", (("code", 0),))])


def test_a_long_label_keeps_its_end() -> None:
    short = shorten("a/very/long/path/to/some/module_name.py")
    assert len(short) == 28
    assert short.startswith("…")
    assert short.endswith("module_name.py")
