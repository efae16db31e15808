"""Values as people read and write them."""

from datetime import UTC, datetime, timedelta

import pytest

from taskforge.cli.arguments import call_arguments, json_or_text, pairs, seconds, split, statuses
from taskforge.cli.text import ago, milliseconds, moment, one_line, visible
from taskforge.domain.job import JobStatus


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1), ("-1.5", -1.5), ("true", True), ("null", None), ('"1"', "1"), ("abc", "abc"), ("[1", "[1"), ("", ""),
     ('{"a": [1]}', {"a": [1]}), ("NaN", "NaN"), ("007", "007"), ("18446744073709551617", 18446744073709551617)],
)  # fmt: skip
def test_json_or_text(text: str, value: object) -> None:
    assert json_or_text(text) == value


def test_call_arguments() -> None:
    assert call_arguments(["1", "a=b", "b="]) == ([1], {"a": "b", "b": ""})
    assert call_arguments(["http://x?a=b", "1=2"]) == (["http://x?a=b", "1=2"], {})


def test_lists_pairs_seconds_statuses() -> None:
    assert split(["a,b", " a ", ""]) == ["a", "b"]
    assert split(None) == []
    assert pairs(["a=1", "b=", "c=null", "d=x=y"]) == {"a": 1, "b": None, "c": None, "d": "x=y"}
    assert (seconds("2", "x"), seconds("1m30s", "x"), seconds(None, "x")) == (2.0, 90.0, None)
    assert statuses(["waiting,failed", "pending"]) == [
        JobStatus.PENDING,
        JobStatus.SCHEDULED,
        JobStatus.FAILED,
    ]
    assert statuses([]) is None


def test_visible_keeps_lines_and_words_of_any_language() -> None:
    assert visible("Ünï\n\tcode 日本") == "Ünï\n\tcode 日本"
    assert visible("a\x1b[2Jb\x00") == "a\\x1b[2Jb\\x00"


def test_times_and_durations() -> None:
    now = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)
    assert moment(now) == "2026-01-31 09:00:00"
    assert moment(None) == ""
    assert ago(now - timedelta(seconds=12), now) == "12s ago"
    assert ago(now + timedelta(minutes=3), now) == "in 3m"
    assert ago(now - timedelta(days=3), now) == "3d ago"
    assert ago(None, now) == ""
    assert [milliseconds(value) for value in (None, 0.25, 12.4, 1500, 120_000)] == [
        "", "0.2 ms", "12 ms", "1.5 s", "2m",
    ]  # fmt: skip
    assert one_line("first\nsecond") == "first"
    assert one_line("x" * 100, 10) == "x" * 9 + "…"
