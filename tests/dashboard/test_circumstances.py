"""The dashboard where lists are long, the line is slow, the screen small, nothing is there, and nobody sees what is shown."""

import json
import re
from collections import defaultdict
from secrets import token_hex
from time import monotonic
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Route, expect

from tests.dashboard import giants
from tests.dashboard.browser import PHONE, Visit, visit
from tests.dashboard.scene import Scene
from tests.dashboard.test_in_a_browser import pages

pytestmark = [pytest.mark.timeout(300), pytest.mark.filterwarnings("default::ResourceWarning")]

MANY = 230
"""More than the server lists at once."""
EMPTY = {
    "/": ("first.title",),
    "/jobs": ("jobs.none", "jobs.none_hint"),
    "/queues": ("queues.none", "queues.none_hint"),
    "/dead-letters": ("dead.none", "dead.none_hint"),
    "/errors": ("errors.none_open", "errors.none_hint"),
    "/workers": ("workers.none", "workers.none_hint"),
    "/assignments": ("queues.none", "assignments.none_hint"),
    "/scaling": ("scaling.none", "scaling.none_hint"),
    "/tasks": ("tasks.none", "tasks.none_hint", "breakers.none"),
    "/schedules": ("schedules.none", "schedules.none_hint"),
    "/schedules?tab=calendars": ("calendars.none", "calendars.none_hint"),
    "/alerts": ("alerts.none", "alerts.none_hint"),
    "/alerts?tab=rules": ("rules.none", "rules.none_hint"),
    "/alerts?tab=silences": ("silences.none", "silences.note"),
    "/alerts?tab=receivers": ("receivers.none", "receivers.none_hint"),
    "/alerts?tab=deliveries": ("deliveries.none", "deliveries.none_hint"),
    "/alerts?tab=events": ("events.none", "events.none_hint"),
}
"""What each page says of a project in which nothing has been done yet: what it is for, and how to begin."""


def test_lists_are_long(browser: Browser, shown: Scene) -> None:
    """One test, because each test process would start a server of its own for its part of them."""
    with visit(browser, shown, key=shown.key) as visitor:
        read_every_list_to_its_end(visitor, shown)
        group_more_dead_letters_than_are_looked_at(visitor, shown)
        look_further_back(visitor)
        come_back_to_the_same_depth(visitor, shown)
        assert visitor.complaints == []


def test_how_it_is_read(browser: Browser, shown: Scene) -> None:
    with visit(browser, shown, key=shown.key) as visitor:
        go_by_ear(visitor, shown)
        find_nothing_at_all(visitor, shown)
        assert visitor.complaints == []
    with visit(browser, shown, key=shown.key, size=PHONE) as visitor:
        read_on_a_phone(visitor, shown)
    read_on_a_slow_line(browser, shown)


def read_every_list_to_its_end(visitor: Visit, shown: Scene) -> None:
    receiver = shown.call("GET", "/alerts/receivers")[0]["id"]
    rule = shown.call("GET", "/alerts/rules")[0]["id"]
    schedule = shown.call("GET", "/scheduled-jobs/month-end")["id"]
    job = shown.ids["failing"]
    for statement, like in (
        (giants.ADD_DELIVERIES, receiver),
        (giants.ADD_EVENTS, rule),
        (giants.ADD_ATTEMPTS, job),
        (giants.ADD_RUNS, schedule),
    ):
        giants.add_many(statement, shown.database, like, MANY)
    page = visitor.page
    cells = page.get_by_role("table").get_by_role("row")
    visitor.go("/alerts?tab=deliveries")
    told = read_to_the_end(visitor, cells, "pages.older")
    assert {f"told {number}" for number in range(1, MANY + 1)} <= set(
        re.findall(r"told \d+", "\n".join(told))
    )
    visitor.go("/alerts?tab=events")
    fired = "\n".join(read_to_the_end(visitor, cells, "pages.older"))
    assert len(set(re.findall(r"subject \d+", fired))) == MANY
    visitor.go("/schedules/month-end?kind=skipped")
    runs = page.locator("section", has=page.get_by_role("heading", name=visitor.say("history.title")))
    assert len(read_to_the_end(visitor, runs.get_by_role("listitem"), "pages.older")) == MANY
    visitor.go(f"/jobs/{job}?tab=attempts")
    expect(page.get_by_role("tab", name=re.compile(f" {MANY + 2}$"))).to_be_visible()
    attempts = page.locator("main ol > li").filter(has=page.get_by_text(visitor.has("attempts.number")))
    assert len(read_to_the_end(visitor, attempts, "pages.next")) == MANY + 2


def read_to_the_end(visitor: Visit, items: Locator, older: str) -> list[str]:
    """The texts of all that a list shows, page after page."""
    found: list[str] = []
    while True:
        expect(items.first).to_be_visible()
        found += items.all_inner_texts()
        if not go_on(visitor, items, older):
            return found


