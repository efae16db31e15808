"""Fixtures of the runtime's tests."""

from __future__ import annotations

import pytest

from tests.unit.runtime.fake_link import FakeLink
from tests.unit.runtime.scene import Scene


@pytest.fixture
async def link(anyio_backend: str) -> FakeLink:
    """A platform in memory."""
    return FakeLink()


@pytest.fixture
async def scene(link: FakeLink) -> Scene:
    """A registry and a worker on that platform."""
    return Scene(link)
