"""What an operator does at the dashboard, step by step, in whichever language the visitor reads."""

import re

from playwright.sync_api import expect

from tests.conftest import SOAK
from tests.dashboard.browser import Visit
from tests.dashboard.scene import Scene


def work(visitor: Visit, shown: Scene, *, rate: int) -> None:
    """All of it, from the login on. ``rate``: what the billing queue is set to."""
    visitor.page.goto(f"{shown.url}/jobs/{shown.ids['failing']}")
    log_in(visitor, shown)
    mend_a_failed_job(visitor)
    find_jobs(visitor)
    act_on_all_that_match(visitor)
    pause_a_queue(visitor, shown)
    change_settings_of_a_queue(visitor, shown, rate)
    tell_when_it_ends(visitor, shown)
    ask_for_what_is_not_there(visitor)
    redrive_dead_letters(visitor)
    enqueue(visitor)
    steer_a_schedule(visitor, shown)
    assign_workers(visitor, shown)
    judge_an_error(visitor)
    set_how_a_queue_scales(visitor)
    try_a_policy(visitor)
    watch_a_queue(visitor)
    pause_a_task(visitor)
    turn_a_breaker(visitor)
    read_insights(visitor)
    move_by_keys(visitor, shown)
    make_a_key(visitor)
    switch_project(visitor)


def log_in(visitor: Visit, shown: Scene) -> None:
    assert visitor.faults() == []
    fill_in(visitor, shown, "not the password")
    expect(visitor.page.get_by_role("alert")).to_be_visible()
    fill_in(visitor, shown, shown.password)
    expect(visitor.page.get_by_role("heading", name="shop.send_mail")).to_be_visible()


def fill_in(visitor: Visit, shown: Scene, password: str) -> None:
    page, say = visitor.page, visitor.say
    page.get_by_label(say("login.email")).fill(shown.email)
    page.get_by_label(say("login.password")).fill(password)
    page.get_by_role("button", name=say("login.log_in")).click()


def mend_a_failed_job(visitor: Visit) -> None:
    """A deep link survives the login; a wrong payload is seen, mended and run again, and the page follows."""
    page, say = visitor.page, visitor.say
    expect(page.get_by_text("smtp.example.com knows no address").first).to_be_visible()
    page.get_by_text("Traceback").first.click()
    expect(page.get_by_text("in send_mail").first).to_be_visible()
    page.get_by_role("button", name=say("retry.open")).click()
    payload = page.get_by_role("dialog").get_by_role("textbox")
    payload.fill("{not json")
    expect(page.get_by_role("alert")).to_be_visible()
    payload.fill('{"to": "somebody@example.com", "subject": "Your invoice"}')
    page.get_by_role("dialog").get_by_role("button", name=say("action.retry")).click()
    expect(visitor.state("succeeded")).to_be_visible()
    expect(page.get_by_text('"sent": true')).to_be_visible()


def find_jobs(visitor: Visit) -> None:
    """Filters are in the address; what came from outside is text."""
    page, say = visitor.page, visitor.say
    page.get_by_role("link", name=say("nav.jobs")).click()
    bar = page.get_by_role("combobox", name=say("filter.label"))
    bar.fill("task:send")
    page.get_by_role("option", name="task:shop.send_mail").click()
    bar.fill("args.to:<script>window.hurt = 1</script>")
    bar.press("Enter")
    assert "type=shop.send_mail" in page.url
    region = page.get_by_role("region", name=say("nav.jobs"))
    # in a soak a hundred thousand newer jobs are looked through first, and how many fit is not counted
    if not SOAK:
        expect(page.get_by_text(re.compile(r"^1–(\d) \w+ \1$"))).to_be_visible()
    region.get_by_role("link", name="shop.send_mail").first.click()
    expect(page.get_by_text("<script>window.hurt = 1</script>").first).to_be_visible()
    expect(page.get_by_text("<U+202E>").first).to_be_visible()
    assert page.evaluate("window.hurt") is None


