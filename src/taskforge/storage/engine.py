"""What a database has to do for the ports, and how a unit of work is written once for both.

A *script* is a generator: it yields calls of named statements and is sent their rows. SQLite drives it on
its writer thread, PostgreSQL over a connection in a transaction; the script cannot tell.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar, cast

from taskforge.domain.errors import RequestInProgress, TaskforgeError
from taskforge.storage.statements import audited

if TYPE_CHECKING:
    from uuid import UUID

T = TypeVar("T")
APPEND_AUDIT = "append_audit"


@dataclass(slots=True)  # nobody changes one; frozen, it takes three times as long to make
class One:
    """One run of a statement."""

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Entry(One):
    """One of the audit log; ``note`` is run after it where the request must not be carried out twice."""

    note: One | None = None


@dataclass(slots=True)
class Many:
    """A statement over many rows: ``columns`` are lists of one length, ``parameters`` are the same for all.

    PostgreSQL takes the columns as arrays in one statement, SQLite runs its statement for each row.
    """

    name: str
    columns: Mapping[str, Sequence[Any]]
    parameters: Mapping[str, Any] = field(default_factory=dict)


Call: TypeAlias = One | Many
Rows: TypeAlias = Sequence[Any]
Script: TypeAlias = Generator[Call, Rows, T]


def columns(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """The columns of rows, for ``Many``."""
    turned = list(zip(*rows, strict=True))
    return dict(zip(names, turned, strict=True)) if turned else dict.fromkeys(names, ())


class AuditDuty:
    """Makes it impossible to commit an audited change without an entry in the audit log."""

    __slots__ = ("_owed", "statements")

    def __init__(self) -> None:
        self.statements = _audited()
        self._owed: str | None = None

    def note(self, call: Call, rows: Rows) -> None:
        """A change that met no row changed nothing."""
        if call.name == APPEND_AUDIT:
            self._owed = None
        elif rows:
            self._owed = call.name

    @staticmethod
    def fence(rows: Rows) -> None:
        """Raises RequestInProgress, and so undoes the transaction, when the request became another's meanwhile."""
        if not rows:
            raise RequestInProgress(
                "this request took so long that a repeat goes on with it", retry_after=1.0
            )

    def check(self) -> None:
        """Raises TaskforgeError, and so undoes the transaction, when a change has no entry after it."""
        if self._owed is not None:
            raise TaskforgeError(f"the change {self._owed!r} has no entry in the audit log, and was undone")


@cache
def _audited() -> frozenset[str]:
    return audited() | {APPEND_AUDIT}


def drive(script: Callable[[], Script[T]], fetch: Callable[[Call], Rows]) -> T:
    """Run a script, by a function that runs its statements."""
    steps, duty = script(), AuditDuty()
    try:
        call = next(steps)
        while True:
            rows = fetch(call)
            if call.name in duty.statements:
                duty.note(call, rows)
                if isinstance(call, Entry) and call.note is not None:
                    duty.fence(fetch(call.note))
            call = steps.send(rows)
    except StopIteration as stop:
        duty.check()
        return cast("T", stop.value)


async def adrive(script: Callable[[], Script[T]], fetch: Callable[[Call], Awaitable[Rows]]) -> T:
    """`drive` where statements are awaited."""
    steps, duty = script(), AuditDuty()
    try:
        call = next(steps)
        while True:
            rows = await fetch(call)
            if call.name in duty.statements:
                duty.note(call, rows)
                if isinstance(call, Entry) and call.note is not None:
                    duty.fence(await fetch(call.note))
            call = steps.send(rows)
    except StopIteration as stop:
        duty.check()
        return cast("T", stop.value)


class Engine(Protocol):
    """A database. Raises only errors of ``domain.errors``."""

    dialect: str

    async def call(self, call: Call) -> Rows:
        """One statement in a transaction of its own."""
        ...

    async def run(self, script: Callable[[], Script[T]]) -> T:
        """A script in one transaction; it may be run again from its start after a deadlock."""
        ...

    async def read(self, call: Call) -> Rows:
        """One reading statement, outside of any transaction of ours."""
        ...

    async def rehearse(self, calls: list[Call]) -> None:
        """Run statements that change nothing on each idle connection that has not yet: its first runs take long."""
        ...

    async def close(self) -> None:
        """Let go of all connections."""
        ...

    def moment(self, value: Any) -> Any:
        """A stored time as a datetime in UTC; None stays None."""
        ...

    def identity(self, value: Any) -> Any:
        """A stored id as a UUID; None stays None."""
        ...

    def identities(self, values: Sequence[Any]) -> frozenset[UUID]:
        """Many stored ids."""
        ...
