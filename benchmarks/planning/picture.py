"""Courses of a day, one below the other, as an SVG that reads on light and on dark pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, LEFT, RIGHT, TOP = 720, 64, 24, 30
PANEL, GAP = 90, 44
INK, FAINT = "#334155", "#cbd5e1"
COLUMNS = 480


class Panel(NamedTuple):
    """A course by second, and a line that it is compared with."""

    title: str
    colour: str
    values: Sequence[float]
    bound: float | None = None


def picture(panels: Sequence[Panel]) -> str:
    """The whole picture; of the seconds behind a column the largest value is shown."""
    height = TOP + len(panels) * (PANEL + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
        f'font-size="11" role="img" aria-label="{"; ".join(panel.title for panel in panels)}">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    for number, panel in enumerate(panels):
        parts += _drawn(panel, TOP + number * (PANEL + GAP))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _drawn(panel: Panel, top: int) -> list[str]:
    seconds = len(panel.values)
    columns = [
        max(panel.values[seconds * at // COLUMNS : seconds * (at + 1) // COLUMNS]) for at in range(COLUMNS)
    ]
    highest = max([*columns, panel.bound or 0.0, 1.0])
    width = WIDTH - LEFT - RIGHT

    def down(value: float) -> float:
        return top + PANEL * (1 - value / highest)

    step = width / COLUMNS
    path = f"M{LEFT} {down(columns[0]):.0f}" + "".join(
        f"L{LEFT + step * at:.0f} {down(value):.0f}" for at, value in enumerate(columns) if at
    )
    floor = top + PANEL
    parts = [
        f'<text x="{LEFT}" y="{top - 8}" fill="{INK}" font-weight="bold">{panel.title}</text>',
        f'<path d="{path}V{floor}H{LEFT}Z" fill="{panel.colour}" fill-opacity="0.15"/>',
        f'<path d="{path}" fill="none" stroke="{panel.colour}" stroke-width="1.5"/>',
        f'<path d="M{LEFT} {top}V{floor}H{WIDTH - RIGHT}" fill="none" stroke="{FAINT}"/>',
        f'<text x="{LEFT - 6}" y="{top + 4}" fill="{INK}" text-anchor="end">{highest:,.0f}</text>',
        f'<text x="{LEFT - 6}" y="{floor + 4}" fill="{INK}" text-anchor="end">0</text>',
    ]
    if panel.bound is not None:
        parts.append(
            f'<path d="M{LEFT} {down(panel.bound):.0f}H{WIDTH - RIGHT}" stroke="{INK}" stroke-dasharray="4 3"/>'
        )
    parts += [
        f'<text x="{LEFT + width * hour / 24:.0f}" y="{floor + 16}" fill="{INK}" text-anchor="middle">{hour}:00</text>'
        for hour in range(0, 25, 6)
    ]
    return parts
