"""Every example of the documentation runs, page by page, from top to bottom, in a folder of its own."""

import importlib.util
import os
import re
import shlex
import shutil
import signal
import sys
from pathlib import Path

import pytest

from tests.architecture.source import ROOT
from tests.conftest import ENGINES
from tests.docs.pages import PAGES, Command, Example, of_peers, runnable
from tests.support.databases import Databases
from tests.support.processes import ChildProcess, Processes

POSTGRES_URL = "postgresql://taskforge@localhost/taskforge"
REDIS_URL = "redis://localhost:6379/0"
PROGRAM = Path(__file__).with_name("program.py")
BINARIES = Path(sys.executable).parent
SECONDS = 60
OF_A_SHELL = re.compile(r"[$`|&;<>*?(){}~\\\n]|^\w+=")
"""What makes a line one for a shell, where it is not quoted; any other line starts its program without one."""
QUOTED = re.compile(r"'[^']*'|" r'"[^"$`\\]*"')
ITS_OUTPUT = re.compile(r"\$\((taskforge [^()$]*)\)")

SAME_AS_ANOTHER = "README.id.md"  # `test_the_readmes_show_the_same`
WITH_EXAMPLES = [page for page in PAGES if runnable(page) and page.name != SAME_AS_ANOTHER]


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_examples_run(
    page: Path, tmp_path: Path, processes: Processes, databases: Databases, request: pytest.FixtureRequest
) -> None:
    folder = tmp_path / "program"
    folder.mkdir()
    (folder / "taskforge.toml").touch()  # so that no file further up counts
    chosen = runnable(page)
    reader = Reader(folder, processes, chosen)
    labels = request.config.stash[ENGINES].postgres_labels if _needs_postgres(chosen) else []
    if not labels:
        for example in _without_postgres(chosen):
            reader.follow(example)
        reader.end()
        return
    with databases.fresh(labels[0], tmp_path, migrated=False) as url:
        reader.replaced[POSTGRES_URL] = url
        for example in chosen:
            reader.follow(example)
        reader.end()


@pytest.mark.parametrize("page", [page for page in PAGES if of_peers(page)], ids=lambda page: page.stem)
def test_programs_of_others_run(
    page: Path, tmp_path: Path, processes: Processes, request: pytest.FixtureRequest
) -> None:
    chosen = of_peers(page)
    for peer in sorted({example.peer or "" for example in chosen}):
        if importlib.util.find_spec(peer) is None:
            pytest.skip(f"{peer} is not installed: make coming-from")
    reader = Reader(tmp_path, processes, chosen)
    if any(REDIS_URL in example.body for example in chosen):
        reader.replaced[REDIS_URL] = request.getfixturevalue("redis_url")
    for example in chosen:
        reader.follow(example)
    reader.end()


def _needs_postgres(chosen: list[Example]) -> bool:
    return any(POSTGRES_URL in example.body for example in chosen)


def _without_postgres(chosen: list[Example]) -> list[Example]:
    """All up to the first that names the PostgreSQL database: the page goes on there."""
    first = next((i for i, example in enumerate(chosen) if POSTGRES_URL in example.body), len(chosen))
    return chosen[:first]


