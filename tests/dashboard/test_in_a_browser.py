"""The dashboard in a real browser, over a real server with real data."""

import json
import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from tests.conftest import SOAK
from tests.dashboard.browser import PHONE, SIZE, Visit, visit
from tests.dashboard.giants import add_jobs, add_lines
from tests.dashboard.scene import Scene, fill_again, job
from tests.dashboard.work import drain_the_worker, fill_in, log_out, work

pytestmark = [pytest.mark.timeout(300), pytest.mark.filterwarnings("default::ResourceWarning")]

LOOKS = [(theme, language) for language in ("id", "en") for theme in ("dark", "light")][: None if SOAK else 1]
"""In which theme and language axe looks at all pages: in one in every run, for its time, in a soak in all four."""


def pages(shown: Scene) -> dict[str, str]:
    """Every page, by name."""
    ids = shown.ids
    return {
        "overview": "/",
        "jobs": "/jobs",
        "no-jobs": "/jobs?type=nothing",
        "job-failed": f"/jobs/{ids['failing']}",
        "job-attempts": f"/jobs/{ids['failing']}?tab=attempts",
        "job-running": f"/jobs/{ids['running']}?tab=log",
        "job-waiting": f"/jobs/{ids['waiting']}",
        "job-raw": f"/jobs/{ids['hostile']}?tab=raw",
        "queues": "/queues",
        "queue": f"/queues/{ids['queue']}",
        "dead-letters": "/dead-letters",
        "workers": "/workers",
        "worker": f"/workers/{ids['worker']}",
        "tasks": "/tasks",
        "enqueue": "/tasks?enqueue=shop.charge",
        "schedules": "/schedules",
        "schedule": "/schedules/shop.close_books",
        "calendars": "/schedules?tab=calendars",
        "insights": "/insights",
        "insights-own": "/insights?from=2026-01-01T00:00&to=2026-01-02T00:00",
        "assignments": "/assignments",
        "assign": "/assignments?queue=mail",
        "errors": "/errors",
        "error": f"/errors/{ids['error']}",
        "scaling": "/scaling",
        "scaling-simulator": f"/scaling?tab=simulator&queue={ids['mail']}",
        **{
            f"alerts{tab and f'-{tab}'}": f"/alerts?tab={tab}"
            for tab in ("", "rules", "silences", "receivers", "deliveries", "events")
        },
        "audit": "/audit",
        **{
            f"settings-{tab}": f"/settings?tab={tab}"
            for tab in ("appearance", "account", "users", "roles", "keys", "projects", "redaction", "health")
        },
    }


def test_every_page_reads_well(browser: Browser, shown: Scene) -> None:
    """In both themes and languages, and on a phone; the program is loaded once."""
    found: dict[str, list[str]] = {}
    with visit(browser, shown, key=shown.key) as visitor:
        visitor.go("/jobs")
        for theme, language in LOOKS:
            visitor.prefer(theme=theme)
            visitor.prefer(language=language)
            for name, path in pages(shown).items():
                visitor.turn(path)
                faults = visitor.faults() + visitor.complaints
                if visitor.is_too_wide():
                    faults.append("the page is wider than the window")
                if name in ("jobs", "schedule") and visitor.page.get_by_text(re.compile(r"\b0 ms")).count():
                    faults.append("something took no time")
                visitor.page.set_viewport_size(PHONE)
                if visitor.is_too_wide():
                    faults.append("on a phone the page is wider than the window")
                visitor.page.set_viewport_size(SIZE)
                if faults:
                    found[f"{name}, {theme}, {language}"] = faults
                visitor.complaints.clear()
        assert found == {}
        visitor.prefer(theme="light", language="en")
        visitor.go("/")
        expect(visitor.page.get_by_text("4 waiting, 4 of them held back")).to_be_visible()
        visitor.page.set_viewport_size(PHONE)
        visitor.go("/")
        visitor.page.get_by_role("button", name="Open the menu").click()
        visitor.page.get_by_role("link", name="Workers").last.click()
        expect(visitor.page.get_by_role("heading", name="Workers")).to_be_visible()


