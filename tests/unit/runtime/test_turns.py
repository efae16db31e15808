"""Whose turn it is to look after what one process does for all."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

import pytest

from taskforge.domain.errors import TaskforgeError, Unavailable
from taskforge.domain.ids import ProjectId
from taskforge.runtime.loops.turns import OWN_PART, Turns

pytestmark = pytest.mark.anyio
PROJECT = ProjectId(UUID(int=1))


class Place:
    """Says whose turn it is, as a server does; ``is_away``: it does not answer."""

    def __init__(self) -> None:
        self.taken: dict[str, float] = {}
        self.is_away = False

    async def turn(self, project_id: ProjectId, name: str, seconds: float) -> bool:
        if self.is_away:
            raise Unavailable("away")
        is_free = name not in self.taken
        self.taken.setdefault(name, seconds)
        return is_free

    async def end_turn(self, project_id: ProjectId, name: str) -> None:
        if self.is_away:
            raise Unavailable("away")
        del self.taken[name]


async def test_one_of_all_does_it_and_everybody_while_nobody_says_whose_turn_it_is() -> None:
    place, done = Place(), 0

    async def work() -> None:
        nonlocal done
        done += 1

    def turns(ready: Place | None) -> Turns:
        return Turns(cast("Any", ready), PROJECT)

    await turns(place).take("look", 10.0, work)()
    assert (place.taken, done) == ({"look": 10.0 * OWN_PART}, 1)
    await turns(place).take("look", 20.0, work)()
    assert done == 1
    place.is_away = True
    await turns(place).take("look", 10.0, work)()
    await turns(None).take("look", 10.0, work)()
    assert done == 3


async def test_who_fails_leaves_it_to_another() -> None:
    place = Place()

    async def fail() -> None:
        raise TaskforgeError("no")

    for is_away in (False, True):
        with pytest.raises(TaskforgeError, match="no"):
            await Turns(cast("Any", place), PROJECT).take("look", 10.0, fail)()
        assert place.taken == {}
        place.is_away = not is_away
