"""What tasks print goes to their own log, within bounds, and still to where it went before."""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskforge.runtime.worker.output import MAX_CHARACTERS, MAX_LINES, TAIL_CHARACTERS, TAIL_LINES, Output

if TYPE_CHECKING:
    from tests.unit.runtime.fake_link import FakeLink
    from tests.unit.runtime.scene import Scene


@pytest.mark.anyio
async def test_each_task_s_prints_go_to_its_own_log(
    link: FakeLink, scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    both = threading.Barrier(2, timeout=10)

    @scene.task
    def in_thread(name: str) -> None:
        for number in range(3):
            both.wait()
            print(name, number)
        print("stderr of", name, "without an end", end="", file=sys.stderr)

    @scene.task
    async def on_loop(name: str) -> None:
        for number in range(3):
            await asyncio.sleep(0)
            print(name, number)

    @scene.task
    async def silent() -> None: ...

    executions = {
        name: link.add(task, f'{{"name": "{name}"}}')
        for task, name in [("in_thread", "a"), ("in_thread", "b"), ("on_loop", "c"), ("on_loop", "d")]
    }
    link.add("silent")
    before = sys.stdout
    async with scene.worker():
        print("from nobody")
        await link.settled(5)
    assert sys.stdout is before
    lines = {report.execution_id: [line.message for line in report.lines] for report in link.reports}
    for name, execution in executions.items():
        printed = [line.message for sender, line in link.lines if sender == execution] + lines[execution]
        ends = [f"stderr of {name} without an end"] * (name in "ab")
        assert printed == [f"{name} {number}" for number in range(3)] + ends
    out, err = capsys.readouterr()
    assert out.count("a 2\n") == 1
    assert "from nobody\n" in out
    assert "stderr of b without an end" in err


@pytest.mark.anyio
async def test_capture_can_be_off(link: FakeLink, scene: Scene) -> None:
    @scene.task
    async def job() -> None:
        print("unheard")

    link.add("job")
    async with scene.worker(capture_output=False):
        await link.settled(1)
    assert link.reports[0].lines == ()


def taken(*pieces: str) -> list[str]:
    lines: list[str] = []
    output = Output(lambda _, line: lines.append(line))
    for piece in pieces:
        output.write("stdout", piece)
    output.close()
    return lines


@given(st.lists(st.text(st.sampled_from("ab\n"), max_size=20), max_size=20))
def test_lines_do_not_depend_on_how_they_were_written(pieces: list[str]) -> None:
    whole = "".join(pieces)
    assert taken(*pieces) == taken(whole) == (whole.removesuffix("\n").split("\n") if whole else [])


@given(
    st.lists(st.tuples(st.integers(0, 40_000), st.sampled_from(["", "\n", "\nmiddle\n"])), max_size=60),
    st.integers(0, 3000),
)
def test_it_is_bounded_and_the_end_is_kept(pieces: list[tuple[int, str]], short_lines: int) -> None:
    lines = taken(*["x" * length + end for length, end in pieces], *["y\n"] * short_lines, "the very end")
    assert len(lines) <= MAX_LINES + TAIL_LINES + 3
    assert sum(map(len, lines)) <= MAX_CHARACTERS + 2 * TAIL_CHARACTERS + 100
    assert lines[-1].endswith("the very end")
    assert sum("are left out here" in line for line in lines) <= 1


def test_one_write_of_very_much_is_cheap() -> None:
    [*_, mark, _] = taken("x" * 50_000_000)
    assert mark.startswith("[output cut: 49,7")