def test_others_who_come_in(browser: Browser, shown: Scene) -> None:
    """One test, because each test process would start a server of its own for its part of them."""
    see_as_a_viewer(browser, shown)
    see_what_is_not_redacted(browser, shown)
    see_as_another_organization(browser, shown)
    come_by_a_key_in_the_address(browser, shown)
    load_little_at_first(browser, shown)
    retry_by_keys(browser, shown)


@pytest.mark.skipif(not SOAK, reason="a minute for a browser: in a soak")
def test_what_is_too_much_to_show(browser: Browser, shown: Scene) -> None:
    look_at_giant_values(browser, shown)
    read_a_long_log(browser, shown)
    page_through_many_jobs(browser, shown)


def test_an_operator_at_work(browser: Browser, shown: Scene) -> None:
    """In Indonesian; in a soak in English before that."""
    if SOAK:
        with visit(browser, shown) as visitor:
            work(visitor, shown, rate=600)
            log_out(visitor)
            assert visitor.complaints == []
        fill_again(shown)
    with visit(browser, shown, language="id") as visitor:
        work(visitor, shown, rate=700)
        drain_the_worker(visitor, shown)
        log_out(visitor)
        assert visitor.complaints == []


def look_at_giant_values(browser: Browser, shown: Scene) -> None:
    """A text of a million characters and JSON of three thousand levels, more than the server takes: shown in part."""
    giant = shown.call("GET", f"/jobs/{failed(shown)}")
    nested = "[" * 3000 + '"the bottom"' + "]" * 3000
    long, many = json.dumps("<b>&" + "x" * 1_500_000), json.dumps(list(range(100_000)))
    giant["payload"] = "PAYLOAD"
    answer = json.dumps({"status": "success", "message": "", "data": giant, "meta": {}})
    payloads = [f'{{"long": {long}, "deep": {nested}, "many": {many}}}']
    with visit(browser, shown, key=shown.key) as visitor:
        page = visitor.page
        body = {"content_type": "application/json"}
        page.route(
            f"**/api/v1/jobs/{giant['id']}",
            lambda route: route.fulfill(body=answer.replace('"PAYLOAD"', payloads[-1]), **body),
        )
        visitor.go(f"/jobs/{giant['id']}")
        expect(page.get_by_text('"long": "<b>&xxx').first).to_be_visible()
        assert shown_characters(visitor) < 40_000
        page.get_by_role("button", name="Show more").click()
        expect(page.get_by_role("button", name="Show more")).to_have_count(0)
        assert shown_characters(visitor) < 500_000
        page.get_by_role("button", name="Retry with changes").click()
        expect(page.get_by_role("dialog").get_by_role("textbox")).to_be_visible()
        page.keyboard.press("Escape")
        payloads.append(nested)
        visitor.go(f"/jobs/{giant['id']}?tab=raw")
        expect(page.get_by_text("the bottom")).to_have_count(0)
        assert shown_characters(visitor) < 60_000
        assert visitor.complaints == []


def shown_characters(visitor: Visit) -> int:
    """How much text the page is made of."""
    return int(visitor.page.evaluate("document.body.textContent.length"))


def failed(shown: Scene) -> str:
    """A job that has failed, at its only attempt."""
    made: str = shown.call("POST", "/jobs", job("charge", {"invoice": 7, "amount": 1}))["id"]
    shown.call("GET", f"/jobs/{made}/result?wait=30")
    return made


def read_a_long_log(browser: Browser, shown: Scene) -> None:
    """Of a hundred thousand lines as many are in the page as fit, wherever one looks."""
    read = failed(shown)
    add_lines(shown.database, read)
    with visit(browser, shown, key=shown.key) as visitor:
        page = visitor.page
        visitor.go(f"/jobs/{read}?tab=log")
        expect(page.get_by_text(re.compile(r"^100,0\d\d of 100,0\d\d lines$"))).to_be_visible()
        log = page.get_by_role("log")
        for part in (0.2, 0.5, 0.9, 0.0):
            log.evaluate("(log, part) => log.scrollTo(0, log.scrollHeight * part)", part)
            visitor.paint()
            assert 10 < log.locator("[data-index]").count() < 150
        page.get_by_label("Search the log").fill("row 77777 of")
        expect(page.get_by_text("1 of 100,0")).to_be_visible()
        expect(log.get_by_text("row 77777 of the import")).to_be_visible()
        page.get_by_label("Search the log").fill("")
        page.get_by_label("Least level").select_option("warn")
        expect(page.get_by_text(re.compile(r"^1,0\d\d of 100,0\d\d lines$"))).to_be_visible()
        assert visitor.complaints == []