def act_on_all_that_match(visitor: Visit) -> None:
    page, say = visitor.page, visitor.say
    visitor.go("/jobs?status=succeeded")
    with page.expect_download() as download:
        page.get_by_role("button", name=say("export.label")).click()
    assert "shop.charge" in download.value.path().read_text("utf-8")
    page.get_by_label(say("jobs.select_all")).check()
    expect(page.get_by_role("button", name=visitor.has("live.held"))).to_be_visible()
    page.get_by_role("button", name=say("bulk.take_all")).click()
    page.get_by_role("button", name=say("action.delete")).click()
    dialog = page.get_by_role("dialog")
    count = re.search(r"([\d,.]+) job", dialog.get_by_text(visitor.has("bulk.delete_will")).inner_text())
    assert count is not None
    expect(dialog.get_by_role("button", name=say("bulk.delete"))).to_be_disabled()
    dialog.get_by_role("textbox").fill(count[1])
    dialog.get_by_role("button", name=say("bulk.delete")).click()
    none_left = re.compile(f"{visitor.word('status.succeeded')} 0$")
    expect(page.get_by_role("tab", name=none_left)).to_be_visible()

    visitor.go("/jobs?status=scheduled")
    region = page.get_by_role("region", name=say("nav.jobs"))
    region.get_by_role("link", name="shop.add").first.click()
    page.get_by_role("button", name=say("action.cancel_job")).click()
    expect(visitor.state("cancelled")).to_be_visible()
    page.get_by_role("button", name=say("action.undo")).click()
    expect(visitor.state("cancelled")).not_to_be_visible()


def pause_a_queue(visitor: Visit, shown: Scene) -> None:
    page, say = visitor.page, visitor.say
    page.get_by_role("link", name=say("nav.queues")).click()
    row = page.get_by_role("row").filter(has_text="imports")
    expect(row.get_by_text(visitor.has("attention.unserved"))).to_be_visible()
    row.get_by_role("button", name=say("queues.pause")).click()
    page.get_by_label(say("queues.pause_reason")).fill("the disk is full")
    page.get_by_role("dialog").get_by_role("button", name=say("queues.pause")).click()
    expect(row.get_by_text(visitor.has("status.paused"))).to_be_visible()
    visitor.go(f"/jobs/{shown.ids['waiting']}")
    expect(page.get_by_text(visitor.has("why.queue_paused"))).to_be_visible()
    expect(page.get_by_text("the disk is full")).to_be_visible()
    visitor.go("/queues")
    row.get_by_role("button", name=say("queues.resume")).click()
    expect(row.get_by_text(visitor.has("status.active"))).to_be_visible()


def change_settings_of_a_queue(visitor: Visit, shown: Scene, rate: int) -> None:
    page, say = visitor.page, visitor.say
    visitor.go(f"/queues/{shown.ids['queue']}")
    field = page.get_by_label(say("setting.rate_limit"))
    field.fill("0")
    page.get_by_role("button", name=say("action.save")).click()
    expect(page.get_by_role("alert").first).to_be_visible()
    field.fill(str(rate))
    page.get_by_role("button", name=say("action.save")).click()
    expect(page.get_by_text(say("queue.saved"))).to_be_visible()
    assert shown.call("GET", f"/queues/{shown.ids['queue']}")["settings"]["rate_limit"] == rate


def tell_when_it_ends(visitor: Visit, shown: Scene) -> None:
    """Of the jobs of a queue, and of one that runs."""
    page, say = visitor.page, visitor.say
    queue = f"/queues/{shown.ids['imports']}"
    visitor.go(queue)
    told = page.get_by_role("group", name=say("setting.notify"))
    told.get_by_label("operations").check()
    page.get_by_role("group", name=say("setting.notify_on")).get_by_label(say("status.failed")).check()
    page.get_by_role("button", name=say("action.save")).click()
    expect(page.get_by_text(say("queue.saved"))).to_be_visible()
    assert shown.call("GET", queue)["settings"]["notify_on"] == ["failed"]
    told.get_by_label("operations").uncheck()
    page.get_by_role("button", name=say("action.save")).click()
    expect(page.get_by_role("button", name=say("action.save"))).to_be_disabled()
    assert not shown.call("GET", queue)["settings"].get("notify")
    visitor.go(f"/jobs/{shown.ids['running']}")
    page.get_by_role("button", name=say("notice.open")).click()
    page.get_by_role("dialog").get_by_label("operations").check()
    page.get_by_role("dialog").get_by_role("button", name=say("notice.submit")).click()
    expect(page.get_by_text(say("notice.saved"))).to_be_visible()


def ask_for_what_is_not_there(visitor: Visit) -> None:
    """The page says so, with a way back; a form says itself what the server refuses."""
    page, say = visitor.page, visitor.say
    visitor.go("/queues")
    visitor.turn("/jobs/00000000-0000-7000-8000-00000000dead")
    expect(page.get_by_role("heading", level=1, name=say("problem.not_found"))).to_be_visible()
    page.get_by_role("button", name=say("problem.back")).click()
    page.get_by_role("button", name=say("queues.new")).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label(say("queues.name")).fill("billing")
    dialog.get_by_role("button", name=say("queues.make")).click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name=say("queues.new"))).to_be_focused()


