"""How long the dashboard takes with very much to show: `python -m tests.dashboard.budgets`.

It tells for each budget whether it is kept, and fails by none but the size of the first page's JavaScript: times are the
machine's. Beside each stand the processor time that the server took for it and how long the page's own thread was at work,
which other work on the machine changes less, and at the end how busy the machine was. It ends within six minutes. What it
says goes into docs/dashboard.md.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from tests.dashboard.browser import Visit, chromium, visit
from tests.dashboard.giants import LINES, add_jobs, add_lines
from tests.dashboard.scene import Scene, job, scene
from tests.support.processes import Processes
from tests.support.watchdog import close_watchdog

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser

FIRST_PAGE_MS, ROWS_MS, SCRIPT_BYTES = 1000, 300, 200_000
"""The budgets."""
MOST_SECONDS = 345
TABS = ("Failed", "Succeeded", "Failed", "Pending", "All", "Succeeded")
VISITORS = 2
WATCH = """(() => {
  const said = window.taskforgeFirst = {heading: null, usable: null};
  new MutationObserver(() => {
    const now = performance.now();
    const isThere = document.querySelector('h1') !== null;
    if (isThere) said.heading ??= now;
    const isUsable = isThere && document.querySelector('[role=status] > .animate-pulse') === null;
    said.usable = isUsable ? (said.usable ?? now) : null;
  }).observe(document, {childList: true, subtree: true});
})()"""
"""Notes within the page when its heading was there and when nothing was loading any more: a driver that asks from outside
takes the processor from it."""
SAID = """() => {
  const {heading, usable} = window.taskforgeFirst;
  if (usable === null || performance.now() - usable < 500) return null;
  const paint = performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0;
  return {paint, heading, usable};
}"""
SCROLL = """async part => {
  const log = document.querySelector('[role=log]'), times = [];
  let before = await new Promise(requestAnimationFrame);
  for (let step = 0; step < 120; step += 1) {
    log.scrollTop = log.scrollHeight * part + step * 160;
    const now = await new Promise(requestAnimationFrame);
    times.push(now - before);
    before = now;
  }
  return times;
}"""
"""Scrolls two seconds long; answers how many milliseconds each frame took."""


def main() -> None:
    """Measure all of it."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--jobs", type=int, default=1_000_000)
    count = options.parse_args().jobs
    signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(MOST_SECONDS)
    folder = Path(tempfile.mkdtemp(prefix="taskforge-budgets-"))
    processes = Processes(folder)
    try:
        with chromium() as browser, scene(processes, folder) as shown:
            measure(browser, shown, count)
    finally:
        processes.clean_up()
        close_watchdog()
        shutil.rmtree(folder, ignore_errors=True)


def measure(browser: Browser, shown: Scene, count: int) -> None:
    """Of a server with so many jobs."""
    began = time.perf_counter()
    add_jobs(shown.database, shown.ids["waiting"], count)
    print(f"{count:,} jobs added in {time.perf_counter() - began:.1f} s")
    for place in ("of all", "of the second browser"):
        with visit(browser, shown, key=shown.key) as visitor:
            costs = Costs(visitor, shown)
            visitor.page.context.add_init_script(WATCH)
            costs.tell(f"first page {place}, nothing cached", partial(first_page, visitor), FIRST_PAGE_MS)
            size = visitor.page.evaluate(
                "performance.getEntriesByType('resource').filter(one => one.name.includes('.js'))"
                ".reduce((sum, one) => sum + one.encodedBodySize, 0)"
            )
            costs.tell("first page, once more", partial(first_page, visitor), FIRST_PAGE_MS)
    print(f"JavaScript of the first page: {size / 1000:.0f} kB{kept(size, SCRIPT_BYTES, 1000, 'kB')}")
    assert size < SCRIPT_BYTES
    clicks = []
    for _ in range(VISITORS):
        with visit(browser, shown, key=shown.key) as visitor:
            costs = Costs(visitor, shown)
            visitor.go("/jobs")
            for name in TABS:
                act = partial(from_click_to_rows, visitor, name)
                clicks.append(costs.tell(f"list, from the click on {name} to its rows", act, ROWS_MS))
    slow = sum(1 for one in clicks if one >= ROWS_MS)
    print(f"{len(clicks)} clicks: median {statistics.median(clicks):.0f} ms, {slow} above {ROWS_MS} ms")
    with visit(browser, shown, key=shown.key) as visitor:
        costs = Costs(visitor, shown)
        visitor.go("/jobs")
        for path in ("/jobs?page=200", "/queues", "/errors", "/insights"):
            costs.tell(path, partial(visitor.go, path))
    read_a_log(browser, shown)
    print("load of the machine over one, five and fifteen minutes:", *os.getloadavg())


