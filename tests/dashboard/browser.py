"""The system's Chromium, driven by Playwright, and what every page has to satisfy in it."""

from __future__ import annotations

import json
import re
import shutil
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect, sync_playwright

from taskforge.dashboard.pages import is_built

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, ViewportSize

    from tests.dashboard.scene import Scene

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]
DASHBOARD = Path(__file__).resolve().parents[2] / "dashboard"
AXE = DASHBOARD / "node_modules/axe-core/axe.min.js"
CATALOGUES: dict[str, dict[str, str]] = {
    language: json.loads((DASHBOARD / f"src/i18n/{language}.json").read_text("utf-8"))
    for language in ("en", "id")
}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SIZE: ViewportSize = {"width": 1360, "height": 850}
PHONE: ViewportSize = {"width": 390, "height": 844}
PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser. Skips the test where there is none, or no dashboard to look at."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"no Chromium on this machine (apt-get install chromium); looked for {', '.join(NAMES)}")
    if not is_built():
        pytest.skip("the dashboard is not built: make dashboard")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def visit(
    browser: Browser, shown: Scene, *, key: str | None = None, size: ViewportSize = SIZE, **preferences: str
) -> Iterator[Visit]:
    """Somebody at the dashboard, logged in by a key if one is given, with preferences."""
    context = browser.new_context(viewport=size, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    chosen = {"language": "en", "theme": "light", **preferences}
    context.add_init_script(
        f"localStorage.setItem('taskforge.preferences', {json.dumps(json.dumps(chosen))})"
    )
    if key is not None:
        context.add_init_script(f"sessionStorage.setItem('taskforge.key', {json.dumps(key)})")
    try:
        yield Visit(context, shown, chosen)
    finally:
        context.close()


class Visit:
    """One window."""

    def __init__(self, context: BrowserContext, shown: Scene, preferences: dict[str, str]) -> None:
        self.page: Page = context.new_page()
        self._preferences = preferences
        self.url = shown.url
        self._turns = count()
        self.complaints: list[str] = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, message: ConsoleMessage) -> None:
        if (
            message.type in ("error", "warning")
            and "the server responded with a status of 4" not in message.text
        ):
            self.complaints.append(message.text)

    def go(self, path: str) -> None:
        """Load an address of the dashboard and wait until it shows something of its own."""
        self.page.goto(self.url + path)
        self.page.locator("h1").first.wait_for()
        self.settle()

    def turn(self, path: str) -> None:
        """Come to an address as by a link: what was loaded once stays. Waits as `go` does."""
        key = f"visit-{next(self._turns)}"
        self.page.evaluate(
            "([url, key]) => history.pushState({key, __TSR_key: key}, '', url)", [self.url + path, key]
        )
        self.page.locator(f"main[data-shown={key}]").wait_for()
        self.page.locator("h1").first.wait_for()
        self.settle()

    def prefer(self, **preferences: str) -> None:
        """Choose another theme or language, as it is heard of from another tab."""
        before = json.dumps(self._preferences)
        self._preferences = {**self._preferences, **preferences}
        values = {
            "key": "taskforge.preferences",
            "oldValue": before,
            "newValue": json.dumps(self._preferences),
        }
        self.page.evaluate("values => window.dispatchEvent(new StorageEvent('storage', values))", values)
        language = self._preferences["language"]
        self.page.locator(f"html[lang={language}]").wait_for(state="attached")
        self.paint()

    def paint(self) -> None:
        """Wait until what was changed is in the picture, and colours have arrived where they go."""
        frames = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        self.page.evaluate(frames)
        self.page.evaluate(
            "Promise.all(document.getAnimations()"
            ".filter(one => one.effect.getComputedTiming().endTime < Infinity)"
            ".map(one => one.finished.catch(() => null)))"
        )
        self.page.evaluate(frames)

    def word(self, key: str) -> str:
        """What the catalogue of the visitor's language says."""
        return CATALOGUES[self._preferences["language"]][key]

    def has(self, key: str) -> re.Pattern[str]:
        """Something in which this is said, with anything where a value goes in."""
        parts = re.split(r"\{\w+\}", self.word(key))
        return re.compile(".+".join(map(re.escape, parts)))

    def say(self, key: str) -> re.Pattern[str]:
        """Exactly this said."""
        return re.compile(f"^{self.has(key).pattern}$")

    def state(self, status: str) -> Locator:
        """This status beside the heading of the page."""
        return self.page.get_by_role("heading", level=1).get_by_text(self.say(f"status.{status}"))

    def settle(self) -> None:
        """Wait until nothing is loading."""
        expect(self.page.locator("[role=status] > .animate-pulse")).to_have_count(0)

    def faults(self) -> list[str]:
        """What axe finds on the page, by rule and place."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text("utf-8"))
        found = self.page.evaluate(
            "chosen => axe.run(document, {runOnly: chosen, resultTypes: ['violations']})"
            ".then(({violations}) => violations.flatMap(one => one.nodes.map("
            "node => `${one.id}: ${node.target.join(' ')} ${node.any.map(check => check.message).join()}`)))",
            {"type": "tag", "values": RULES},
        )
        return [str(one) for one in found]

    def is_too_wide(self) -> bool:
        """Whether the page has to be moved sideways to be read."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > innerWidth + 1"))
