"""Every statement that reads of one tenant, by itself: it answers of that tenant what it would if there were no other.

Asked for another tenant by the first one's ids and names, it answers as if nothing were there; and that another has the
same as the first, by the same names, changes no answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from taskforge.domain.ids import DEFAULT_ORGANIZATION, DEFAULT_PROJECT
from taskforge.storage.engine import Many, One
from taskforge.storage.statements import DIALECTS, catalog
from tests.conformance.changes import ROWS
from tests.conformance.readings import ASKED, CONSTANT, ROWS_ASKED, VALUES, WORLD
from tests.conformance.stage import NOON, OTHER_PROJECT
from tests.conformance.test_guards_of_tenants import (
    ANOTHER_ORGANIZATION,
    OF_ORGANIZATIONS,
    _identity,
    _insert,
    _literal,
)
from tests.proof.crash_points import writing_statements

if TYPE_CHECKING:
    from uuid import UUID

    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio

TENANT = {"project_id", "organization_id", "project_ids"}
SUPPLIED = {"now", "rows"}


def readers(dialect: str) -> list[str]:
    """All statements that change nothing and name whose rows they read."""
    taken = {
        name: {parameter for statement in block for parameter in statement.parameters}
        for name, block in catalog(dialect).items()
    }
    return sorted(taken_by for taken_by in taken.keys() - writing_statements() if taken[taken_by] & TENANT)


READERS = {dialect: readers(dialect) for dialect in DIALECTS}


class Tenant:
    """A project and its organization, with rows of its own."""

    def __init__(self, stage: Stage, project: UUID, organization: UUID) -> None:
        self._stage = stage
        self._ids = {"project_id": project, "organization_id": organization}

    async def furnish(self) -> None:
        """One of everything."""
        organization, project = self._ids["organization_id"], self._ids["project_id"]
        if project != DEFAULT_PROJECT:
            await self._stage.sql(
                f"INSERT INTO organizations (id, name) VALUES ('{organization}', 'another')"
            )
            await self._stage.sql(
                f"INSERT INTO projects (id, organization_id, name) VALUES ('{project}', '{organization}', 'default')"
            )
        for table, columns in WORLD:
            row = {**ROWS.get(table, {}), **columns}
            if table != "log_lines":
                row.setdefault("organization_id" if table in OF_ORGANIZATIONS else "project_id", None)
            if self._stage.dialect == "sqlite":
                row.pop("class", None)
            row |= {name: identity for name, identity in self._ids.items() if name in row}
            await _insert(self._stage, table, row, str(self._ids["project_id"]))
        for change, of in (
            (f"projects SET schedules_paused_at = {_literal(self._stage.dialect, NOON)}", "project_id"),
            ("organizations SET max_workers = 9", "organization_id"),
        ):
            await self._stage.sql(f"UPDATE {change} WHERE id = '{self._ids[of]}'")

    async def ask(self, name: str) -> list[str]:
        """What it is answered if it asks what the first tenant would."""
        takes = {
            parameter
            for statement in catalog(self._stage.dialect)[name]
            for parameter in statement.parameters
        }
        columns = ROWS_ASKED.get(name, {})
        asked = {**VALUES, **self._ids, **ASKED.get(name, {})}
        values = {taken: _given(asked.get(taken)) for taken in takes - SUPPLIED - columns.keys()}
        if "project_ids" in takes:
            values["project_ids"] = [self._ids["project_id"]]
        given = {column: _given(cells) for column, cells in columns.items()}
        rows = await self._stage.engine.call(Many(name, given, values) if given else One(name, values))
        return sorted(str(tuple(row)) for row in rows)


def _given(value: Any) -> Any:
    """Ids are the first tenant's, whoever asks."""
    return (
        [_given(one) for one in value] if isinstance(value, list) else _identity(value, str(DEFAULT_PROJECT))
    )


async def test_what_is_read_is_the_tenant_s_own(stage: Stage) -> None:
    first = Tenant(stage, DEFAULT_PROJECT, DEFAULT_ORGANIZATION)
    other = Tenant(stage, OTHER_PROJECT, ANOTHER_ORGANIZATION)
    names = READERS[stage.dialect]
    nothing = {name: await other.ask(name) for name in names}
    await first.furnish()
    own = {name: await first.ask(name) for name in names}
    wrong = [f"{name} reads of another" for name in names if await other.ask(name) != nothing[name]]
    wrong += [
        f"{name} finds nothing at all: what would it be asked? (readings.py)"
        for name in names
        if own[name] == nothing[name] and not (name in CONSTANT and stage.dialect == "sqlite")
    ]
    await other.furnish()
    wrong += [
        f"{name} answers otherwise beside another" for name in names if await first.ask(name) != own[name]
    ]
    assert wrong == []
