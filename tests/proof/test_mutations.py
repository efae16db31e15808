"""The guards that are taken away one by one are found, and what is left is still SQL. The runs are `make mutations`."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import time
from typing import TYPE_CHECKING

import asyncpg
import pytest

from taskforge.storage.address import parse_address
from taskforge.storage.statements import catalog
from tests.proof.crash_points import writing_statements
from tests.proof.equivalents import REASONS
from tests.proof.mutant import Order, Trial, Trials
from tests.proof.mutations import conditions, mutations

if TYPE_CHECKING:
    from pathlib import Path

FENCED = {"append_lines", "beat_jobs", "settle_jobs", "settle_succeeded"}


def test_conditions_end_where_they_end() -> None:
    sql = "UPDATE t SET a = 1 WHERE (a = 1 OR b = 2) AND c IN (SELECT d FROM e WHERE f = 1) AND g <> 'x'\nRETURNING id"
    found = [text for _, text in conditions(sql)]
    assert found == ["(a = 1 OR b = 2)", "c IN (SELECT d FROM e WHERE f = 1)", "f = 1", "g <> 'x'"]


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
def test_every_fence_is_among_the_guards(dialect: str) -> None:
    found: dict[str, str] = {}
    for mutation in mutations(dialect):
        found[mutation.statement] = found.get(mutation.statement, "") + mutation.condition
    for name in FENCED:
        assert "claim_seq" in found[name]
        assert "execution_id" in found[name]
        assert "lease_until IS NOT NULL" in found[name] or "status = 'processing'" in found[name]


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
def test_what_is_read_has_no_guards(dialect: str) -> None:
    """Its conditions are taken away on demand; whose it is, is asked of each such statement by tests of their own."""
    reading = [mutation for mutation in mutations(dialect) if mutation.statement not in writing_statements()]
    assert {mutation.statement for mutation in reading} >= {"get_job", "get_queue"}
    assert not any(mutation.is_guard for mutation in reading)


def test_a_condition_without_which_a_process_dies_is_noticed(tmp_path: Path) -> None:
    order = Order("sqlite", str(tmp_path))
    answer, question = os.pipe()
    os.close(question)
    trial = Trial(next(mutations("sqlite")), time.monotonic(), answer, 3)
    Trials(order)._judge(trial, -signal.SIGSEGV, is_late=False)
    [found] = order.known().values()
    assert (found.word, found.by) == ("killed", "it died of SIGSEGV")


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
def test_every_excuse_is_of_a_guard(dialect: str) -> None:
    known = {(m.dialect, m.statement, " ".join(m.condition.split())) for m in mutations(dialect)}
    assert {reason for reason in REASONS if reason[0] == dialect} <= known


def test_what_is_left_is_sqlite(sqlite_url: str) -> None:
    connection = sqlite3.connect(parse_address(sqlite_url).target)
    for mutation in mutations("sqlite"):
        statement = catalog("sqlite")[mutation.statement][mutation.number]
        try:
            connection.execute(
                f"EXPLAIN {mutation.without_guard(statement.sql)}", dict.fromkeys(statement.parameters)
            )
        except sqlite3.OperationalError as error:
            # the partial index that the statement insists on holds no other rows
            if str(error) != "no query solution" or "INDEXED BY" not in statement.sql:
                raise
    connection.close()


def test_what_is_left_is_postgresql(postgres_url: str) -> None:
    async def prepare() -> None:
        connection = await asyncpg.connect(postgres_url)
        for mutation in mutations("postgres"):
            statement = catalog("postgres")[mutation.statement][mutation.number]
            changed = mutation.changed(statement)
            await connection.prepare(changed.numbered("$"))
        await connection.close()

    asyncio.run(prepare())
