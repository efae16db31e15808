"""The dashboard in a real browser, over a real server with real data."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from tests.dashboard.browser import PHONE, Visit, chromium, visit
from tests.dashboard.scene import Scene, scene
from tests.support.processes import Processes

pytestmark = [pytest.mark.timeout(300), pytest.mark.filterwarnings("default::ResourceWarning")]

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
        "audit": "/audit",
        **{
            f"settings-{tab}": f"/settings?tab={tab}"
            for tab in ("appearance", "account", "users", "roles", "keys", "projects", "redaction")
        },
    }


def test_every_page_reads_well(browser: Browser, shown: Scene) -> None:
    for theme, language in (("light", "en"), ("dark", "id")):
        found: dict[str, list[str]] = {}
        with visit(browser, shown, key=shown.key, theme=theme, language=language) as visitor:
            for name, path in pages(shown).items():
                visitor.go(path)
                faults = visitor.faults() + visitor.complaints
                if visitor.is_too_wide():
                    faults.append("the page is wider than the window")
                if faults:
                    found[name] = faults
                visitor.complaints.clear()
                assert visitor.page.locator("html").get_attribute("lang") == language
        assert found == {}
    with visit(browser, shown, key=shown.key, size=PHONE) as visitor:
        for name, path in pages(shown).items():
            visitor.go(path)
            assert not visitor.is_too_wide(), f"{name} on a phone"
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


def test_an_operator_at_work(browser: Browser, shown: Scene) -> None:
    with visit(browser, shown) as visitor:
        visitor.page.goto(f"{shown.url}/jobs/{shown.ids['failing']}")
        log_in(visitor, shown)
        mend_a_failed_job(visitor)
        find_jobs(visitor)
        act_on_all_that_match(visitor, shown)
        pause_a_queue(visitor, shown)
        change_settings_of_a_queue(visitor, shown)
        redrive_dead_letters(visitor)
        enqueue(visitor)
        move_by_keys(visitor)
        make_a_key(visitor)
        switch_project(visitor)
        drain_the_worker(visitor, shown)
        log_out(visitor)
        assert visitor.complaints == []


def log_in(visitor: Visit, shown: Scene) -> None:
    page = visitor.page
    assert visitor.faults() == []
    fill_in(visitor, shown, "not the password")
    expect(page.get_by_role("alert")).to_be_visible()
    fill_in(visitor, shown, shown.password)
    expect(page.get_by_role("heading", name="shop.send_mail")).to_be_visible()


def fill_in(visitor: Visit, shown: Scene, password: str) -> None:
    page = visitor.page
    page.get_by_label("Email").fill(shown.email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in", exact=True).click()


def mend_a_failed_job(visitor: Visit) -> None:
    """A deep link survives the login; a wrong payload is seen, mended and run again, and the page follows."""
    page = visitor.page
    expect(page.get_by_text("smtp.example.com knows no address").first).to_be_visible()
    page.get_by_text("Traceback").first.click()
    expect(page.get_by_text("in send_mail").first).to_be_visible()
    page.get_by_role("button", name="Retry with changes").click()
    payload = page.get_by_role("dialog").get_by_role("textbox")
    payload.fill("{not json")
    expect(page.get_by_role("alert")).to_be_visible()
    payload.fill('{"to": "somebody@example.com", "subject": "Your invoice"}')
    page.get_by_role("dialog").get_by_role("button", name="Retry").click()
    expect(page.get_by_role("heading", level=1).get_by_text("Succeeded")).to_be_visible()
    expect(page.get_by_text('"sent": true')).to_be_visible()


def find_jobs(visitor: Visit) -> None:
    """Filters are in the address; what came from outside is text."""
    page = visitor.page
    page.get_by_role("link", name="Jobs").click()
    bar = page.get_by_role("combobox", name="Filter jobs")
    bar.fill("task:send")
    page.get_by_role("option", name="task:shop.send_mail").click()
    bar.fill("args.to:<script>window.hurt = 1</script>")
    bar.press("Enter")
    expect(page.get_by_text("1–1 of 1")).to_be_visible()
    assert "type=shop.send_mail" in page.url
    page.get_by_role("region", name="Jobs").get_by_role("link", name="shop.send_mail").click()
    expect(page.get_by_text("<script>window.hurt = 1</script>").first).to_be_visible()
    expect(page.get_by_text("<U+202E>").first).to_be_visible()
    assert page.evaluate("window.hurt") is None


def act_on_all_that_match(visitor: Visit, shown: Scene) -> None:
    page = visitor.page
    visitor.go("/jobs?status=succeeded")
    page.get_by_label("Select all jobs on this page").check()
    expect(page.get_by_role("button", name=re.compile("^Held"))).to_be_visible()
    page.get_by_role("button", name=re.compile("Select all .* matching")).click()
    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    count = re.search(r"([\d,]+) jobs are removed", dialog.get_by_text("are removed for good").inner_text())
    assert count is not None
    expect(dialog.get_by_role("button", name="Delete jobs")).to_be_disabled()
    dialog.get_by_label("This cannot be undone").fill(count[1])
    dialog.get_by_role("button", name="Delete jobs").click()
    expect(page.get_by_role("tab", name=re.compile("^Succeeded 0$"))).to_be_visible()

    visitor.go("/jobs?status=scheduled")
    page.get_by_role("region", name="Jobs").get_by_role("link", name="shop.add").first.click()
    page.get_by_role("button", name="Cancel job").click()
    expect(page.get_by_role("heading", level=1).get_by_text("Cancelled")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", level=1).get_by_text("Cancelled")).not_to_be_visible()


def pause_a_queue(visitor: Visit, shown: Scene) -> None:
    page = visitor.page
    page.get_by_role("link", name="Queues").click()
    row = page.get_by_role("row").filter(has_text="imports")
    expect(row.get_by_text("No live worker")).to_be_visible()
    row.get_by_role("button", name="Pause").click()
    page.get_by_label("Reason").fill("the disk is full")
    page.get_by_role("dialog").get_by_role("button", name="Pause").click()
    expect(row.get_by_text("Paused")).to_be_visible()
    visitor.go(f"/jobs/{shown.ids['waiting']}")
    expect(page.get_by_text("Its queue is paused")).to_be_visible()
    expect(page.get_by_text("the disk is full")).to_be_visible()


def change_settings_of_a_queue(visitor: Visit, shown: Scene) -> None:
    page = visitor.page
    visitor.go(f"/queues/{shown.ids['queue']}")
    page.get_by_label("Starts per minute").fill("0")
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    page.get_by_label("Starts per minute").fill("600")
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("Settings saved")).to_be_visible()
    assert shown.call("GET", f"/queues/{shown.ids['queue']}")["settings"]["rate_limit"] == 600


def redrive_dead_letters(visitor: Visit) -> None:
    page = visitor.page
    page.get_by_role("link", name="Dead letters").first.click()
    group = page.get_by_role("listitem").filter(has_text="CardDeclined").first
    expect(group.get_by_text("5 jobs")).to_be_visible()
    group.get_by_role("button", expanded=False).first.click()
    expect(group.get_by_role("button", name="Redrive", exact=True).first).to_be_visible()
    group.get_by_role("button", name="Redrive group").click()
    page.get_by_role("dialog").get_by_role("button", name="Redrive", exact=True).click()
    expect(page.get_by_text("Redrive begun")).to_be_visible()


def enqueue(visitor: Visit) -> None:
    page = visitor.page
    visitor.go("/tasks?enqueue=shop.add")
    page.get_by_label("a *").fill("20")
    page.get_by_label("b *").fill("22")
    page.get_by_role("dialog").get_by_role("button", name="Enqueue").click()
    expect(page.get_by_role("heading", level=1).get_by_text("Succeeded")).to_be_visible()
    expect(page.get_by_text("42", exact=True)).to_be_visible()


def move_by_keys(visitor: Visit) -> None:
    page = visitor.page
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("w")
    expect(page.get_by_role("heading", name="Workers")).to_be_visible()
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Go to").fill("billing-d")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="billing-dead")).to_be_visible()
    page.keyboard.press("l")
    expect(page.get_by_role("button", name="Paused")).to_be_visible()
    page.keyboard.press("l")
    expect(page.get_by_role("button", name="Live")).to_be_visible()
    page.keyboard.press("t")
    expect(page.locator("html.dark")).to_be_attached()
    page.keyboard.press("t")


def make_a_key(visitor: Visit) -> None:
    page = visitor.page
    visitor.go("/settings?tab=keys")
    page.get_by_role("button", name="New key").click()
    page.get_by_label("Name").fill("nightly export")
    page.get_by_role("dialog").get_by_role("button", name="New key").click()
    expect(page.get_by_text(re.compile("^tfk_"))).to_be_visible()
    page.get_by_role("button", name="Close").click()
    row = page.get_by_role("row").filter(has_text="nightly export")
    row.get_by_role("button", name="Revoke").click()
    page.get_by_label("This cannot be undone").fill("nightly export")
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(row).to_have_count(0)


def switch_project(visitor: Visit) -> None:
    page = visitor.page
    page.get_by_label("Project", exact=True).select_option(label="warehouse")
    expect(page.get_by_text("Nothing has run here yet")).to_be_visible()
    page.get_by_role("link", name="Queues").click()
    expect(page.get_by_text("No queues yet")).to_be_visible()
    assert "project=" in page.url
    page.get_by_label("Project", exact=True).select_option(label="default")


def drain_the_worker(visitor: Visit, shown: Scene) -> None:
    page = visitor.page
    visitor.go(f"/workers/{shown.ids['worker']}")
    expect(page.get_by_text("shop.monthly_report").first).to_be_visible()
    page.get_by_role("button", name="Drain").click()
    page.get_by_role("dialog").get_by_role("button", name="Drain").click()
    expect(page.get_by_role("heading", level=1).get_by_text("Draining")).to_be_visible()


def log_out(visitor: Visit) -> None:
    visitor.page.get_by_role("button", name=re.compile("^Log out")).click()
    expect(visitor.page.get_by_role("heading", name="Log in to TaskForge")).to_be_visible()


def see_as_a_viewer(browser: Browser, shown: Scene) -> None:
    """No payload, and no way to change anything."""
    with visit(browser, shown, key=shown.viewer_key) as visitor:
        page = visitor.page
        visitor.go(f"/jobs/{shown.ids['hostile']}")
        expect(page.get_by_text("You may not see payloads").first).to_be_visible()
        assert "knows no address" not in page.locator("body").inner_text()
        for path in ("/jobs", f"/jobs/{shown.ids['waiting']}", "/queues", "/workers", "/tasks"):
            visitor.go(path)
            for name in ("Enqueue", "Retry", "Cancel job", "Delete", "Pause", "New queue", "Drain"):
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
        shown.server.start(port)
        expect(banner).to_have_count(0)
        expect(page.get_by_role("button", name="Live")).to_be_visible()
        page.get_by_role("link", name="Dead letters").first.click()
        expect(page.get_by_role("heading", level=1, name="Dead letters")).to_be_visible()