def go_on(visitor: Visit, items: Locator, older: str) -> bool:
    """To the next page of a list, until it is shown; False where there is none."""
    page = visitor.page
    way_on = page.get_by_role("button", name=visitor.say(older))
    if way_on.count() == 0 or way_on.is_disabled():
        return False
    # Until the answer has come the page before it stands: its last line, which is not on the next one, is waited for to go.
    items.last.evaluate("(line) => line.setAttribute('data-left', '')")
    way_on.click()
    expect(page.locator("[data-left]")).to_have_count(0)
    visitor.settle()
    assert page.get_by_role("alert").all_inner_texts() == []
    return True


def group_more_dead_letters_than_are_looked_at(visitor: Visit, shown: Scene) -> None:
    """More kinds than a page has, more letters of one kind than are listed at once, and older ones behind the newest."""
    project = shown.call("POST", "/projects", {"name": f"graves {token_hex(4)}"})["id"]
    queue = shown.call("POST", f"/queues?project_id={project}", {"name": "graves"})["id"]
    giants.add_many(giants.ADD_LETTERS, shown.database, queue, 10_400, kinds=MANY, much=120)
    page, say = visitor.page, visitor.say
    visitor.go(f"/dead-letters?project={project}")
    expect(page.get_by_text(say("dead.newest"))).to_be_visible()
    groups = page.locator("main section > div > ul > li")
    kinds = set(re.findall(r"past\.\w+", "\n".join(read_to_the_end(visitor, groups, "pages.next"))))
    assert kinds == {f"past.task_{number}" for number in range(MANY - 1)}
    page.get_by_role("button", name=say("pages.older")).click()
    expect(page.get_by_text(say("dead.older"))).to_be_visible()
    much = groups.filter(has_text="past.much")
    much.get_by_role("button", expanded=False).click()
    letters = much.get_by_role("link")
    expect(letters).to_have_count(50)
    unanswered: list[Route] = []
    # A look at what is new, as one comes every few seconds while a job runs, takes the place of the first question for more.
    page.route(
        re.compile(r"/dead-letters\?.*cursor="),
        lambda route: route.continue_() if unanswered else unanswered.append(route),
    )
    for count in (100, 120):
        much.get_by_role("button", name=say("pages.more")).click()
        expect(letters).to_have_count(count)
    expect(much.get_by_role("button", name=say("pages.more"))).to_have_count(0)
    assert len(unanswered) == 1
    page.unroute_all()
    visitor.go("/")


def look_further_back(visitor: Visit) -> None:
    """Where the server has looked at so many jobs and found none that fits, the page goes on by itself for a while, and then asks."""
    page, say = visitor.page, visitor.say
    nothing = {"status": "success", "message": "", "data": []}
    asked: list[str] = []

    def far(route: Route) -> None:
        asked.append(route.request.url)
        if "far-7" in route.request.url:
            route.continue_(url=re.sub(r"job_type=\w+|cursor=[\w-]+", "", route.request.url))
            return
        meta = {"page": None, "limit": 50, "has_more": True, "next_cursor": f"far-{len(asked)}"}
        meta |= {"total_items": None, "total_capped": True}
        route.fulfill(body=json.dumps({**nothing, "meta": meta}), content_type="application/json")

    page.route(re.compile(r"/api/v1/jobs\?.*job_type=rare"), far)
    visitor.go("/jobs?type=rare")
    expect(page.get_by_text(say("jobs.none_so_far"))).to_be_visible()
    assert len(asked) == 5
    assert page.get_by_text(say("jobs.none_match")).count() == 0
    page.get_by_role("button", name=say("jobs.look_further")).click()
    expect(page.get_by_role("table")).to_be_visible()
    assert ["cursor=far-5" in asked[5], "cursor=far-6" in asked[6], "cursor=far-7" in asked[7]] == [True] * 3
    page.go_back()
    expect(page.get_by_text(say("jobs.none_so_far"))).to_be_visible()
    page.unroute_all()


def come_back_to_the_same_depth(visitor: Visit, shown: Scene) -> None:
    """Who goes from the third page of a list to a job and back is on the third page, where they were on it."""
    drafts = [
        {"job_type": "imports.load_file", "queue_name": "imports", "payload": {"n": n}} for n in range(170)
    ]
    shown.call("POST", "/jobs/bulk", {"jobs": drafts})
    page = visitor.page
    visitor.go("/jobs?type=imports.load_file")
    rows = page.get_by_role("table").get_by_role("row")
    for number in (2, 3):
        assert go_on(visitor, rows, "pages.older")
        page.wait_for_url(f"**page={number}**")
    here, rows_here = page.url, rows.all_inner_texts()[1:]
    link = rows.nth(40).get_by_role("link").first
    link.scroll_into_view_if_needed()
    depth = page.evaluate("scrollY")
    assert depth > 0
    link.click()
    page.wait_for_url(re.compile(r"/jobs/[0-9a-f-]{36}"))
    page.go_back()
    page.wait_for_url(here)
    expect(rows).to_have_count(len(rows_here) + 1)
    visitor.paint()
    assert [row.split("\t")[1] for row in rows.all_inner_texts()[1:]] == [
        row.split("\t")[1] for row in rows_here
    ]
    assert abs(page.evaluate("scrollY") - depth) < 40


