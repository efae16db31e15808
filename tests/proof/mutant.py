"""A plugin of pytest that takes guards away, each in a fork of a process that has collected all tests already.

First every test is run as it is, and each statement that it sends is written down. Then a fork runs, for each guard,
only the tests that send its statement, and ends at the first that fails: that test has noticed.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from taskforge.storage.postgres import PostgresEngine
from taskforge.storage.sqlite.engine import SqliteEngine
from tests.proof.equivalents import reason_of
from tests.proof.mutations import mutations

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from taskforge.storage.engine import Call, Rows, Script
    from tests.proof.mutations import Mutation

ORDER_VARIABLE = "PROOF_MUTATIONS"
LIMIT_SECONDS = 600.0
"""A fork that takes longer is killed: who hangs has noticed."""


class Order(NamedTuple):
    """What is to be tried. ``folder`` keeps what was found, so that another run goes on where this one stopped."""

    dialect: str
    folder: str
    only: str = ""
    every: int = 1
    processes: int = 1
    minutes: float = float("inf")
    tests: int = 100
    statements: Sequence[str] = ()
    again: bool = False
    all: bool = False

    @property
    def chosen(self) -> list[Mutation]:
        """What is to be taken away."""
        return [
            mutation
            for mutation in mutations(self.dialect)
            if (self.all or mutation.is_guard)
            and self.only in mutation.title
            and (not self.statements or mutation.statement in self.statements)
        ][:: self.every]

    @property
    def reached(self) -> Path:
        """Which test sends which statements."""
        return Path(self.folder, f"reached-{self.dialect}.json")

    @property
    def outcomes(self) -> Path:
        """One line for each guard."""
        return Path(self.folder, f"outcomes-{self.dialect}.jsonl")

    def known(self) -> dict[str, Outcome]:
        """What was found so far, by the guard's title; the last word counts."""
        return {outcome.title: outcome for outcome in _outcomes(self.outcomes)}

    def missing(self) -> list[Mutation]:
        """Those of the chosen that have to be tried still, or once more; last those that nobody will notice."""
        known = self.known()
        done = {title for title, found in known.items() if not (self.again and found.word in UNNOTICED)}
        left = [mutation for mutation in self.chosen if mutation.title not in done]
        return sorted(left, key=lambda mutation: reason_of(mutation) is not None)

    def noticed_elsewhere(self) -> dict[str, str]:
        """By which test the same guard of the other dialect was noticed, where that has been tried in this folder."""
        tests: dict[str, str] = {}
        for dialect in ("sqlite", "postgres"):
            if dialect != self.dialect:
                found = _outcomes(self._replace(dialect=dialect).outcomes)
                killers = {outcome.title: outcome.by for outcome in found if outcome.word == "killed"}
                tests |= {
                    mutation.sense: killers[mutation.title].partition("[")[0]
                    for mutation in mutations(dialect)
                    if mutation.title in killers
                }
        return tests


class Outcome(NamedTuple):
    """``word`` is killed, equivalent, SURVIVED or UNREACHED; ``by`` is the test that noticed, or the reason."""

    title: str
    word: str
    by: str
    tests: int
    seconds: float


UNNOTICED = ("SURVIVED", "UNREACHED")


def _outcomes(file: Path) -> list[Outcome]:
    if not file.exists():
        return []
    return [Outcome(**json.loads(line)) for line in file.read_text().splitlines()]


class Visit(NamedTuple):
    """A test as it was run with all guards in place."""

    seconds: float
    statements: list[str]


class Trial(NamedTuple):
    """A fork that runs tests without a guard."""

    mutation: Mutation
    begun: float
    answer: int
    tests: int


