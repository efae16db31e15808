"""Stands for the crash points: SQLite and one PostgreSQL, or each of them when there is time (profile `soak`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import ENGINE_PROPERTY, ENGINES, SOAK
from tests.proof.stand import Stand, Victims

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.support.databases import Databases


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test of the proof once for each database that it is run on."""
    if "proof_engine" in metafunc.fixturenames:
        engines = metafunc.config.stash[ENGINES]
        servers = engines.postgres_labels if SOAK else engines.postgres_labels[:1]
        values: list[Any] = [
            *engines.sqlite_labels,
            *(pytest.param(label, marks=pytest.mark.postgres) for label in servers),
        ]
        metafunc.parametrize("proof_engine", values)


@pytest.fixture(scope="session")
def victims() -> Iterator[Victims]:
    """What forks victims, one for each test process."""
    victims = Victims()
    yield victims
    victims.close()


@pytest.fixture
async def stand(
    request: pytest.FixtureRequest,
    proof_engine: str,
    databases: Databases,
    victims: Victims,
    tmp_path: Path,
    anyio_backend: str,
    record_property: Any,
) -> AsyncIterator[Stand]:
    """A stand on a fresh database; without tables for the label `migrate`."""
    record_property(ENGINE_PROPERTY, proof_engine)
    point = request.node.callspec.params.get("point")
    migrated = point is None or point.label != "migrate"
    with databases.fresh(proof_engine, tmp_path, migrated=migrated) as url:
        stand = Stand(url, tmp_path, victims)
        yield stand
        await stand.close()
