"""A process is killed before and after everything that it writes; what remains is put right by another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from taskforge.storage.engine import Engine
from tests.conftest import SOAK
from tests.proof.crash_points import (
    IN_RACES,
    NOT_STATEMENTS,
    OF_ALERTS,
    OF_BREAKERS,
    OF_ERRORS,
    OF_PEOPLE,
    OF_SCALING,
    OF_SCHEDULES,
    OF_TRACES,
    ROWS,
    Point,
    points,
    writing_statements,
)
from tests.proof.history import Event
from tests.proof.scenes import SCENES

if TYPE_CHECKING:
    from tests.proof.stand import Stand


@pytest.mark.anyio
@pytest.mark.chaos
@pytest.mark.parametrize("point", points(within=SOAK), ids=lambda point: "-".join(point[:3]))
async def test_killed_there_nothing_is_lost(stand: Stand, point: Point) -> None:
    await SCENES[point.scene](stand, point.label, point.side)
    held = [note.what.split() for note in stand.notes if note.event == Event.KILLED][-1]
    assert set(point.together) <= set(held), "these are not one transaction"
    verdict = await stand.finish()
    assert verdict.violations == [], stand.said
    assert verdict.kills >= 1
    assert await stand.miscounted() == []


def test_every_statement_that_writes_has_a_row() -> None:
    """A new one needs a scene that reaches it."""
    reached = {row.label for row in ROWS} - NOT_STATEMENTS.keys()
    elsewhere = (
        OF_PEOPLE | OF_SCHEDULES | OF_ERRORS | OF_TRACES | OF_SCALING | OF_ALERTS | OF_BREAKERS | IN_RACES
    )
    assert not reached & elsewhere
    assert reached | elsewhere == writing_statements()


def test_every_scene_is_played() -> None:
    assert {row.scene for row in ROWS} == SCENES.keys()


def test_all_statements_pass_the_engine_s_verbs() -> None:
    """The points are put around these; another way to a database would have none. A rehearsal changes nothing."""
    verbs = {name for name in vars(Engine) if not name.startswith("_")}
    assert verbs == {"call", "run", "read", "rehearse", "close", "moment", "identity", "identities"}
