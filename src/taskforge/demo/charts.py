"""Horizontal bar charts as SVG text, coloured by the page's style sheet; no script."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIDTH = 480
_ROW = 25
_BAR = 15
_VALUE_SPACE = 58
_CHARACTER = 6.9  # the usual width of one at the chart's letter size
_LONGEST_LABEL = 28


@dataclass(frozen=True, slots=True)
class Bar:
    """One row. The bar is as long as the sum of its parts: pairs of a style class and a size."""

    label: str
    parts: tuple[tuple[str, int], ...]
    note: str = ""
    """Shown when the pointer rests on the row."""

    @property
    def total(self) -> int:
        return sum(size for _, size in self.parts)


def bar_chart(title: str, bars: Sequence[Bar]) -> str:
    """An `<svg>` element that fills its container's width; a paragraph if there is nothing to draw."""
    if not bars or all(bar.total == 0 for bar in bars):
        return '<p class="nothing">Nothing to show.</p>'
    labels = max(len(shorten(bar.label)) for bar in bars) * _CHARACTER + 12
    scale = (_WIDTH - labels - _VALUE_SPACE) / max(bar.total for bar in bars)
    rows = [_row(bar, index * _ROW, labels, scale) for index, bar in enumerate(bars)]
    height = len(bars) * _ROW
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)}">'
        f'<line class="axis" x1="{labels:.1f}" y1="0" x2="{labels:.1f}" y2="{height}"/>{"".join(rows)}</svg>'
    )


def shorten(label: str) -> str:
    """At most 28 characters; the end of a path tells more than its start."""
    return label if len(label) <= _LONGEST_LABEL else "…" + label[-(_LONGEST_LABEL - 1) :]


def _row(bar: Bar, top: int, labels: float, scale: float) -> str:
    middle = top + _ROW / 2
    note = escape(f"{bar.label}: {bar.note or format(bar.total, ',')}")
    pieces = [f"<g><title>{note}</title>"]
    pieces.append(f'<rect class="row" x="0" y="{top}" width="{_WIDTH}" height="{_ROW}"/>')
    pieces.append(_text("label", labels - 10, middle, shorten(bar.label)))
    left = labels
    for style, size in bar.parts:
        width = size * scale
        if width > 0:
            pieces.append(
                f'<rect class="{escape(style)}" x="{left:.1f}" y="{top + (_ROW - _BAR) / 2:.1f}" '
                f'width="{width:.1f}" height="{_BAR}"/>'
            )
        left += width
    pieces.append(_text("value", left + 8, middle, f"{bar.total:,}"))
    pieces.append("</g>")
    return "".join(pieces)


def _text(style: str, x: float, middle: float, text: str) -> str:
    return f'<text class="{style}" x="{x:.1f}" y="{middle:.1f}" dy="0.35em">{escape(text)}</text>'
