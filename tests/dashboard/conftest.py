"""A browser, and a server with something to show, for the tests of one module."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.dashboard.browser import chromium
from tests.dashboard.scene import Scene, scene
from tests.support.processes import Processes

ROOT = "/desk/tasks"
"""The whole dashboard is tried below a path, as behind a proxy."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def shown(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("shown")
    processes = Processes(folder)
    try:
        with scene(processes, folder, ROOT) as shown:
            yield shown
    finally:
        processes.clean_up()
