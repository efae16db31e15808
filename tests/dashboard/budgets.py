"""How long the dashboard takes with very much to show: `python -m tests.dashboard.budgets`.

It measures and tells, and judges nothing but the size of the first page's JavaScript: times are the machine's. Beside
each stand the processor time that the server took for it and how long the page's own thread was at work, which other
work on the machine changes less, and at the end how busy the machine was. What it says goes into docs/dashboard.md.
"""

from __future__ import annotations

import argparse
import os
import shutil
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
    with visit(browser, shown, key=shown.key) as visitor:
        costs = Costs(visitor, shown)
        costs.tell("first page that the server is asked for, nothing cached", lambda: visitor.go("/"))
        size = visitor.page.evaluate(
            "performance.getEntriesByType('resource').filter(one => one.name.includes('.js'))"
            ".reduce((sum, one) => sum + one.encodedBodySize, 0)"
        )
        print(f"its JavaScript: {size / 1000:.0f} kB")
        assert size < 200_000
        costs.tell("first page, once more", lambda: visitor.go("/"))
    with visit(browser, shown, key=shown.key) as visitor:
        costs = Costs(visitor, shown)
        costs.tell("first page of another browser that has nothing cached", lambda: visitor.go("/"))
        visitor.go("/jobs")
        for name in ("Failed", "Succeeded", "Failed", "Pending", "All", "Succeeded"):
            costs.tell(
                f"list, from the click on {name} to its rows", partial(from_click_to_rows, visitor, name)
            )
        costs.tell("page 200", lambda: visitor.go("/jobs?page=200"))
        for path in ("/queues", "/errors", "/insights"):
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

    def tell(self, what: str, act: Callable[[], object]) -> None:
        """Do it, and print a line. Where ``act`` answers a number, that is the time in milliseconds."""
        server, page, began = self._server_seconds(), self._page_seconds(), time.perf_counter()
        said = act()
        taken = said if isinstance(said, float) else (time.perf_counter() - began) * 1000
        server, page = self._server_seconds() - server, self._page_seconds() - page
        page = max(0.0, page)  # a page that was loaded anew begins to count anew
        print(f"{what}: {taken:.0f} ms; server {server * 1000:.0f} ms, page {page * 1000:.0f} ms")

    def _server_seconds(self) -> float:
        processes = [self._server, *self._server.children(recursive=True)]
        return sum(sum(one.cpu_times()[:2]) for one in processes)

    def _page_seconds(self) -> float:
        found = self._session.send("Performance.getMetrics")["metrics"]
        return float(next(one["value"] for one in found if one["name"] == "TaskDuration"))


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
