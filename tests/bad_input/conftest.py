"""An application on a real database that keeps no settings of the caller's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from taskforge import TaskForge

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def app(database_url: str, anyio_backend: str) -> AsyncIterator[TaskForge]:
    """On every database."""
    async with TaskForge(database_url, poll_seconds=0.2, poll_without_hints_seconds=0.2) as app:
        yield app