def redrive_dead_letters(visitor: Visit) -> None:
    page, say = visitor.page, visitor.say
    page.get_by_role("link", name=say("nav.dead_letters")).first.click()
    group = page.get_by_role("listitem").filter(has_text="CardDeclined").first
    expect(group.get_by_text(say("dead.count"))).to_be_visible()
    group.get_by_role("button", expanded=False).first.click()
    expect(group.get_by_role("button", name=say("dead.redrive")).first).to_be_visible()
    group.get_by_role("button", name=say("dead.redrive_group")).click()
    page.get_by_role("dialog").get_by_role("button", name=say("dead.redrive")).click()
    expect(page.get_by_text(say("dead.begun"))).to_be_visible()


def enqueue(visitor: Visit) -> None:
    page, say = visitor.page, visitor.say
    visitor.go("/tasks?enqueue=shop.add")
    page.get_by_label("a *").fill("20")
    page.get_by_label("b *").fill("22")
    page.get_by_role("dialog").get_by_role("button", name=say("enqueue.submit")).click()
    expect(visitor.state("succeeded")).to_be_visible()
    expect(page.get_by_text("42", exact=True)).to_be_visible()


def steer_a_schedule(visitor: Visit, shown: Scene) -> None:
    """Rests, runs by hand, is changed against the code, and goes back to it."""
    page, say = visitor.page, visitor.say
    page.get_by_role("link", name=say("nav.schedules")).click()
    row = page.get_by_role("row").filter(has_text="shop.close_books")
    switch = row.get_by_role("switch")
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "false")
    page.get_by_role("button", name=say("action.undo")).click()
    expect(switch).to_have_attribute("aria-checked", "true")
    row.get_by_role("link", name="shop.close_books").click()
    entries = page.get_by_role("listitem").filter(has=page.get_by_text(visitor.has("tick_cause.manual")))
    expect(entries.first).to_be_visible()
    before = entries.count()
    page.get_by_role("button", name=say("schedules.run_now")).click()
    expect(entries).to_have_count(before + 1)
    entry = entries.first
    expect(entry.get_by_text(visitor.has("status.succeeded"))).to_be_visible()
    entry.get_by_role("button").click()
    expect(entry.get_by_text('"closed": true')).to_be_visible()
    page.get_by_role("button", name=say("action.edit")).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label(say("schedule_trigger.cron")).fill("not cron")
    dialog.get_by_role("button", name=say("action.save")).click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    dialog.get_by_label(say("schedule_trigger.cron")).fill("0 6 * * 1")
    dialog.get_by_role("button", name=say("action.save")).click()
    drift = page.get_by_role("region", name=say("drift.title"))
    expect(drift.get_by_text("30 2 * * *")).to_be_visible()
    assert shown.call("GET", "/scheduled-jobs/shop.close_books")["cron"] == "0 6 * * 1"
    page.get_by_role("button", name=say("drift.reset")).click()
    expect(drift).to_have_count(0)
    page.get_by_role("button", name=say("backfill.open")).click()
    dialog.get_by_role("button", name=say("backfill.submit")).click()
    expect(page.get_by_text(say("backfill.begun"))).to_be_visible()


def assign_workers(visitor: Visit, shown: Scene) -> None:
    """A weight is changed where it stands; an assignment is made, and taken back."""
    page, say = visitor.page, visitor.say
    page.get_by_role("link", name=say("nav.assignments")).click()
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="default"))
    weight = row.get_by_role("spinbutton")
    before = weight.input_value()
    weight.fill("7" if before != "7" else "8")
    weight.press("Enter")
    expect(page.get_by_text(say("assignments.saved"))).to_be_visible()
    assert before not in [
        str(one["weight"]) for one in shown.call("GET", "/assignments") if one["queue_name"] == "default"
    ]
    page.get_by_role("button", name=say("assignments.new")).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox", name=say("job.queue")).select_option("imports")
    dialog.get_by_role("combobox", name=say("assignments.who")).fill("night-*")
    dialog.get_by_role("button", name=say("assignments.assign")).click()
    made = page.get_by_role("row").filter(has_text="night-*")
    made.get_by_role("button", name=visitor.has("assignments.remove")).click()
    expect(made).to_have_count(0)


