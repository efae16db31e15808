"""The application over a fresh database, once per engine."""

from collections.abc import AsyncIterator

import pytest

from tests.api.installation import Client, Installation, running


@pytest.fixture
async def installation(database_url: str, anyio_backend: str) -> AsyncIterator[Installation]:
    """The application while it runs."""
    async with running(database_url) as installation:
        yield installation


@pytest.fixture
def client(installation: Installation) -> Client:
    """Speaks for the administrator of the default organization."""
    return installation.client