def go_by_ear(visitor: Visit, shown: Scene) -> None:
    """The focus comes to the heading of each page that is gone to, and its title is said."""
    page, say = visitor.page, visitor.say
    visitor.go("/")
    said = page.locator("[aria-live=polite].sr-only")
    for key in ("queues", "dead_letters", "jobs", "workers", "audit"):
        page.get_by_role("navigation", name=say("nav.label")).get_by_role(
            "link", name=say(f"nav.{key}")
        ).press("Enter")
        expect(page.get_by_role("heading", level=1, name=say(f"nav.{key}"))).to_be_focused()
        expect(said).to_have_text(f"{visitor.word(f'nav.{key}')} · TaskForge")
        assert page.title() == f"{visitor.word(f'nav.{key}')} · TaskForge"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null"), "the next stop is in the page"
    visitor.go("/queues")
    page.get_by_role("link", name="billing", exact=True).press("Enter")
    expect(page.get_by_role("heading", level=1, name="billing")).to_be_focused()
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name=say("palette.title")).fill(shown.ids["failing"])
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="shop.send_mail")).to_be_focused()
    expect(said).to_have_text(f"shop.send_mail {shown.ids['failing'][-8:]} · TaskForge")


def find_nothing_at_all(visitor: Visit, shown: Scene) -> None:
    """In a project in which nothing has been done each page says what belongs there, and most how to begin."""
    project = shown.call("POST", "/projects", {"name": f"nothing yet {token_hex(4)}"})["id"]
    page = visitor.page
    visitor.go(f"/?project={project}")
    for language in ("id", "en"):
        visitor.prefer(language=language)
        for path, keys in EMPTY.items():
            visitor.turn(f"{path}{'&' if '?' in path else '?'}project={project}")
            for key in keys:
                expect(page.get_by_text(visitor.has(key)).first, path).to_be_visible()
            assert page.get_by_role("alert").count() == 0, path
    visitor.go("/")


def read_on_a_phone(visitor: Visit, shown: Scene) -> None:
    """No page is moved sideways, and of many tabs the chosen one is seen."""
    found = []
    visitor.go("/jobs")
    for language in ("en", "id"):
        visitor.prefer(language=language)
        for name, path in pages(shown).items():
            visitor.turn(path)
            if visitor.is_too_wide():
                found.append(f"{name}, {language}")
            visitor.paint()
            for tab in visitor.page.get_by_role("tab", selected=True).all():
                box = tab.bounding_box()
                if box is None or box["x"] < 0 or box["x"] + box["width"] > PHONE["width"]:
                    found.append(f"the tab of {name}, {language}: {box}")
    assert found == []


def read_on_a_slow_line(browser: Browser, shown: Scene) -> None:
    for path in ("/", "/jobs", "/queues", f"/jobs/{shown.ids['failing']}", "/insights", "/schedules"):
        with visit(browser, shown, key=shown.key) as visitor:
            come_slowly(visitor, path)


def come_slowly(visitor: Visit, path: str) -> None:
    """Lines stand where something will be, nothing that is there moves away, and nothing is asked for twice."""
    page = visitor.page
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    slow = {"offline": False, "latency": 400, "downloadThroughput": 60_000, "uploadThroughput": 30_000}
    line.send("Network.emulateNetworkConditions", slow)
    page.route("**/api/v1/events?*", lambda _: None)  # whatever changes is asked for again, as it should be
    asked: dict[str, list[float]] = defaultdict(list)
    page.on("request", lambda request: asked[request.url].append(monotonic()))
    page.add_init_script(WATCH)
    page.goto(visitor.url + path, wait_until="commit")
    page.locator("html[data-waited]").wait_for(state="attached")
    page.locator("h1").first.wait_for()
    visitor.settle()
    page.wait_for_timeout(2000)
    shifts = page.evaluate("window.shifts")
    assert sum(one["value"] for one in shifts) < 0.1, (path, shifts)
    twice = {
        urlsplit(url).path: times
        for url, times in asked.items()
        if "/api/v1/" in url and len(times) > 1 and times[1] - times[0] < FIGURES_SECONDS
    }
    assert twice == {}, path
    assert any("/api/v1/" in url for url in asked), path


FIGURES_SECONDS = 9
"""Figures are asked for again ten seconds after they came."""

WATCH = """
new MutationObserver(() => {
  if (document.querySelector("[role=status] > .animate-pulse")) document.documentElement.dataset.waited = "";
}).observe(document, {childList: true, subtree: true});
window.shifts = [];
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) {
    if (!one.hadRecentInput) window.shifts.push({value: one.value, at: one.startTime, of: one.sources.map((s) => s.node?.outerHTML?.slice(0, 200))});
  }
}).observe({type: "layout-shift", buffered: true});
"""
"""Whether lines stood where something would be, and what moved while the page came, as the browser counts it (Cumulative Layout Shift; up to 0.1 is good)."""
