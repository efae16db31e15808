"""The report of a run: a table for people, or JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from benchmarks.aims import AIMS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.samples import Line, Samples

HEADINGS = ("measure", "figure", "ours", "peer", "floor", "ours / peer", "aim", "met")


def as_json(facts: dict[str, str], every: list[Samples]) -> dict[str, Any]:
    """All figures with all repetitions."""
    return {
        "facts": facts,
        "lines": [
            asdict(line) | {"medians": {name: line.median(name) for name in line.samples}}
            for samples in every
            for line in samples.lines()
        ],
        "errors": [error for samples in every for error in samples.errors],
    }


def as_text(facts: dict[str, str], every: list[Samples]) -> str:
    """Medians with all repetitions in brackets, a table for each database."""
    parts = [", ".join(f"{name} {value}" for name, value in facts.items())]
    for samples in every:
        title = f"{samples.database}: {samples.ours} beside {samples.peer}; floor: {samples.floor}"
        rows = [HEADINGS, *(_row(samples, line) for line in samples.lines())]
        parts.append("\n".join([title, *_table(rows)]))
        parts.extend(f"NOT MEASURED: {error}" for error in samples.errors)
    judged = [line.met for samples in every for line in samples.lines() if line.met is not None]
    wanted = [aim for aim in AIMS for samples in every if aim.database == samples.database]
    met, missed = judged.count(True), judged.count(False)
    parts.append(f"aims met: {met}, missed: {missed}, not judged in this run: {len(wanted) - len(judged)}")
    return "\n\n".join(parts)


def _row(samples: Samples, line: Line) -> tuple[str, ...]:
    met = {True: "yes", False: "NO", None: ""}[line.met]
    ratio = "" if line.ratio is None else f"{line.ratio:.2f}"
    figures = (_figures(line, name) for name in (samples.ours, samples.peer, samples.floor))
    return (line.measure, line.figure, *figures, ratio, line.aim or "", met)


def _figures(line: Line, contender: str) -> str:
    median = line.median(contender)
    if median is None:
        return "-"
    every = line.samples[contender]
    return _number(median) + (f" ({', '.join(map(_number, every))})" if len(every) > 1 else "")


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()