class Trials:
    """Takes the place of pytest's own loop over the tests."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._failed = ""
        self._running: dict[int, Trial] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Look what reaches what, then try each guard."""
        begun = time.monotonic()
        order = self._order
        items = {item.nodeid: item for item in session.items}
        seen = json.loads(order.reached.read_text()) if order.reached.exists() else {}
        visits = {name: Visit(*visit) for name, visit in seen.items()}
        if unseen := [item for item in session.items if item.nodeid not in visits]:
            visits |= self._visit_all(unseen)
            order.reached.write_text(json.dumps(visits))
        else:
            self._run(session.items[0])  # what is made once for all tests is made before the forks
        self._check_forks([items[name] for name in visits if name in items])
        elsewhere = order.noticed_elsewhere()
        for mutation in order.missing():
            if time.monotonic() - begun > order.minutes * 60:
                print(f"{order.dialect}: the time is over; another run with this folder goes on", flush=True)
                break
            while len(self._running) >= order.processes:
                self._wait()
            names = _by_worth(visits, mutation, elsewhere.get(mutation.sense, "no test"))
            fitting = [items[name] for name in names if name in items]
            self._start(mutation, fitting[: order.tests])
        while self._running:
            self._wait()
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failure of the test that runs."""
        if report.failed:
            self._failed = report.nodeid

    def _run(self, item: pytest.Item, after: pytest.Item | None = None) -> bool:
        """Run a test; whether it passed. What all tests share is kept, and no more: there is always one of another file to come."""
        self._failed = ""
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=after or _elsewhere(item))
        return not self._failed

    def _visit_all(self, items: Sequence[pytest.Item]) -> dict[str, Visit]:
        visits: dict[str, Visit] = {}
        reached: set[str] = set()
        with pytest.MonkeyPatch.context() as patch:
            for engine in (PostgresEngine, SqliteEngine):
                for verb in ("call", "read"):
                    before = getattr(engine, verb)
                    patch.setattr(engine, verb, partial_method(_noting_call, before, reached))
                patch.setattr(engine, "run", partial_method(_noting_run, engine.run, reached))
            for item, after in zip(items, [*items[1:], None], strict=True):
                reached.clear()
                begun = time.monotonic()
                if self._run(item, after):
                    visits[item.nodeid] = Visit(time.monotonic() - begun, sorted(reached))
                else:
                    print(f"left out, since it fails with all guards in place: {item.nodeid}", flush=True)
        print(f"{len(visits)} tests in {sum(visit.seconds for visit in visits.values()):.0f} s", flush=True)
        return visits

    def _check_forks(self, items: Sequence[pytest.Item]) -> None:
        """With all guards in place a fork fails nothing: else each guard would be said to be noticed."""
        begun = time.monotonic()
        pid, answer = self._fork([items[0], items[-1]], None)
        _, status = os.waitpid(pid, 0)
        with os.fdopen(answer) as pipe:
            said = pipe.read()
        if status or json.loads(said)[0]:
            raise RuntimeError(
                f"a fork with all guards in place says {said!r} after {time.monotonic() - begun:.0f} s"
            )

    def _start(self, mutation: Mutation, items: Sequence[pytest.Item]) -> None:
        if not items:
            self._record(Outcome(mutation.title, "UNREACHED", "no test sends it", 0, 0.0))
            return
        begun = time.monotonic()
        pid, answer = self._fork(items, mutation)
        self._running[pid] = Trial(mutation, begun, answer, len(items))

    def _fork(self, items: Sequence[pytest.Item], mutation: Mutation | None) -> tuple[int, int]:
        """A process that runs the tests until one fails; its id, and where it says which one."""
        answer, question = os.pipe()
        pid = os.fork()
        if pid:
            os.close(question)
            return pid, answer
        try:
            os.setsid()
            silence = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silence, 1)
            os.dup2(silence, 2)
            if mutation is not None:
                mutation.apply()
                _narrow(mutation.statement)
            noticed = self._first_failure(items)
            os.write(question, json.dumps(noticed).encode())
            os._exit(0)
        finally:
            os._exit(70)

    def _first_failure(self, items: Sequence[pytest.Item]) -> tuple[str, int]:
        for count, item in enumerate(items, 1):
            if not self._run(item, items[count] if count < len(items) else None):
                return self._failed, count
        return "", len(items)

    def _wait(self) -> None:
        """Until one of the forks has answered or ended, or has run for too long."""
        first = min(self._running.values(), key=lambda trial: trial.begun)
        left = first.begun + LIMIT_SECONDS - time.monotonic()
        answers = {trial.answer: (pid, trial) for pid, trial in self._running.items()}
        ready, _, _ = select.select(list(answers), [], [], max(0.0, left))
        pid, trial = answers[ready[0] if ready else first.answer]
        if not ready:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        del self._running[pid]
        self._judge(trial, os.waitstatus_to_exitcode(status), is_late=not ready)

    def _judge(self, trial: Trial, code: int, is_late: bool) -> None:
        with os.fdopen(trial.answer) as pipe:
            said = pipe.read()
        if code > 0:
            raise RuntimeError(f"{trial.mutation.title}: the fork ended with {code}")
        if code < 0:  # what a condition kept it from may be more than a process can bear
            noticed = "it never ended" if is_late else f"it died of {signal.Signals(-code).name}"
            tests = trial.tests
        else:
            noticed, tests = json.loads(said)
        seconds = round(time.monotonic() - trial.begun, 1)
        word, by = "killed", noticed
        if not noticed:
            by = reason_of(trial.mutation) or ""
            word = "equivalent" if by else "SURVIVED"
        self._record(Outcome(trial.mutation.title, word, by, tests, seconds))

    def _record(self, outcome: Outcome) -> None:
        with self._order.outcomes.open("a") as file:
            file.write(json.dumps(outcome._asdict()) + "\n")
        if outcome.word != "killed":
            print(f"{outcome.word} ({outcome.tests} tests): {outcome.title} {outcome.by}", flush=True)


def _by_worth(visits: dict[str, Visit], mutation: Mutation, elsewhere: str) -> list[str]:
    """The tests that send the statement: first the one that noticed it ``elsewhere``, on the other database, then those of
    the guards, then those that are about nothing rarer, then the quick."""
    found = [name for name, visit in visits.items() if mutation.statement in visit.statements]
    rarity = Counter(statement for visit in visits.values() for statement in visit.statements)

    def worth(name: str) -> tuple[bool, bool, int, float]:
        visit = visits[name]
        rarer = sum(rarity[other] < rarity[mutation.statement] for other in visit.statements)
        return not name.startswith(elsewhere), "test_guards" not in name, rarer, visit.seconds

    return sorted(found, key=worth)


def _elsewhere(item: pytest.Item) -> pytest.Item:
    """Another test, of another file if there is one."""
    others = [other for other in item.session.items if other is not item]
    return next((other for other in others if other.path != item.path), others[0])


def _narrow(statement: str) -> None:
    """The tests that send very many statements send this one only, if it is among them."""
    tenants = importlib.import_module("tests.conformance.test_guards_of_tenants")
    if statement in tenants.LOOKED_AT:
        vars(tenants)["LOOKED_AT"] = [statement]
    readers: dict[str, list[str]] = vars(importlib.import_module("tests.conformance.test_guards_of_readers"))[
        "READERS"
    ]
    for dialect, names in readers.items():
        if statement in names:
            readers[dialect] = [statement]


def partial_method(function: Callable[..., Any], *arguments: Any) -> Callable[..., Any]:
    """A method: `partial` alone is not given its object."""
    return lambda self, *more: function(*arguments, self, *more)


async def _noting_call(before: Callable[..., Any], reached: set[str], engine: Any, call: Call) -> Rows:
    reached.add(call.name)
    rows: Rows = await before(engine, call)
    return rows


async def _noting_run(
    before: Callable[..., Any], reached: set[str], engine: Any, script: Callable[[], Script[Any]]
) -> Any:
    return await before(engine, partial(_noting_script, reached, script))


def _noting_script(reached: set[str], script: Callable[[], Script[Any]]) -> Script[Any]:
    steps = script()
    try:
        call = next(steps)
        while True:
            reached.add(call.name)
            call = steps.send((yield call))
    except StopIteration as stop:
        return stop.value


def pytest_configure(config: pytest.Config) -> None:
    """Do what the environment orders."""
    config.pluginmanager.register(Trials(Order(**json.loads(os.environ[ORDER_VARIABLE]))))
