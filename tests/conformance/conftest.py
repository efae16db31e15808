"""One suite over every engine: `stage` gives the stores of a fresh database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conformance.stage import Stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def stage(database_url: str, anyio_backend: str) -> AsyncIterator[Stage]:
    """The stores over a fresh database, with a clock that only tests move."""
    stage = Stage(database_url)
    yield stage
    await stage.close()
