"""Tables and paragraphs for people. Plain text without colours when standard output is no terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Literal

from taskforge.cli.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console
    from rich.table import Table

WIDTH_OF_A_FILE = 1000
"""Nothing is cut or folded in a pipe or a file."""

STATUS_STYLES = {
    "succeeded": "green",
    "failed": "red",
    "dead_letter": "red",
    "retry_scheduled": "yellow",
    "processing": "cyan",
    "running": "cyan",
    "started": "cyan",
    "cancelled": "dim",
    "online": "green",
    "active": "green",
    "paused": "yellow",
    "draining": "yellow",
    "unhealthy": "yellow",
    "closed": "red",
    "offline": "dim",
    "ok": "green",
    "warning": "yellow",
    "problem": "red",
}


def console() -> Console:
    """Standard output. What users wrote is never read as markup."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else WIDTH_OF_A_FILE
    return Console(width=width, markup=False, highlight=False, emoji=False, soft_wrap=width is not None)


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str, right: Sequence[str] = ()
) -> None:
    """A table with a line of heads; ``empty`` is said when there are no rows. ``right`` columns hold numbers."""
    table = drawn(columns, rows, right=right)
    out = console()
    if not table.row_count:
        out.print(empty)
        return
    with out.capture() as capture:
        out.print(table)
    for line in capture.get().splitlines():
        print(line.rstrip())


def drawn(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    right: Sequence[str] = (),
    one_line: bool = False,
) -> Table:
    """The same table for a console: what does not fit goes on below, or with ``one_line`` is cut, texts before numbers."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    overflow: Literal["ellipsis", "fold"] = "ellipsis" if one_line else "fold"
    for column in columns:
        if column in right:
            table.add_column(column, justify="right", overflow=overflow, no_wrap=one_line)
        else:
            table.add_column(column, overflow=overflow)
    for row in rows:
        cells = [visible(str(cell)) for cell in row]
        table.add_row(
            *(Text(cell, style=STATUS_STYLES.get(cell, ""), no_wrap=one_line or None) for cell in cells)
        )
    return table


def print_fields(fields: Iterable[tuple[str, object]]) -> None:
    """Names and values, one a line; what is empty is left out."""
    shown = [(name, visible(str(value))) for name, value in fields if value not in (None, "")]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        print(f"{name:<{width}}  {value}")
