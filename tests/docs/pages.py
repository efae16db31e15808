"""The pages of the documentation, their links and their examples.

An example is a fenced block of `python`, `console` or `bash`. A comment in the line before its fence says more:

    <!-- not run: reason -->          why a test cannot run it
    <!-- with a worker: MODULE -->    (python) a worker of MODULE's application runs in the same process
    <!-- in the background: TEXT -->  (console) the last command prints TEXT, goes on until the page ends, ends well
    <!-- exit code: N -->             (console) the last command ends with N, not 0
    <!-- run by: FILE -->             that file of the tests does all of it; a test looks for each command there

What lies between `<!-- before: MODULE -->` and `<!-- end of before -->` is a program of somebody else's package, a reader of
its own, and needs that package.

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
_MARK = re.compile(r"^(not run|run by|with a worker|in the background|exit code)(?:: (.+))?$")
_BEFORE = re.compile(r"^<!-- before: (\w+) -->$(.*?)^<!-- end of before -->$", re.MULTILINE | re.DOTALL)
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
    peer: str | None = None

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


def text_of(page: Path) -> str:
    """A page, in which lines of one paragraph are one line."""
    return re.sub(r"(?<=[^\n])\n(?=[^\n|#`<$\s-])", " ", page.read_text("utf-8"))


def examples(page: Path) -> list[Example]:
    """The fenced blocks of a page. Raises ValueError for a comment that looks like a mark and is none."""
    text = page.read_text("utf-8")
    regions = [(region.start(), region.end(), region[1]) for region in _BEFORE.finditer(text)]
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
        peer = next((name for start, end, name in regions if start < match.start() < end), None)
        found.append(Example(page, line, match["language"], match["body"], mark, value, peer))
    return found


def runnable(page: Path) -> list[Example]:
    """Those that are run from top to bottom."""
    return [e for e in programs(page) if e.peer is None]


def of_peers(page: Path) -> list[Example]:
    """Those of another package, which are run by themselves."""
    return [e for e in programs(page) if e.peer is not None]


def programs(page: Path) -> list[Example]:
    """Those that are run, of whichever package."""
    return [e for e in examples(page) if e.language in LANGUAGES and e.mark not in ("not run", "run by")]
