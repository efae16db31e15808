"""The report as one HTML page that needs nothing else: its style and its charts are inside."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from taskforge.demo import findings
from taskforge.demo.charts import Bar, bar_chart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskforge.demo.analysis import FileFacts
    from taskforge.demo.findings import FileFailure, RunNumbers

_ROWS = 12
_LEGEND = (
    '<div class="legend"><span><i class="code"></i>code</span><span><i class="comment"></i>comments</span>'
    '<span><i class="blank"></i>blank</span></div>'
)


def render(facts: Sequence[FileFacts], failures: Sequence[FileFailure], numbers: RunNumbers) -> str:
    """The whole page. Every text from outside is escaped."""
    library = findings.library_files(facts)
    style = files("taskforge.demo").joinpath("page.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="generator" content="TaskForge demo">'
        f"<title>The Python {escape(numbers.python_version)} standard library, read by TaskForge</title>"
        f"<style>{style}</style></head><body><main>"
        f"{_heading(numbers)}{_figures(facts, failures)}{_run_figures(numbers)}"
        f'<div class="charts">{_packages(facts, library)}{_imports(facts)}'
        f"{_branches(library)}{_density(library)}</div>"
        f"{_failures(failures)}{_footer(numbers)}</main></body></html>\n"
    )


def _heading(numbers: RunNumbers) -> str:
    return (
        f"<h1>The Python {escape(numbers.python_version)} standard library</h1>"
        f'<p class="lead">Read by TaskForge, one job per file: {numbers.files_found:,} files below '
        f"<code>{escape(numbers.library)}</code>. All figures are also in "
        '<a href="files.csv">files.csv</a>.</p>'
    )


def _figures(facts: Sequence[FileFacts], failures: Sequence[FileFailure]) -> str:
    return _cards(
        [
            ("files parsed", f"{len(facts):,}", ""),
            ("lines", f"{sum(fact.lines for fact in facts):,}", ""),
            ("functions", f"{sum(fact.functions for fact in facts):,}", ""),
            ("classes", f"{sum(fact.classes for fact in facts):,}", ""),
            ("branches", f"{sum(fact.branches for fact in facts):,}", ""),
            ("do not parse", f"{len(failures):,}", "bad" if failures else ""),
        ]
    )


def _run_figures(numbers: RunNumbers) -> str:
    return _cards(
        [
            ("jobs per second", f"{numbers.jobs_per_second:,.1f}", ""),
            ("seconds", f"{numbers.seconds:,.1f}", ""),
            ("ms per job, median", f"{numbers.p50_milliseconds:,.1f}", ""),
            ("ms per job, 95th percentile", f"{numbers.p95_milliseconds:,.1f}", ""),
            ("retries", f"{numbers.retries:,}", ""),
        ]
    )


def _cards(cards: Sequence[tuple[str, str, str]]) -> str:
    inner = "".join(
        f'<div class="figure {style}"><b>{escape(value)}</b><span>{escape(name)}</span></div>'
        for name, value, style in cards
    )
    return f'<div class="figures">{inner}</div>'


def _packages(facts: Sequence[FileFacts], library: Sequence[FileFacts]) -> str:
    lines = sum(fact.lines for fact in facts)
    tests = lines - sum(fact.lines for fact in library)
    share = f"{tests / lines:.0%}" if lines else "0%"
    bars = [
        Bar(
            package.name,
            (("code", package.code), ("comment", package.comment), ("blank", package.blank)),
            f"{package.lines:,} lines in {package.files:,} files: {package.code:,} code, "
            f"{package.comment:,} comments, {package.blank:,} blank",
        )
        for package in findings.largest_packages(library, _ROWS)
    ]
    return _section(
        "Largest packages",
        f"Lines by package. The library's own tests, {tests:,} lines or {share} of all, are left out.",
        bars,
        _LEGEND,
    )


def _imports(facts: Sequence[FileFacts]) -> str:
    bars = [
        Bar(name, (("teal", count),), f"imported by {count:,} files")
        for name, count in findings.most_imported(facts, _ROWS)
    ]
    return _section("Most imported modules", "Number of files that import it, tests included.", bars)


def _branches(library: Sequence[FileFacts]) -> str:
    bars = [
        Bar(path, (("violet", count),), f"{count:,} branches")
        for path, count in findings.most_branched(library, _ROWS)
    ]
    return _section("Files with the most branches", "Decision points by file, tests left out.", bars)


def _density(library: Sequence[FileFacts]) -> str:
    bars = [
        Bar(name, (("amber", count),), f"{count:,} branches in 1,000 lines of code")
        for name, count in findings.densest_packages(library, _ROWS)
    ]
    return _section(
        "Most branching packages",
        f"Decision points in 1,000 lines of code, packages of at least {findings.DENSITY_FLOOR:,} such lines.",
        bars,
    )


def _section(title: str, note: str, bars: Sequence[Bar], legend: str = "") -> str:
    return (
        f'<section><h2>{escape(title)}</h2><p class="quiet">{escape(note)}</p>'
        f"{legend if bars else ''}{bar_chart(title, bars)}</section>"
    )


def _failures(failures: Sequence[FileFailure]) -> str:
    if not failures:
        return (
            "<section><h2>Files that do not parse</h2>"
            '<p class="nothing">None: every file read here is valid source for this Python. Distributions '
            "that leave out the library's tests have no such file.</p></section>"
        )
    rows = "".join(
        f'<tr><td><code>{escape(failure.path)}</code></td><td class="error">{escape(failure.error)}</td>'
        f'<td class="number">{failure.attempts}</td></tr>'
        for failure in failures
    )
    return (
        '<section><h2>Files that do not parse</h2><p class="quiet">Their jobs failed, were retried, and are '
        'dead letters now. These are real files of the library; none was planted.</p><div class="scroll">'
        '<table><thead><tr><th>file</th><th>error of the last attempt</th><th class="number">attempts</th>'
        f"</tr></thead><tbody>{rows}</tbody></table></div></section>"
    )


def _footer(numbers: RunNumbers) -> str:
    counts = ", ".join(f"{count:,} {status}" for status, count in sorted(numbers.counts.items()) if count)
    return f"<footer>Jobs by status: {escape(counts or 'none')}.</footer>"