def judge_an_error(visitor: Visit) -> None:
    page, say = visitor.page, visitor.say
    page.get_by_role("link", name=say("nav.errors")).click()
    page.get_by_role("link").filter(has_text="CardDeclined").first.click()
    expect(page.get_by_role("heading", level=1).get_by_text("CardDeclined")).to_be_visible()
    expect(page.get_by_text("in charge").first).to_be_visible()
    page.get_by_role("button", name=say("errors.mute")).click()
    expect(visitor.state("muted")).to_be_visible()
    page.get_by_role("button", name=say("errors.reopen")).click()
    expect(visitor.state("new")).to_be_visible()


def set_how_a_queue_scales(visitor: Visit) -> None:
    page, say = visitor.page, visitor.say
    page.get_by_role("link", name=say("nav.scaling")).click()
    page.get_by_role("button", name=say("scaling.new")).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox", name=say("job.queue")).select_option(label="billing")
    dialog.get_by_label(say("policy.min_workers")).fill("9")
    dialog.get_by_label(say("policy.max_workers")).fill("2")
    dialog.get_by_role("button", name=say("action.save")).click()
    expect(dialog.get_by_role("alert").first).to_be_visible()
    dialog.get_by_label(say("policy.min_workers")).fill("1")
    dialog.get_by_role("button", name=say("action.save")).click()
    row = page.get_by_role("row").filter(has_text="billing")
    row.get_by_role("button", name=say("action.delete")).click()
    dialog.get_by_role("textbox").fill("billing")
    dialog.get_by_role("button", name=say("action.delete")).click()
    expect(row).to_have_count(0)


def try_a_policy(visitor: Visit) -> None:
    """On what a queue has done, then on arrivals of one's own with fewer workers."""
    page, say = visitor.page, visitor.say
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="mail", exact=True))
    row.get_by_role("link", name=say("simulator.try")).click()
    replay = page.get_by_role("button", name=say("simulator.replay"))
    replay.click()
    expect(page.get_by_role("figure", name=say("simulator.backlog"))).to_be_visible()
    page.get_by_role("combobox", name=say("simulator.arrivals")).select_option("own")
    trace = page.get_by_role("textbox", name=say("simulator.trace"))
    trace.fill("0,many")
    expect(replay).to_be_disabled()
    trace.fill("0,400,2")
    page.get_by_label(say("policy.max_workers")).fill("1")
    replay.click()
    expect(
        page.get_by_role("cell", name="0 → 1").first
    ).to_be_visible()  # as often as the queue is served empty
    expect(page.get_by_text(visitor.has("simulator.before")).first).to_be_visible()


def watch_a_queue(visitor: Visit) -> None:
    """A rule is made, silenced, and removed."""
    page, say = visitor.page, visitor.say
    visitor.go("/alerts?tab=rules")
    page.get_by_role("button", name=say("rules.new")).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label(say("queues.name")).fill("Too many failures")
    dialog.get_by_role("button", name=say("action.save")).click()
    row = page.get_by_role("row").filter(has_text="Too many failures")
    expect(row.get_by_role("switch")).to_have_attribute("aria-checked", "true")
    page.get_by_role("tab", name=say("alerts.tab_silences")).click()
    page.get_by_role("button", name=say("silences.new")).click()
    dialog.get_by_role("combobox", name=say("silences.rule")).select_option(label="Too many failures")
    dialog.get_by_label(say("silences.reason")).fill("known")
    dialog.get_by_role("button", name=say("silences.open")).click()
    expect(row.get_by_text("known")).to_be_visible()
    page.get_by_role("tab", name=say("alerts.tab_rules")).click()
    row.get_by_role("button", name=say("action.delete")).click()
    dialog.get_by_role("textbox").fill("Too many failures")
    dialog.get_by_role("button", name=say("action.delete")).click()
    expect(row).to_have_count(0)


def pause_a_task(visitor: Visit) -> None:
    page, say = visitor.page, visitor.say
    visitor.go("/tasks")
    row = page.get_by_role("row").filter(has_text="shop.charge")
    row.get_by_role("button", name=say("queues.pause")).click()
    page.get_by_label(say("queues.pause_reason")).fill("the bank is closed")
    page.get_by_role("dialog").get_by_role("button", name=say("queues.pause")).click()
    expect(page.get_by_text("the bank is closed")).to_be_visible()
    row.get_by_role("button", name=say("queues.resume")).click()
    expect(page.get_by_text("the bank is closed")).to_have_count(0)


