"""The order of a run in which some tests take minutes.

`--dist worksteal` deals the tests out in stretches of equal length, one for each process; what a process does not come
to is taken over by others, from the end of its stretch. So what takes long has to stand at the beginnings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")


def in_stretches(long: Sequence[T], rest: Sequence[T], processes: int) -> list[T]:
    """All of them; as many of the `stretches` as can be begin with a long one."""
    left = [*rest]
    firsts = [[one] for one in long[: processes - 1]] + [[*long[processes - 1 :]]]
    ordered: list[T] = []
    for first, length in zip(firsts, lengths(len(long) + len(rest), processes), strict=False):
        others = max(0, length - len(first))
        ordered += [*first, *left[:others]]
        del left[:others]
    return ordered + left


def lengths(count: int, processes: int) -> list[int]:
    """How long the stretch of each process is."""
    found = []
    for processes_left in range(processes, 0, -1):
        found.append(count // processes_left)
        count -= found[-1]
    return found
