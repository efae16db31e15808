"""docs/reliability.md names tests that exist, every crash point, and every fault that it has to answer."""

import re

from tests.architecture.source import DOCS, ROOT
from tests.proof.crash_points import NOT_STATEMENTS, ROWS

PAGE = (DOCS / "reliability.md").read_text("utf-8")
FAULTS = {*range(1, 6), *range(8, 23), *range(24, 47), 50, 62, 63, *range(65, 73)}
BEGIN, END = "<!-- crash points: begin -->\n", "<!-- crash points: end -->\n"


def crash_point_table() -> str:
    """The rows of the table, by label: regenerate with `python -m tests.docs.test_reliability`."""
    lines = ["| label | reached while | sides |", "|---|---|---|"]
    for row in sorted(ROWS):
        label = f"`{row.label}`" + (f": {NOT_STATEMENTS[row.label]}" if row.label in NOT_STATEMENTS else "")
        lines.append(f"| {label} | {row.scene.replace('_', ' ')} | {', '.join(row.sides)} |")
    return "\n" + "\n".join(lines) + "\n\n"


def test_the_named_tests_exist() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)
    assert len(named) > 30
    for path, test in named:
        assert (ROOT / path).exists(), path
        assert not test or re.search(rf"def {test}\(", (ROOT / path).read_text("utf-8")), f"{path}::{test}"


def test_the_crash_points_are_those_that_are_played() -> None:
    table = PAGE.partition(BEGIN)[2].partition(END)[0]
    assert table == crash_point_table(), "run: python -m tests.docs.test_reliability"


def test_every_fault_has_a_test_or_a_reason() -> None:
    rows = [re.split(r"\s*\|\s*", line)[1:-1] for line in PAGE.splitlines() if re.match(r"\| F\d", line)]
    answered = {int(number) for row in rows for number in re.findall(r"\bF(\d+)\b", row[0])}
    assert answered == FAULTS
    assert [row[0] for row in rows if len(row) != 3 or not row[2]] == []


if __name__ == "__main__":
    head, _, rest = PAGE.partition(BEGIN)
    (DOCS / "reliability.md").write_text(head + BEGIN + crash_point_table() + END + rest.partition(END)[2])
