"""The named statements."""

from __future__ import annotations

import pytest

from taskforge.storage.statements import DIALECTS, Statement, catalog, names


def test_reading_one_dialect_leaves_the_other_alone() -> None:
    first, second = (dict(catalog(dialect)) for dialect in DIALECTS)
    common = names("common")
    for dialect, found in zip(DIALECTS, (first, second), strict=True):
        assert set(found) == common | names(dialect)
        assert not common & names(dialect)
    assert names("common") == common
    for name in common:
        assert first[name] == second[name]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_statement_has_one_piece_at_least(dialect: str) -> None:
    for name, block in catalog(dialect).items():
        assert block, name
        assert dialect == "sqlite" or len(block) == 1, f"{name}: asyncpg takes one statement at a time"


def test_names_become_numbers_in_the_order_of_their_first_use() -> None:
    statement = Statement("SELECT :b::text, :a, :b || x::uuid", ("b", "a"))
    assert statement.numbered("$") == "SELECT $1::text, $2, $1 || x::uuid"
    assert statement.numbered("?") == "SELECT ?1::text, ?2, ?1 || x::uuid"
