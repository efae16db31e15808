"""Fixtures of the runtime's tests."""

from __future__ import annotations

import pytest

from tests.unit.runtime.fake_link import FakeLink
from tests.unit.runtime.over_http import ServedLink
from tests.unit.runtime.scene import Scene

OVER_HTTP = {"test_worker", "test_leases", "test_recording", "test_stopping"}
"""What a worker does with its link: these hold as well where that is a server's protocol."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "link" in metafunc.fixturenames:
        name = metafunc.module.__name__.rpartition(".")[2]
        kinds = [FakeLink, ServedLink] if name in OVER_HTTP else [FakeLink]
        names = ["beside-its-platform", "over-http"][: len(kinds)]
        metafunc.parametrize("link", kinds, ids=names, indirect=True)


@pytest.fixture
async def link(request: pytest.FixtureRequest, anyio_backend: str) -> FakeLink:
    """A platform in memory; the worker has it at hand, or behind a server's routes."""
    made: FakeLink = request.param()
    return made


@pytest.fixture
async def scene(link: FakeLink) -> Scene:
    """A registry and a worker on that platform."""
    return Scene(link)
