"""The pytest plugin: the fixture ``taskforge``. PYTEST_DONT_REWRITE

It loads nothing of TaskForge before a test asks for the fixture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from taskforge.app import TaskForge
    from taskforge.testing.harness import Harness


def pytest_addoption(parser: pytest.Parser) -> None:
    """The three settings."""
    parser.addini(
        "taskforge_app", "The application of the tests: module:app. Else it is found as by `taskforge`."
    )
    parser.addini("taskforge_mode", "manual or inline.", default="manual")
    parser.addini(
        "taskforge_database_url", "The database of the tests; empty for each.", default="sqlite://:memory:"
    )


def pytest_configure(config: pytest.Config) -> None:
    """The marker."""
    config.addinivalue_line(
        "markers", 'taskforge(mode="inline"): how the fixture `taskforge` treats new jobs'
    )


@pytest.fixture(scope="session")
def taskforge_app(pytestconfig: pytest.Config) -> TaskForge:
    """The application that the fixture `taskforge` is about. Override it, or set `taskforge_app`."""
    from taskforge.cli.applications import find_application
    from taskforge.settings import load_settings

    reference = pytestconfig.getini("taskforge_app") or None
    return find_application(reference, load_settings(folder=pytestconfig.rootpath))


@pytest.fixture
def taskforge_database_url(pytestconfig: pytest.Config) -> str:
    """The database of one test. Override it for one that your own tables share."""
    return str(pytestconfig.getini("taskforge_database_url"))


@pytest.fixture
def taskforge(
    request: pytest.FixtureRequest, taskforge_app: TaskForge, taskforge_database_url: str
) -> Iterator[Harness]:
    """The application on a database of its own: `jobs`, `assert_enqueued`, `drain`, `advance`, `inline`."""
    from taskforge.testing.harness import Harness

    marker = request.node.get_closest_marker("taskforge")
    mode: Any = (marker and marker.kwargs.get("mode")) or request.config.getini("taskforge_mode")
    if mode not in ("manual", "inline"):
        raise pytest.UsageError(f"taskforge_mode must be manual or inline, not {mode!r}")
    with Harness(taskforge_app, database_url=taskforge_database_url, mode=mode) as harness:
        yield harness
