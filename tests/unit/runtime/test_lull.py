"""A worker spares its polls while somebody beside looks for all, and nothing else."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.runtime.fake_link import FakeLink
    from tests.unit.runtime.scene import Scene

pytestmark = pytest.mark.anyio


async def test_what_somebody_beside_has_looked_for_is_not_asked_again_at_once(
    link: FakeLink, scene: Scene
) -> None:
    link.poll_interval = 0.02
    link.lull_until = time.monotonic() + 0.3
    async with scene.worker():
        await link.until(lambda: len(link.claims) >= 2)
        assert time.monotonic() >= link.lull_until


async def test_a_lull_keeps_back_neither_hints_nor_what_is_due(link: FakeLink, scene: Scene) -> None:
    link.lull_until = time.monotonic() + 60
    async with scene.worker():
        await link.until(lambda: len(link.claims) == 1)
        link.next_due_in = 0.02
        link.hint()
        await link.until(lambda: len(link.claims) >= 3)
