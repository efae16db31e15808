"""The pages of the documentation, their links and their examples.

An example is a fenced block of `python`, `console` or `bash`. A comment in the line before its fence says more:

    <!-- not run: reason -->          why a test cannot run it
    <!-- with a worker: MODULE -->    (python) a worker of MODULE's application runs in the same process
    <!-- in the background: TEXT -->  (console) the last command prints TEXT, goes on until the page ends, ends well
    <!-- exit code: N -->             (console) the last command ends with N, not 0

A Python example whose first line is a comment with a file's name is that file for the rest of the page.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.architecture.source import DOCS, ROOT

PAGES = [ROOT / "README.md", ROOT / "README.id.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
LANGUAGES = {"python", "console", "bash", "sh", "shell"}
_FENCE = re.compile(
    r"(?:^<!-- (?P<mark>[^\n]*?) -->\n)?^(?P<indent> *)```(?P<language>\w+)\n(?P<body>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_MARK = re.compile(r"^(not run|with a worker|in the background|exit code)(?:: (.+))?$")
_FILE = re.compile(r"^# ([\w/]+\.(?:py|toml))$")


@dataclass(frozen=True)
class Command:
    """A line after `$`, and the lines that it prints (`...` stands for any number of them)."""

    line: str
    output: tuple[str, ...]


@dataclass(frozen=True)
class Example:
    """One fenced block."""

    page: Path
    number: int
    language: str
    body: str
    mark: str | None
    value: str | None

    @property
    def place(self) -> str:
        """`page:line`."""
        return f"{self.page.relative_to(ROOT)}:{self.number}"

    @property
    def file(self) -> str | None:
        """The name of the file that it is, if it says so."""
        found = _FILE.match(self.body.partition("\n")[0])
        return None if found is None else found[1]

    @property
    def commands(self) -> list[Command]:
        """What a console example types and sees."""
        commands: list[tuple[str, list[str]]] = []
        for line in self.body.splitlines():
            if line.startswith("$ "):
                commands.append((line[2:].partition("   #")[0].rstrip(), []))
            elif commands:
                commands[-1][1].append(line)
            else:
                raise ValueError(f"{self.place}: output before the first command: {line!r}")
        return [Command(line, tuple(output)) for line, output in commands]


def examples(page: Path) -> list[Example]:
    """The fenced blocks of a page. Raises ValueError for a comment that looks like a mark and is none."""
    text = page.read_text("utf-8")
    found = []
    for match in _FENCE.finditer(text):
        line = text.count("\n", 0, match.start("language")) + 1
        mark = value = None
        if match["mark"] is not None:
            known = _MARK.match(match["mark"])
            if known is None and match["language"] in LANGUAGES:
                raise ValueError(f"{page.name}:{line}: unknown mark {match['mark']!r}")
            if known is not None:
                mark, value = known[1], known[2]
        found.append(Example(page, line, match["language"], match["body"], mark, value))
    return found


def runnable(page: Path) -> list[Example]:
    """Those that a test runs."""
    return [e for e in examples(page) if e.language in LANGUAGES and e.mark != "not run"]
