"""What the report says about the library: totals and rankings, made from the facts of its files."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from taskforge.demo.analysis import FileFacts

DENSITY_FLOOR = 500
"""Lines of code below which a package's branch density says nothing."""

_TEST_FOLDERS = frozenset({"test", "tests", "idle_test"})


@dataclass(frozen=True, slots=True)
class FileFailure:
    """A file whose job failed for good: the error of its last attempt, and how many attempts were made."""

    path: str
    error: str
    attempts: int


@dataclass(frozen=True, slots=True)
class RunNumbers:
    """How the analysing jobs went. Durations are of executions that succeeded, in milliseconds."""

    python_version: str
    library: str
    files_found: int
    counts: Mapping[str, int]
    """Jobs by status."""
    retries: int
    """Attempts after a job's first one."""
    seconds: float
    """From the enqueueing to the end of the last analysing job."""
    jobs_per_second: float
    p50_milliseconds: float
    p95_milliseconds: float


@dataclass(frozen=True, slots=True)
class PackageLines:
    """One package (or single-file module) directly below the library's root."""

    name: str
    files: int
    code: int
    comment: int
    blank: int

    @property
    def lines(self) -> int:
        return self.code + self.comment + self.blank


def package_of(path: str) -> str:
    """`asyncio/tasks.py` belongs to `asyncio`, `argparse.py` to `argparse`."""
    first = path.split("/", 1)[0]
    return first.removesuffix(".py") or first


def is_test(path: str) -> bool:
    """Whether the file lies in one of the library's test folders."""
    return not _TEST_FOLDERS.isdisjoint(path.split("/")[:-1])


def library_files(facts: Iterable[FileFacts]) -> list[FileFacts]:
    """The files that are not tests: those would fill every ranking."""
    return [fact for fact in facts if not is_test(fact.path)]


def largest_packages(facts: Iterable[FileFacts], count: int) -> list[PackageLines]:
    """Packages by lines, the largest first; equal ones by name."""
    sums: dict[str, Counter[str]] = {}
    for fact in facts:
        total = sums.setdefault(package_of(fact.path), Counter())
        total["files"] += 1
        total["code"] += fact.code_lines
        total["comment"] += fact.comment_lines
        total["blank"] += fact.blank_lines
    packages = [
        PackageLines(name, total["files"], total["code"], total["comment"], total["blank"])
        for name, total in sums.items()
    ]
    return sorted(packages, key=lambda package: (-package.lines, package.name))[:count]


def most_imported(facts: Iterable[FileFacts], count: int) -> list[tuple[str, int]]:
    """Modules by the number of files that import them; equal ones by name."""
    files = Counter(name for fact in facts for name in fact.imports)
    return sorted(files.items(), key=lambda item: (-item[1], item[0]))[:count]


def most_branched(facts: Iterable[FileFacts], count: int) -> list[tuple[str, int]]:
    """Files by their decision points; equal ones by path."""
    files = [(fact.path, fact.branches) for fact in facts]
    return sorted(files, key=lambda item: (-item[1], item[0]))[:count]


def densest_packages(facts: Iterable[FileFacts], count: int) -> list[tuple[str, int]]:
    """Packages of some size by decision points in 1,000 lines of code; equal ones by name."""
    code: Counter[str] = Counter()
    branches: Counter[str] = Counter()
    for fact in facts:
        code[package_of(fact.path)] += fact.code_lines
        branches[package_of(fact.path)] += fact.branches
    density = [
        (name, round(1000 * branches[name] / lines)) for name, lines in code.items() if lines >= DENSITY_FLOOR
    ]
    return sorted(density, key=lambda item: (-item[1], item[0]))[:count]


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile: the smallest value that at least `share` of all are not above. 0 if none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    rank = -(-len(ordered) * share // 1)  # rounded up
    return ordered[max(0, int(rank) - 1)]
