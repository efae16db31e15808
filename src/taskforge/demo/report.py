"""Write the report's two files: `report.html` to look at, `files.csv` to calculate with."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from taskforge.demo.findings import package_of
from taskforge.demo.page import render

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from taskforge.demo.analysis import FileFacts
    from taskforge.demo.findings import FileFailure, RunNumbers

COLUMNS = (
    "path", "package", "status", "size", "lines", "code_lines", "blank_lines", "comment_lines",
    "functions", "classes", "branches", "imports", "sha256", "error",
)  # fmt: skip

# A spreadsheet would take a cell that begins so for a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """Where the report was written."""

    html: Path
    csv: Path


def write(
    folder: Path, facts: Sequence[FileFacts], failures: Sequence[FileFailure], numbers: RunNumbers
) -> ReportFiles:
    """Write both files into `folder`, making it if need be; existing ones are replaced whole or not at all.

    Raises `OSError` if the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    facts = sorted(facts, key=lambda fact: fact.path)
    failures = sorted(failures, key=lambda failure: failure.path)
    written = ReportFiles(html=folder / "report.html", csv=folder / "files.csv")
    _replace(written.csv, csv_text(facts, failures))
    _replace(written.html, render(facts, failures, numbers))
    return written


def csv_text(facts: Sequence[FileFacts], failures: Sequence[FileFailure]) -> str:
    """RFC 4180 text: a heading, a row per parsed file, then a row per file that did not parse."""
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(COLUMNS)
    for fact in facts:
        values = {**fact.as_dict(), "package": package_of(fact.path), "status": "parsed"}
        values["imports"] = " ".join(fact.imports)
        rows.writerow([_cell(values.get(column, "")) for column in COLUMNS])
    for failure in failures:
        values = {"path": failure.path, "package": package_of(failure.path), "status": "failed"}
        values["error"] = failure.error
        rows.writerow([_cell(values.get(column, "")) for column in COLUMNS])
    return text.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return "'" + value
    return value


def _replace(path: Path, text: str) -> None:
    unfinished = path.with_name(path.name + ".unfinished")
    # A file name with undecodable bytes holds characters that UTF-8 cannot write.
    unfinished.write_text(text, encoding="utf-8", errors="backslashreplace", newline="")
    unfinished.replace(path)