class Costs:
    """Tells what something takes: of time, of the server's processor, of the page's thread."""

    def __init__(self, visitor: Visit, shown: Scene) -> None:
        self._server = psutil.Process(shown.server.program.pid)
        self._session = visitor.page.context.new_cdp_session(visitor.page)
        self._session.send("Performance.setTimeDomain", {"timeDomain": "threadTicks"})
        self._session.send("Performance.enable")

    def tell(self, what: str, act: Callable[[], object], aim: float | None = None) -> float:
        """Do it, and print a line. Where ``act`` answers a number, that is the time in milliseconds, which are answered."""
        server, page, began = self._server_seconds(), self._page_seconds(), time.perf_counter()
        said = act()
        taken = said if isinstance(said, float) else (time.perf_counter() - began) * 1000
        server, page = self._server_seconds() - server, self._page_seconds() - page
        page = max(0.0, page)  # a page that was loaded anew begins to count anew
        judged = "" if aim is None else kept(taken, aim, 1, "ms")
        print(f"{what}: {taken:.0f} ms{judged}; server {server * 1000:.0f} ms, page {page * 1000:.0f} ms")
        return taken

    def _server_seconds(self) -> float:
        processes = [self._server, *self._server.children(recursive=True)]
        return sum(sum(one.cpu_times()[:2]) for one in processes)

    def _page_seconds(self) -> float:
        found = self._session.send("Performance.getMetrics")["metrics"]
        return float(next(one["value"] for one in found if one["name"] == "TaskDuration"))


def kept(value: float, most: float, unit: float, name: str) -> str:
    """Whether a budget is kept, in words."""
    return f" ({'kept' if value < most else 'NOT KEPT'}: under {most / unit:.0f} {name})"


def first_page(visitor: Visit) -> float:
    """Milliseconds from the address to a page that can be used: its heading is there and nothing is loading any more."""
    visitor.page.goto(visitor.url + "/", wait_until="commit")
    while (said := visitor.page.evaluate(SAID)) is None:
        time.sleep(0.25)
    print(f"  first paint {said['paint']:.0f} ms, heading {said['heading']:.0f} ms")
    return float(said["usable"])


def _give_up(*_: object) -> None:
    raise TimeoutError(f"the budgets took longer than {MOST_SECONDS} s")


def from_click_to_rows(visitor: Visit, tab: str) -> float:
    """Milliseconds from the click on a status until rows of it are painted."""
    return float(
        visitor.page.evaluate(
            """async name => {
              const tab = [...document.querySelectorAll('[role=tab]')].find(one => one.textContent.startsWith(name));
              const before = document.querySelector('tbody')?.textContent;
              const began = performance.now();
              tab.click();
              while (document.querySelector('tbody')?.textContent === before || !document.querySelector('tbody tr')) {
                await new Promise(requestAnimationFrame);
                if (performance.now() - began > 20000) break;
              }
              await new Promise(requestAnimationFrame);
              return performance.now() - began;
            }""",
            tab,
        )
    )


def read_a_log(browser: Browser, shown: Scene) -> None:
    """How long until a long log is there, and how smoothly it is moved."""
    made = shown.call("POST", "/jobs", job("charge", {"invoice": 7, "amount": 1}))["id"]
    shown.call("GET", f"/jobs/{made}/result?wait=30")
    add_lines(shown.database, made)
    with visit(browser, shown, key=shown.key) as visitor:
        page = visitor.page
        began = time.perf_counter()
        visitor.go(f"/jobs/{made}?tab=log")
        page.get_by_text(f"of {LINES + 2:,} lines").or_(
            page.get_by_text(f"of {LINES + 1:,} lines")
        ).wait_for()
        print(f"a log of {LINES:,} lines is in the page after {time.perf_counter() - began:.1f} s")
        for part in (0.1, 0.5, 0.8):
            frames = page.evaluate(SCROLL, part)
            median, worst = statistics.median(frames), sorted(frames)[int(len(frames) * 0.95)]
            print(f"scrolling at {part:.0%}: a frame takes {median:.0f} ms, 95 of 100 at most {worst:.0f} ms")
        began = time.perf_counter()
        page.get_by_label("Search the log").fill("row 77777 of")
        page.get_by_text("row 77777 of the import").wait_for()
        print(f"a search in it: {time.perf_counter() - began:.2f} s")


if __name__ == "__main__":
    main()
