"""The pictures of the README and of docs/dashboard.md: `python -m tests.dashboard.screenshots`.

They are taken of a real server with the same scene as the tests have. With --all, of every page in both languages
and themes, into a folder that is named; somebody has to look at those.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.dashboard.browser import PHONE, chromium, visit
from tests.dashboard.scene import Scene, scene
from tests.dashboard.test_in_a_browser import pages
from tests.support.processes import Processes
from tests.support.watchdog import close_watchdog

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ViewportSize

IMAGES = Path(__file__).resolve().parents[2] / "docs/images"
SIZE: ViewportSize = {"width": 1200, "height": 720}
PICTURES = {
    "overview": ("overview", "light"),
    "jobs": ("jobs", "light"),
    "job": ("job-failed", "light"),
    "log": ("job-running", "dark"),
    "queues": ("queues", "light"),
    "queue": ("queue", "dark"),
    "dead-letters": ("dead-letters", "light"),
    "workers": ("workers", "dark"),
    "tasks": ("enqueue", "light"),
    "errors": ("errors", "dark"),
    "assignments": ("assignments", "light"),
    "scaling": ("scaling", "light"),
    "alerts": ("alerts", "dark"),
    "schedules": ("schedules", "light"),
    "schedule": ("schedule", "dark"),
    "insights": ("insights", "light"),
}


def main() -> None:
    """Take them."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--all", metavar="FOLDER", type=Path)
    everything = options.parse_args().all
    folder = Path(tempfile.mkdtemp(prefix="taskforge-screenshots-"))
    processes = Processes(folder)
    try:
        with chromium() as browser, scene(processes, folder) as shown:
            if everything is None:
                IMAGES.mkdir(parents=True, exist_ok=True)
                for name, (page, theme) in PICTURES.items():
                    take(browser, shown, page, IMAGES / f"{name}.png", theme=theme)
            else:
                everything.mkdir(parents=True, exist_ok=True)
                for page in pages(shown):
                    for theme, language in (("light", "en"), ("dark", "id")):
                        take(
                            browser,
                            shown,
                            page,
                            everything / f"{page}-{theme}.png",
                            theme=theme,
                            language=language,
                        )
                    take(browser, shown, page, everything / f"{page}-phone.png", size=PHONE)
    finally:
        processes.clean_up()
        close_watchdog()
        shutil.rmtree(folder, ignore_errors=True)


def take(
    browser: Browser, shown: Scene, page: str, file: Path, *, size: ViewportSize = SIZE, **preferences: str
) -> None:
    """One picture of one page."""
    with visit(browser, shown, key=shown.key, size=size, **preferences) as visitor:
        visitor.go(pages(shown)[page])
        visitor.page.wait_for_timeout(600)
        visitor.page.screenshot(path=file)


if __name__ == "__main__":
    main()