def turn_a_breaker(visitor: Visit) -> None:
    """It is set, opened and closed by hand with a reason, and removed."""
    page, say = visitor.page, visitor.say
    page.get_by_role("button", name=say("breakers.new")).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox", name=say("job.task")).select_option("shop.charge")
    rate = dialog.get_by_label(say("breaker.failure_rate"))
    rate.fill("150")
    dialog.get_by_role("button", name=say("action.save")).click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    rate.fill("99.5")
    dialog.get_by_role("button", name=say("action.save")).click()
    breakers = page.get_by_role("table", name=say("breakers.title"))
    row = breakers.get_by_role("row").filter(has_text="shop.charge")
    for turn, state in (("open", "breaker_open"), ("close", "breaker_closed")):
        row.get_by_role("button", name=say(f"breakers.{turn}")).click()
        dialog.get_by_label(say("queues.pause_reason")).fill(f"the bank said {turn}")
        dialog.get_by_role("button", name=say(f"breakers.{turn}")).click()
        expect(row.get_by_text(visitor.word(f"status.{state}"))).to_be_visible()
        expect(row.get_by_text(f"the bank said {turn}")).to_be_visible()
    row.get_by_role("button", name=say("action.delete")).click()
    dialog.get_by_role("textbox").fill("shop.charge")
    dialog.get_by_role("button", name=say("action.delete")).click()
    expect(row).to_have_count(0)


def read_insights(visitor: Visit) -> None:
    page, say = visitor.page, visitor.say
    page.get_by_role("link", name=say("nav.insights")).click()
    page.get_by_label(say("overview.period")).select_option("6")
    page.wait_for_url("**hours=6**")
    expect(page.get_by_role("link", name="shop.charge")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV: task").click()
    lines = download.value.path().read_text("utf-8").splitlines()
    assert lines[0].startswith("task,total_executions,successful_executions,failed_executions,p50_wait_ms")
    assert any(line.startswith("shop.charge,") for line in lines)


def move_by_keys(visitor: Visit, shown: Scene) -> None:
    page, say = visitor.page, visitor.say
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name=say("help.title"))).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("w")
    expect(page.get_by_role("heading", name=say("nav.workers"))).to_be_visible()
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name=say("palette.title")).fill("billing-d")
    expect(page.get_by_role("option", name="billing-dead")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="billing-dead")).to_be_visible()
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name=say("palette.title")).fill(shown.ids["running"][-8:])
    page.get_by_role("option", name="shop.monthly_report").click()
    expect(page.get_by_role("heading", level=1, name="shop.monthly_report")).to_be_visible()
    page.keyboard.press("l")
    expect(page.get_by_role("button", name=say("live.paused"))).to_be_visible()
    page.keyboard.press("l")
    expect(page.get_by_role("button", name=say("live.live"))).to_be_visible()
    page.keyboard.press("t")
    expect(page.locator("html.dark")).to_be_attached()
    page.keyboard.press("t")


def make_a_key(visitor: Visit) -> None:
    page, say = visitor.page, visitor.say
    visitor.go("/settings?tab=keys")
    page.get_by_role("button", name=say("keys.new")).click()
    page.get_by_label(say("queues.name")).fill("nightly export")
    page.get_by_role("dialog").get_by_role("button", name=say("keys.new")).click()
    expect(page.get_by_text(re.compile("^tfk_"))).to_be_visible()
    page.get_by_role("button", name=say("action.close")).click()
    row = page.get_by_role("row").filter(has_text="nightly export")
    row.get_by_role("button", name=say("keys.revoke")).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("nightly export")
    dialog.get_by_role("button", name=say("keys.revoke")).click()
    expect(row).to_have_count(0)


def switch_project(visitor: Visit) -> None:
    page, say = visitor.page, visitor.say
    projects = page.get_by_label(say("project.switch"))
    projects.select_option(label="warehouse")
    expect(page.get_by_text(say("first.title"))).to_be_visible()
    page.get_by_role("link", name=say("nav.queues")).click()
    expect(page.get_by_text(say("queues.none"))).to_be_visible()
    assert "project=" in page.url
    projects.select_option(label="default")


def drain_the_worker(visitor: Visit, shown: Scene) -> None:
    page, say = visitor.page, visitor.say
    visitor.go(f"/workers/{shown.ids['worker']}")
    expect(page.get_by_text("shop.monthly_report").first).to_be_visible()
    page.get_by_role("button", name=say("workers.drain")).click()
    page.get_by_role("dialog").get_by_role("button", name=say("workers.drain")).click()
    expect(visitor.state("draining")).to_be_visible()


def log_out(visitor: Visit) -> None:
    visitor.page.get_by_role("button", name=visitor.say("login.log_out")).click()
    expect(visitor.page.get_by_role("heading", name=visitor.say("login.title"))).to_be_visible()