def page_through_many_jobs(browser: Browser, shown: Scene) -> None:
    """A project with a hundred thousand finished jobs: counted, filtered, paged to the end of what has numbers."""
    shown.call("POST", "/projects", {"name": "archive"})
    [project] = [one["id"] for one in shown.call("GET", "/projects") if one["name"] == "archive"]
    queue = shown.call("POST", f"/queues?project_id={project}", {"name": "past"})["id"]
    first = {"job_type": "past.task_0", "queue_id": queue, "payload": {}}
    add_jobs(shown.database, shown.call("POST", f"/jobs?project_id={project}", first)["id"])
    with visit(browser, shown, key=shown.key) as visitor:
        page = visitor.page
        visitor.go(f"/jobs?project={project}")
        expect(page.get_by_role("tab", name=re.compile("^Failed 10K\\+$"))).to_be_visible()
        page.get_by_role("tab", name=re.compile("^Failed")).click()
        expect(page.get_by_role("row")).to_have_count(51)
        visitor.go(f"/jobs?project={project}&page=200")
        page.get_by_role("button", name="Older").click()
        page.wait_for_url("**cursor=**")
        expect(page.get_by_role("row")).to_have_count(51)
        visitor.go(f"/queues?project={project}")
        expect(page.get_by_role("row").filter(has_text="past")).to_be_visible()
        assert visitor.complaints == []


def see_as_a_viewer(browser: Browser, shown: Scene) -> None:
    """No payload, and no way to change anything."""
    with visit(browser, shown, key=shown.viewer_key) as visitor:
        page = visitor.page
        visitor.go(f"/jobs/{shown.ids['hostile']}")
        expect(page.get_by_text("You may not see payloads").first).to_be_visible()
        assert "knows no address" not in page.locator("body").inner_text()
        forms = ("/tasks?enqueue=shop.charge", "/assignments?queue=mail")
        for path in ("/jobs", f"/jobs/{shown.ids['waiting']}", "/queues", "/workers", "/tasks", *forms):
            visitor.go(path)
            for name in ("Enqueue", "Retry", "Cancel job", "Delete", "Pause", "New queue", "Drain", "Assign"):
                assert page.get_by_role("button", name=name, exact=True).count() == 0, (path, name)
        assert page.get_by_role("link", name="Audit").count() == 0
        visitor.go("/settings")
        assert page.get_by_role("tab").count() == 3
        assert visitor.complaints == []


def see_what_is_not_redacted(browser: Browser, shown: Scene) -> None:
    """The owner names a member; a developer sees the rest, and mends the job without losing what is hidden."""
    with visit(browser, shown, key=shown.key) as visitor:
        visitor.go("/settings?tab=redaction")
        visitor.page.get_by_label("Names of members").fill("Subject\npin")
        visitor.page.get_by_role("button", name="Save").click()
        expect(visitor.page.get_by_text("Redaction saved")).to_be_visible()
        visitor.go(f"/jobs/{shown.ids['failing']}")
        expect(visitor.page.get_by_text("Your invoice").first).to_be_visible()
    with visit(browser, shown, key=shown.developer_key) as visitor:
        page = visitor.page
        visitor.go(f"/jobs/{shown.ids['failing']}")
        expect(page.get_by_text("Not shown to you: subject")).to_be_visible()
        expect(page.get_by_text('"subject": "[redacted]"')).to_be_visible()
        assert page.get_by_text("Your invoice").count() == 0
        assert visitor.faults() == []
    shown.call(
        "PATCH", f"/organizations/{shown.call('GET', '/organizations')[0]['id']}", {"redacted_keys": []}
    )


