"""What the demo prints."""

import io
import json
from dataclasses import replace

from rich.console import Console

from taskforge.demo.findings import FileFailure
from taskforge.demo.progress import DemoProgress
from taskforge.demo.screen import left_of, plain_lines, print_summary, screen
from taskforge.demo.summary import DemoSummary

PROGRESS = DemoProgress(total=100, done=40, failed=1, retrying=2, seconds=4.0, rate=10.0, seconds_left=6.2)
SUMMARY = DemoSummary(
    run="demo-1",
    files=2,
    files_in_library=2,
    lines=30,
    counts={"succeeded": 2, "failed": 1, "pending": 0},
    dead_letters=[FileFailure("test/[bold]bad.py", "SyntaxError: [red]no (bad.py, line 1)", 3)],
    retries=2,
    seconds=1.23456,
    jobs_per_second=1.62001,
    p50_milliseconds=2.5,
    p95_milliseconds=40.1234567,
    report="/a/very/long/folder/" + "x" * 90 + "/report.html",
    csv="/r/files.csv",
    database="sqlite:////r/demo.db",
)


def console(*, terminal: bool = False) -> tuple[Console, io.StringIO]:
    text = io.StringIO()
    return Console(file=text, width=80, force_terminal=terminal, color_system=None, _environ={}), text


def test_elsewhere_than_on_a_terminal_a_line_a_second() -> None:
    output, text = console()
    now = 0.0
    show = plain_lines(output, clock=lambda: now)
    for tenth in range(25):
        now = tenth / 10
        show(PROGRESS)
    now = 2.45
    for _ in range(3):
        show(replace(PROGRESS, done=100))
    lines = text.getvalue().splitlines()
    assert lines[0] == "40/100 done, 10.0/s, 1 failed, 2 retrying, 6 s left"
    assert len(lines) == 4
    assert lines[-1] == "100/100 done, 10.0/s, 1 failed, 2 retrying, 4.0 s in all"


def test_a_console_that_is_no_terminal_gets_lines_without_control_characters() -> None:
    output, text = console()
    with screen(output) as show:
        show(PROGRESS)
    assert text.getvalue().isprintable() or text.getvalue() == text.getvalue().strip() + "\n"
    assert "\x1b" not in text.getvalue()


def test_a_terminal_gets_a_live_bar() -> None:
    output, text = console(terminal=True)
    with screen(output) as show:
        show(PROGRESS)
        show(replace(PROGRESS, done=100))
    assert "\x1b" in text.getvalue()
    assert "100%" in text.getvalue()


def test_time_left_in_words() -> None:
    assert left_of(replace(PROGRESS, seconds_left=None)) == "time left unknown"
    assert left_of(replace(PROGRESS, seconds_left=125.4)) == "2 min 5 s left"


def test_the_summary_says_which_files_failed_and_why_and_breaks_no_path() -> None:
    output, text = console()
    print_summary(output, SUMMARY)
    shown = text.getvalue()
    for expected in (
        "2 succeeded, 1 failed",
        "test/[bold]bad.py",
        "SyntaxError: [red]no (bad.py, line 1) (3 attempts)",
        "p50 2.5 ms, p95 40.1 ms",
        "1.6 jobs per second",
        SUMMARY.report,
    ):
        assert expected in shown


def test_a_run_without_failures_says_why() -> None:
    assert SUMMARY.note is None
    assert "some distributions leave out" in str(replace(SUMMARY, dead_letters=[]).note)
    sample = replace(SUMMARY, dead_letters=[], files_in_library=9)
    assert "sample" in str(sample.note)
    output, text = console()
    print_summary(output, sample)
    assert str(sample.note) in text.getvalue()


def test_json_is_one_object_on_one_line() -> None:
    line = SUMMARY.to_json()
    assert "\n" not in line
    values = json.loads(line)
    assert values["counts"] == {"succeeded": 2, "failed": 1, "pending": 0}
    assert values["dead_letter"] == 1
    assert values["dead_letters"][0] == {
        "path": "test/[bold]bad.py",
        "error": "SyntaxError: [red]no (bad.py, line 1)",
        "attempts": 3,
    }
    assert values["jobs_per_second"] == 1.62
    assert values["durations"] == {"p50_ms": 2.5, "p95_ms": 40.123}
    assert values["report"] == SUMMARY.report
