"""Which failures are the same."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskforge.domain.fingerprint import MOST_FRAMES, fingerprint_of, own_frames
from taskforge.runtime.worker.failure import format_traceback

if TYPE_CHECKING:
    from collections.abc import Callable

TRACEBACK = """Traceback (most recent call last):
  File "/srv/releases/20261122/tasks.py", line 12, in charge
    gateway.post(card)
    ~~~~~~~~~~~~^^^^^^
  File "/usr/lib/python3.11/site-packages/gateway/client.py", line 90, in post
    raise Refused(f"<Card at 0x7f3a>")
gateway.Refused: <Card at 0x7f3a>
"""


def test_own_frames_are_those_of_no_library() -> None:
    assert own_frames(TRACEBACK) == ("20261122/tasks.py: charge",)
    assert own_frames(None) == own_frames("Traceback ...") == ()


@pytest.mark.parametrize(
    ("change", "is_same"),
    [
        (("line 12", "line 4711"), True),
        (("0x7f3a", "0x9abc"), True),
        (("releases/20261122", "releases/20270101"), True),
        (("/srv/releases", "/home/ani/releases"), True),
        (("/usr/lib/python3.11", "/opt/venv/lib/python3.13"), True),
        (("line 90, in post", "line 33, in send"), True),
        (("in charge", "in refund"), False),
        (("tasks.py", "jobs.py"), False),
    ],
)
def test_lines_addresses_and_folders_change_nothing(change: tuple[str, str], is_same: bool) -> None:
    changed = TRACEBACK.replace(*change)
    assert changed != TRACEBACK
    assert (fingerprint_of("Refused", changed) == fingerprint_of("Refused", TRACEBACK)) is is_same


def test_the_type_tells_apart_and_the_task_only_without_frames() -> None:
    assert fingerprint_of("Refused", TRACEBACK) != fingerprint_of("Timeout", TRACEBACK)
    assert fingerprint_of("Refused", TRACEBACK, "a") == fingerprint_of("Refused", TRACEBACK, "b")
    assert fingerprint_of("Refused", None, "a") != fingerprint_of("Refused", None, "b")
    assert fingerprint_of("TimeoutError", TRACEBACK, "a") == fingerprint_of("TimeoutError", None, "a")
    assert fingerprint_of("TimeoutError", TRACEBACK, "a") != fingerprint_of("TimeoutError", TRACEBACK, "b")


def _recursive(depth: int) -> None:
    if depth:
        _recursive(depth - 1)
    raise ValueError(depth)


def _chained(depth: int) -> None:
    try:
        _recursive(depth)
    except ValueError as error:
        raise KeyError from error


def _grouped(depth: int) -> None:
    try:
        _chained(depth)
    except KeyError as error:
        raise ExceptionGroup("several", [error, OSError()]) from None


@pytest.mark.parametrize("fail", [_recursive, _chained, _grouped])
def test_recursion_of_any_depth_is_one_place(fail: Callable[[int], None]) -> None:
    found = {own_frames(_traceback(fail, depth)) for depth in (1, 5, 400)}
    assert len(found) == 1
    assert any(frame.endswith(": _recursive") for frame in found.pop())


@given(st.text(), st.one_of(st.none(), st.text()))
def test_whatever_a_traceback_says_there_is_a_fingerprint(error_type: str, traceback: str | None) -> None:
    assert fingerprint_of(error_type, traceback, "t") == fingerprint_of(error_type, traceback, "t")
    assert len(own_frames(traceback)) <= MOST_FRAMES


def _traceback(fail: Callable[[int], None], depth: int) -> str | None:
    limit = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(max(limit, 2000))
        fail(depth)
    except Exception as error:
        return format_traceback(error)
    finally:
        sys.setrecursionlimit(limit)
    return None
