"""The fixture `yard`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults.yard import Yard
from tests.support.processes import Processes


@pytest.fixture
async def yard(processes: Processes, database_url: str, tmp_path: Path) -> AsyncIterator[Yard]:
    """Workers of `tests.faults.app`."""
    yard = Yard(processes, database_url, tmp_path)
    yield yard
    await yard.app.aclose()
