"""Conditions of statements, found in their text. Guards are those of a change that name whose a row is, how far it is,
or what another has made of it meanwhile, and those of what is read that name whose it is.

A mutation takes one away (TRUE stands in its place). Some test has to notice: `python -m tests.proof.mutate`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, cast

from taskforge.storage.sqlite import engine as sqlite_engine
from taskforge.storage.statements import catalog
from tests.proof.crash_points import writing_statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from taskforge.storage.statements import Statement

GUARDS = re.compile(
    r"\b(claim_seq|execution_id|fence|fence_id|status|lease_until|lost_only|hold|state|waits_until|scheduled_for|"
    r"stopped_at|last_heartbeat|project_id|paused_at|organization_id|turn|version|token|attempt_id|next_due_at|"
    r"told_at|delivered_at|removed_at|revoked_at|used_at|locked_until|outcome)\b"
)
_BEGIN = re.compile(r"\b(?:WHERE|AND)\s+")
_END = re.compile(
    r"\s*(?:\b(?:AND|OR|ORDER|LIMIT|GROUP|RETURNING|FOR|UNION|THEN|ELSE|END|WHEN|ON|WHERE|LEFT|CROSS|JOIN|(?<!DISTINCT )FROM)\b|,|;|\)|$)"
)


class Mutation(NamedTuple):
    """`condition` stands at `start` of the `number`th statement of a name."""

    dialect: str
    statement: str
    number: int
    start: int
    condition: str

    @property
    def is_guard(self) -> bool:
        """Whether `make mutations` takes it away; else only with `--all`."""
        return self.statement in writing_statements() and GUARDS.search(self.condition) is not None

    @property
    def title(self) -> str:
        """For people: the same condition may stand in a statement more than once."""
        text = " ".join(self.condition.split())
        return f"{self.dialect} {self.statement} [{self.number}:{self.start}] {text}"

    @property
    def sense(self) -> str:
        """What it says whatever the dialect: the statement and the condition without casts."""
        return f"{self.statement} {re.sub(r'::[a-z]+|[^a-z_:.<>=]', '', self.condition)}"

    def apply(self) -> None:
        """Change the catalogue of this process, and nothing else."""
        blocks = cast("dict[str, tuple[Statement, ...]]", catalog(self.dialect))
        block = list(blocks[self.statement])
        block[self.number] = self.changed(block[self.number])
        blocks[self.statement] = tuple(block)
        sqlite_engine._prepared.cache_clear()

    def changed(self, statement: Statement) -> Statement:
        """The statement without the guard, and without the parameters that only the guard had."""
        sql = self.without_guard(statement.sql)
        used = tuple(name for name in statement.parameters if re.search(rf"(?<!:):{name}\b", sql))
        return replace(statement, sql=sql, parameters=used)

    def without_guard(self, sql: str) -> str:
        """Its text without the guard."""
        assert sql[self.start :].startswith(self.condition)
        return sql[: self.start] + "TRUE" + sql[self.start + len(self.condition) :]


def mutations(dialect: str) -> Iterator[Mutation]:
    """All of a dialect's statements: first those of the ones that write."""
    writing = writing_statements()
    for name in sorted(catalog(dialect), key=lambda name: (name not in writing, name)):
        for number, statement in enumerate(catalog(dialect)[name]):
            for start, condition in conditions(statement.sql):
                if "WHERE" not in condition:  # what is inside has its own
                    yield Mutation(dialect, name, number, start, condition)


def conditions(sql: str) -> Iterator[tuple[int, str]]:
    """Where each condition of a statement begins, and its text up to the next AND, OR, clause or bracket."""
    for found in _BEGIN.finditer(sql):
        end = _end_of(sql, found.end())
        if (condition := sql[found.end() : end]).strip():
            yield found.end(), condition


def _end_of(sql: str, start: int) -> int:
    depth, position = 0, start
    while position < len(sql):
        if depth == 0 and _END.match(sql, position):
            return position
        if sql.startswith("CASE ", position):
            depth += 1
        if sql.startswith("END", position) and depth and re.match(r"END\b", sql[position:]):
            depth -= 1
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(sql[position], 0)
        position += 1
    return position
