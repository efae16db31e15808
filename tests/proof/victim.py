"""Processes that die at a named moment: a server that forks them, each in the blink of an eye.

`python -m tests.proof.victim` imports all that is needed once and then reads one JSON request a line: `{"run": {...}}` forks
a process (a `Victim`) and answers its pid, `{"wait": pid}` answers how it ended. A victim is a process of its own
that runs the real command line, or one of `tests.proof.client`'s operations; nothing is opened before the fork.

The moments are the sides of every named statement, taken where all of them pass: the verbs of
`taskforge.storage.engine.Engine`. The product holds no hook for this.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import json
import os
import signal
import sys
import traceback
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from pkgutil import walk_packages
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

import taskforge
from taskforge.cli import main as command_line
from taskforge.coordination.local import LocalSignals
from taskforge.coordination.postgres import PostgresSignals
from taskforge.coordination.wal import WalSignals
from taskforge.storage import migrate as storage_migrate
from taskforge.storage import rules
from taskforge.storage.postgres import PostgresEngine
from taskforge.storage.sqlite import engine as sqlite_engine
from taskforge.storage.sqlite.engine import SqliteEngine
from taskforge.storage.statements import DIALECTS, catalog
from tests.proof.history import Event, write

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from taskforge.storage.engine import Call, Rows, Script


NOT_NEEDED = (
    "taskforge.__main__",
    "taskforge.api",
    "taskforge.bench",
    "taskforge.cli.serv",
    "taskforge.client",
    "taskforge.compat",
    "taskforge.contrib",
    "taskforge.demo",
)
IMPORTED_LATE = ("pydantic.plugin._loader", "tomllib", "typer._click.decorators", "uvloop")


class Side(StrEnum):
    """Of a statement: before it is sent; done in a transaction that is not committed; committed, not yet answered."""

    BEFORE = "before"
    UNCOMMITTED = "uncommitted"
    AFTER = "after"


class Victim(NamedTuple):
    """What a process is to do, and where it dies (`label` empty: nowhere). `crowded`: it claims at the gate alone."""

    arguments: list[str]
    environment: dict[str, str]
    output: str
    label: str = ""
    side: str = ""
    crowded: bool = False


class CrashPoint:
    """Kills this process, by SIGKILL and after a note of it, at one side of one label."""

    def __init__(self, label: str, side: str) -> None:
        self._label, self._side = label, side

    def reach(self, label: str, side: Side, held: Sequence[str] = ()) -> None:
        """The process has come to this point, where a transaction holds all of ``held``."""
        if (label, side) == (self._label, self._side):
            write(Event.KILLED, what=" ".join((label, side, *held)))
            os.kill(os.getpid(), signal.SIGKILL)

    def install(self) -> None:
        """Put the points around all that leaves this process."""
        for engine in (PostgresEngine, SqliteEngine):
            self._around_engine(engine)
        for signals in (LocalSignals, PostgresSignals, WalSignals):
            if "publish" in vars(signals):
                self._around(signals, "publish", "hint")
        if self._label == "migrate":
            self._around_migration()
        self._around_handlers()

    def _around_engine(self, engine: Any) -> None:
        call_before, run_before, reach = engine.call, engine.run, self.reach

        async def call(self: Any, call: Call) -> Rows:
            reach(call.name, Side.BEFORE)
            rows: Rows = await call_before(self, call)
            reach(call.name, Side.AFTER)
            return rows

        async def run(self: Any, script: Callable[[], Script[Any]]) -> Any:
            names: list[str] = []

            def watched() -> Script[Any]:
                names.clear()
                steps = script()
                try:
                    call = next(steps)
                    while True:
                        reach(call.name, Side.BEFORE)
                        names.append(call.name)
                        call = steps.send((yield call))
                except StopIteration as stop:
                    for name in names:
                        reach(name, Side.UNCOMMITTED, names)
                    return stop.value

            result = await run_before(self, watched)
            for name in names:
                reach(name, Side.AFTER, names)
            return result

        engine.call, engine.run = call, run

    def _around(self, owner: Any, name: str, label: str) -> None:
        before = getattr(owner, name)

        def around(*arguments: Any, **options: Any) -> Any:
            self.reach(label, Side.BEFORE)
            result = before(*arguments, **options)
            self.reach(label, Side.AFTER)
            return result

        setattr(owner, name, around)

    def _around_migration(self) -> None:
        before, compare = storage_migrate._with_schema, storage_migrate._compare

        async def around(address: Any, *, apply: bool) -> Any:
            if not apply:
                return await before(address, apply=apply)
            self.reach("migrate", Side.BEFORE)
            state = await before(address, apply=apply)
            self.reach("migrate", Side.AFTER)
            return state

        def compared(*arguments: Any) -> Any:
            """The steps, of which the last ends with this process."""
            return replace(state := compare(*arguments), pending=self._mortal(state.pending))

        vars(storage_migrate).update(_with_schema=around, _compare=compared)

    def _mortal(self, steps: Sequence[storage_migrate.Migration]) -> Any:
        """Steps that reach a point when the last one is done and not yet recorded."""
        for number, step in enumerate(steps, 1):
            yield step
            if number == len(steps):
                self.reach("migrate", Side.UNCOMMITTED)

    def _around_handlers(self) -> None:
        """Claimed, nothing begun; and the side effect done, nothing reported."""
        app = importlib.import_module("tests.proof.app")
        before = app.write

        def noted(event: Event, **more: Any) -> None:
            if event is Event.START:
                self.reach("handler", Side.BEFORE)
            before(event, **more)
            if event is Event.END:
                self.reach("handler", Side.AFTER)

        vars(app)["write"] = noted


async def _in_vain(*_: object) -> None:
    """What a claim answers that did not hold the gate, and came too late."""


def be(victim: Victim) -> int:
    """Run, in a process that was just forked; answer the exit code, if it gets that far."""
    os.setsid()
    output = os.open(victim.output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(Path(victim.output).parent)  # no settings are found there
    os.environ.update(victim.environment)
    CrashPoint(victim.label, victim.side).install()
    if victim.crowded:
        by_rules: Any = rules.ClaimsByRules
        by_rules._unheld = _in_vain
    if victim.arguments[0] == "client":
        client = importlib.import_module("tests.proof.client")
        asyncio.run(client.run(victim.arguments[1], victim.arguments[2:]))
        return 0
    return command_line.run_command(victim.arguments)


def fork(victim: Victim) -> int:
    """The pid of a new process that is the victim."""
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        code = be(victim)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def warm() -> None:
    """Do once what every process does when it starts: import, read the statements, make the commands."""
    for module in walk_packages(taskforge.__path__, "taskforge."):
        if not module.name.startswith(NOT_NEEDED):
            importlib.import_module(module.name)
    for name in ("tests.proof.client", *IMPORTED_LATE):
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(name)
    sqlite_engine._prepared()
    for dialect in DIALECTS:
        catalog(dialect)
        storage_migrate.migrations(dialect)
    commands: Any = typer.main.get_command(command_line.application)
    with commands.make_context("taskforge", ["worker"]) as context:
        for name in ("worker", "migrate"):  # what parses their options is made at the first use
            commands.get_command(context, name).make_context(name, [], parent=context)
    vars(command_line)["application"] = commands
    gc.freeze()  # so that a collection in a child does not copy what it shares with us


def main() -> None:
    """Serve until the input ends; then kill what is left."""
    warm()
    children: set[int] = set()
    for line in sys.stdin:
        request = json.loads(line)
        if "run" in request:
            answer = fork(Victim(**request["run"]))
            children.add(answer)
        else:
            _, status = os.waitpid(request["wait"], 0)
            children.discard(request["wait"])
            answer = os.waitstatus_to_exitcode(status)
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()
    for pid in children:
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    main()