class Reader:
    """Does what a reader of a page would do, in one folder and one shell."""

    def __init__(self, folder: Path, processes: Processes, chosen: list[Example]) -> None:
        self._chosen = chosen
        self.replaced: dict[str, str] = {}
        self._folder = folder
        self._processes = processes
        self._background: list[tuple[Example, ChildProcess]] = []
        self._environment = {
            "PATH": os.pathsep.join([str(BINARIES), os.environ.get("PATH", "")]),
            "NO_COLOR": "1",
            "COLUMNS": "120",
            "PYTEST_ADDOPTS": "-p no:cacheprovider -p no:asyncio -p no:taskforge -p taskforge.testing.plugin",
        }

    def follow(self, example: Example) -> None:
        """Run one example. Raises AssertionError naming its place."""
        if example.language == "python":
            self._run_python(example)
            return
        commands = example.commands
        for command in commands:
            is_last = command is commands[-1]
            if is_last and example.mark == "in the background":
                child = self._start(command)
                child.wait_for(re.escape(example.value or ""), SECONDS)
                self._background.append((example, child))
                continue
            expected = int(example.value or 0) if is_last and example.mark == "exit code" else 0
            self._run(example, command, expected)

    def end(self) -> None:
        """Stop what runs in the background: it must end well."""
        for example, child in self._background:
            assert child.returncode is None, f"{example.place} has ended:\n{child.output}"
            child.send(signal.SIGTERM)
        for example, child in self._background:
            assert child.wait(SECONDS) == 0, f"{example.place} did not end well:\n{child.output}"

    def _run_python(self, example: Example) -> None:
        name = example.file or f"example_{example.number}.py"
        (self._folder / name).write_text(self._filled(example.body))
        arguments: tuple[str | Path, ...] = (name,)
        if example.mark == "with a worker":
            arguments = (PROGRAM, name, example.value or "")
        elif example.file is not None:
            if _is_script(example) or self._is_imported_after(example):
                return
            arguments = ("-c", f"import {Path(name).stem}")
        child = self._processes.python(*arguments, environment=self._environment, folder=self._folder)
        assert child.wait(SECONDS) == 0, f"{example.place}:\n{child.output}"

    def _is_imported_after(self, example: Example) -> bool:
        """Whether a later example imports the file anyway, which shows as much as importing it alone."""
        name = Path(example.file or "").stem
        imports = re.compile(rf"^\s*(?:from|import) {re.escape(name)}\b", re.MULTILINE)
        return any(
            later.number > example.number and later.language == "python" and imports.search(later.body)
            for later in self._chosen
        )

    def _run(self, example: Example, command: Command, expected: int) -> None:
        if exported := re.fullmatch(r"export (\w+)=(?:\$\((.+)\)|(\S+))", self._filled(command.line)):
            self._environment[exported[1]] = exported[3] or self._output(exported[2])
            return
        child = self._start(command)
        assert child.wait(SECONDS) == expected, f"{example.place}: $ {command.line}\n{child.output}"
        assert matches(child.output, command.output), (
            f"{example.place}: $ {command.line}\nprinted:\n{child.output}\nnot:\n" + "\n".join(command.output)
        )

    def _start(self, command: Command) -> ChildProcess:
        line = ITS_OUTPUT.sub(lambda inner: self._output(inner[1]), self._filled(command.line))
        is_of_a_shell = OF_A_SHELL.search(QUOTED.sub("", line))
        program, *arguments = [""] if is_of_a_shell else shlex.split(line)
        if program == "python":
            start = self._processes.python
        elif program == "taskforge":
            start, arguments = self._processes.python, [str(BINARIES / "taskforge"), *arguments]
        else:
            start, arguments = (
                self._processes.start,
                [shutil.which("bash") or "/bin/sh", "-c", f"exec {line}"],
            )
        return start(*arguments, environment=self._environment, folder=self._folder)

    def _output(self, line: str) -> str:
        child = self._start(Command(line, ()))
        assert child.wait(SECONDS) == 0, f"$ {line}\n{child.output}"
        return child.output.strip()

    def _filled(self, line: str) -> str:
        for written, real in self.replaced.items():
            line = line.replace(written, real)
        return line


def _is_script(example: Example) -> bool:
    """Whether a file does something when it is imported: then a console example runs it."""
    return re.search(r"^(print|asyncio\.run)\(|\.enqueue\(|^assert ", example.body, re.MULTILINE) is not None


def matches(printed: str, expected: tuple[str, ...]) -> bool:
    """Whether the output is the expected one; a line of `...` stands for any lines, `...` in a line for any text, nothing for anything."""
    if not expected:
        return True
    lines = (
        r"(?:.*\n)*" if line == "..." else ".*".join(map(re.escape, line.split("..."))) + r"\n"
        for line in expected
    )
    pattern = "".join(lines)
    return (
        re.fullmatch(pattern, printed if printed.endswith("\n") or not printed else printed + "\n")
        is not None
    )


def test_matches() -> None:
    assert matches("5\n", ("5",))
    assert matches("anything\n", ())
    assert matches("a\nb\nc\n", ("a", "..."))
    assert matches("", ("...",))
    assert matches("a, b, c\n", ("a...c",))
    assert not matches("a, b, d\n", ("a...c",))
    assert not matches("6\n", ("5",))
    assert not matches("5\n6\n", ("5",))