def see_as_another_organization(browser: Browser, shown: Scene) -> None:
    """Its own things, and nothing of the other one: not even that it is there."""
    with visit(browser, shown, key=shown.other_key) as visitor:
        page = visitor.page
        visitor.go("/jobs")
        expect(page.get_by_role("link", name="acme.plan")).to_be_visible()
        assert "shop." not in page.locator("body").inner_text()
        ids = shown.ids
        for path in (f"/jobs/{ids['failing']}", f"/queues/{ids['queue']}", f"/workers/{ids['worker']}"):
            page.goto(shown.url + path)
            expect(page.get_by_role("alert")).to_be_visible()
            for told in ("shop.", "billing", "nobody"):
                assert told not in page.locator("body").inner_text(), path
        for path in ("/queues", "/workers", "/tasks", "/dead-letters", "/audit", "/settings?tab=users"):
            visitor.go(path)
            text = page.locator("body").inner_text()
            assert not any(told in text for told in ("shop.", "billing", shown.email)), path
        assert visitor.complaints == []
    with visit(browser, shown, key=shown.key) as visitor:
        visitor.go("/jobs")
        assert "acme" not in visitor.page.locator("body").inner_text()
        visitor.page.goto(f"{shown.url}/jobs/{shown.ids['of_others']}")
        expect(visitor.page.get_by_role("alert")).to_be_visible()


def retry_by_keys(browser: Browser, shown: Scene) -> None:
    """The button is gone with what it did: the keys go on at the heading, not at the top of the page."""
    with visit(browser, shown, key=shown.key) as visitor:
        visitor.go(f"/jobs/{shown.ids['hostile']}")
        visitor.page.get_by_role("button", name="Retry", exact=True).press("Enter")
        expect(visitor.page.get_by_role("heading", level=1)).to_be_focused()


def come_by_a_key_in_the_address(browser: Browser, shown: Scene) -> None:
    """It lets in, is gone from the address, and is known to the next tab."""
    with visit(browser, shown) as visitor:
        visitor.go(f"/#key={shown.key}")
        assert "#" not in visitor.page.url
        with visitor.page.context.expect_page() as opened:
            visitor.page.get_by_role("link", name="Jobs").click(modifiers=["Control"])
        expect(opened.value.get_by_role("heading", name="Jobs")).to_be_visible()


def load_little_at_first(browser: Browser, shown: Scene) -> None:
    """All JavaScript of the first page, as it comes over the wire."""
    with visit(browser, shown, key=shown.key) as visitor:
        visitor.go("/jobs")
        loaded = visitor.page.evaluate(
            "performance.getEntriesByType('resource').filter(one => one.name.includes('.js'))"
            ".map(one => one.encodedBodySize)"
        )
        assert 50_000 < sum(loaded) < 200_000


def test_the_server_goes_and_comes_back(browser: Browser, shown: Scene) -> None:
    """The last one: `dev` ends with its worker, which was drained, and its key is another one after a new start."""
    port = urlsplit(shown.url).port
    assert port is not None
    shown.server.program.kill()
    shown.server.start(port).wait_for("^dashboard ", timeout=90)
    with visit(browser, shown) as visitor:
        page = visitor.page
        page.goto(f"{shown.url}/queues")
        fill_in(visitor, shown, shown.password)
        expect(page.get_by_role("button", name="Live")).to_be_visible()
        shown.server.program.kill()
        banner = page.get_by_text("The connection is lost")
        expect(banner).to_be_visible()
        assert visitor.faults() == []
        expect(
            page.get_by_role("row").filter(has_text="billing").first
        ).to_be_visible()  # what was there stays
        page.get_by_role("link", name="Scaling").first.click()  # whose program has not been loaded
        page.wait_for_url("**/scaling*")
        expect(banner).to_be_visible()
        shown.server.start(port).wait_for("^dashboard ", timeout=90)
        expect(banner).to_have_count(0)
        expect(page.get_by_role("heading", level=1, name="Scaling")).to_be_visible()
        expect(page.get_by_role("button", name="Live")).to_be_visible()
        page.get_by_role("link", name="Dead letters").first.click()
        expect(page.get_by_role("heading", level=1, name="Dead letters")).to_be_visible()
