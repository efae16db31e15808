from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sdk.fakes import FakeBackend

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def app() -> Iterator[FakeBackend]:
    backend = FakeBackend()
    yield backend
    backend.bridge.close()
