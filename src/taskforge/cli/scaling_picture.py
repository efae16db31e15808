"""Draws a simulation: workers, backlog and wait over time, one below the other, as an SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskforge.domain.scaling_policy import ScalingPolicy
    from taskforge.domain.scaling_simulation import Simulation

WIDTH, LEFT, RIGHT, TOP = 720, 56, 24, 28
PANEL, GAP = 120, 34
INK, FAINT = "#334155", "#cbd5e1"


class _Panel(NamedTuple):
    title: str
    colour: str
    values: Sequence[float]
    bound: float | None = None


def picture(simulation: Simulation, policy: ScalingPolicy) -> str:
    """The whole picture. It reads on light and on dark pages."""
    panels = [
        _Panel("workers", "#2563eb", [point.workers for point in simulation.points], policy.max_workers),
        _Panel("jobs that wait", "#d97706", [point.backlog for point in simulation.points]),
        _Panel(
            "how long the oldest has waited, seconds",
            "#dc2626",
            [point.wait for point in simulation.points],
            policy.target_age_seconds,
        ),
    ]
    times = [point.at for point in simulation.points]
    height = TOP + len(panels) * (PANEL + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
        f'font-size="11" role="img" aria-label="workers, backlog and wait over time">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    for number, panel in enumerate(panels):
        parts += _drawn(panel, times, TOP + number * (PANEL + GAP))
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def _drawn(panel: _Panel, times: Sequence[float], top: int) -> list[str]:
    longest = times[-1] or 1.0
    highest = max([*panel.values, panel.bound or 0.0, 1.0])
    width = WIDTH - LEFT - RIGHT

    def across(at: float) -> float:
        return LEFT + width * at / longest

    def down(value: float) -> float:
        return top + PANEL * (1 - value / highest)

    path = f"M{across(times[0]):.1f} {down(panel.values[0]):.1f}"
    for at, value in zip(times[1:], panel.values[1:], strict=True):
        path += f"H{across(at):.1f}V{down(value):.1f}"
    area = f"{path}V{top + PANEL}H{across(times[0]):.1f}Z"
    parts = [
        f'<text x="{LEFT}" y="{top - 8}" fill="{INK}" font-weight="bold">{panel.title}</text>',
        f'<path d="{area}" fill="{panel.colour}" fill-opacity="0.12"/>',
        f'<path d="{path}" fill="none" stroke="{panel.colour}" stroke-width="1.5"/>',
        f'<path d="M{LEFT} {top}V{top + PANEL}H{WIDTH - RIGHT}" fill="none" stroke="{FAINT}"/>',
        f'<text x="{LEFT - 6}" y="{top + 4}" fill="{INK}" text-anchor="end">{highest:,.0f}</text>',
        f'<text x="{LEFT - 6}" y="{top + PANEL + 4}" fill="{INK}" text-anchor="end">0</text>',
    ]
    if panel.bound:
        parts.append(
            f'<path d="M{LEFT} {down(panel.bound):.1f}H{WIDTH - RIGHT}" stroke="{INK}" stroke-dasharray="4 3" '
            'stroke-opacity="0.6"/>'
        )
    for quarter in range(5):
        at = longest * quarter / 4
        parts.append(
            f'<text x="{across(at):.1f}" y="{top + PANEL + 14}" fill="{INK}" text-anchor="middle">{_time(at)}</text>'
        )
    return parts


def _time(seconds: float) -> str:
    if seconds < 600:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 36_000 else f"{seconds / 3600:.1f} h"
