"""What a database has to do for the ports, and how a unit of work is written once for both.

A *script* is a generator: it yields calls of named statements and is sent their rows. SQLite drives it on
its writer thread, PostgreSQL over a connection in a transaction; the script cannot tell.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar, cast

if TYPE_CHECKING:
    from uuid import UUID

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class One:
    """One run of a statement."""

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
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


def drive(script: Callable[[], Script[T]], fetch: Callable[[Call], Rows]) -> T:
    """Run a script, by a function that runs its statements."""
    steps = script()
    try:
        call = next(steps)
        while True:
            call = steps.send(fetch(call))
    except StopIteration as stop:
        return cast("T", stop.value)


async def adrive(script: Callable[[], Script[T]], fetch: Callable[[Call], Awaitable[Rows]]) -> T:
    """`drive` where statements are awaited."""
    steps = script()
    try:
        call = next(steps)
        while True:
            call = steps.send(await fetch(call))
    except StopIteration as stop:
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
