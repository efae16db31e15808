"""Scheduled jobs over HTTP: the seed's envelope and paths, and what was added."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from taskforge import BaseScheduledJob, TaskForge
from taskforge.domain.access import Permission
from taskforge.domain.worker import TaskDescription
from tests.api.installation import Client, Installation
from tests.api.test_operations import ended

pytestmark = pytest.mark.anyio
DAILY = {
    "job_id": "daily",
    "task": "t",
    "cron": "30 0 * * *",
    "timezone": "Asia/Jakarta",
    "description": "Each night",
}


@pytest.fixture
async def known(installation: Installation) -> Client:
    """The client of an installation that knows the task ``t``."""
    backend: Any = installation.application.state.backend
    [project] = await backend.projects_of(installation.callers.callers["admin"].organization_id)
    await (await backend.project(project)).declare([TaskDescription("t", "default")])
    return installation.client


async def test_a_schedule_says_what_its_jobs_require(known: Client) -> None:
    wishes = {"requires": {"gpu": ">=1"}, "prefers": {"region": "id"}}
    made = (await known.post("/scheduled-jobs", {**DAILY, **wishes})).json()["data"]
    assert {name: made[name] for name in wishes} == wishes
    ran = (await known.post("/scheduled-jobs/daily/trigger?wait=0")).json()["data"]
    job = (await known.get(f"/jobs/{ran['queue_job_id']}")).json()["data"]
    assert {name: job[name] for name in wishes} == wishes
    await known.patch("/scheduled-jobs/daily", {"prefers": None})
    shown = (await known.get("/scheduled-jobs/daily")).json()["data"]
    assert (shown["requires"], shown["prefers"]) == (wishes["requires"], {})
    refused = await known.patch("/scheduled-jobs/daily", {"requires": {"gpu": ">=x"}})
    assert (refused.status_code, "requires" in refused.text) == (422, True)


async def test_the_life_of_a_schedule(known: Client) -> None:
    made = await known.post("/scheduled-jobs", DAILY)
    assert made.status_code == 201, made.text
    assert made.headers["location"] == "/api/v1/scheduled-jobs/daily"
    listed = (await known.get("/scheduled-jobs", headers={"Accept-Language": "id"})).json()
    assert (listed["status"], listed["message"]) == ("success", "Ditemukan 1 scheduled jobs")
    [one] = listed["data"]
    seed = {"job_id", "name", "description", "next_run", "trigger", "enabled"}
    assert {name: one[name] for name in seed - {"next_run"}} == {
        "job_id": "daily",
        "name": "Each night",
        "description": "Each night",
        "trigger": "cron[hour='0', minute='30']",
        "enabled": True,
    }
    assert one["next_run"].endswith("T00:30:00+07:00")
    assert one["trigger_in_words"] == "pukul 00.30, setiap hari"
    alone = (await known.get("/scheduled-jobs/daily", headers={"Accept-Language": "id"})).json()
    assert alone["message"] == "Detail job berhasil diambil"
    assert alone["data"]["latest_execution"] is None

    at = "/scheduled-jobs/daily"
    changed = await known.patch(
        at, {"interval_seconds": "1h", "priority": 3}, headers={"Prefer": "return=representation"}
    )
    assert (changed.json()["data"]["interval_seconds"], changed.json()["data"]["cron"]) == (3600.0, None)
    stale = await known.patch(at, {"priority": 1}, headers={"If-Match": made.headers["etag"]})
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    assert (await known.post(f"{at}/disable")).status_code == 204
    assert (await known.get(at)).json()["data"]["next_run"] is None
    assert (await known.post(f"{at}/enable")).status_code == 204
    assert (await known.post("/scheduled-jobs/pause")).json()["data"] == {"paused": True, "changed": 1}
    assert (await known.get(at)).json()["data"]["paused_at"] is not None
    assert (await known.post("/scheduled-jobs/resume")).json()["data"] == {"paused": False, "changed": 1}
    assert (await known.post(f"{at}/reset")).status_code == 409
    assert (await known.delete(at)).status_code == 204
    assert (await known.get(at)).status_code == 404
    actions = [entry["action"] for entry in (await known.get("/audit?limit=50")).json()["data"]]
    assert {"schedule.create", "schedule.update", "schedule.disable", "schedule.enable", "schedule.pause",
            "schedule.resume", "schedule.delete"} <= set(actions)  # fmt: skip


async def test_what_is_wrong_is_named(known: Client) -> None:
    for change, pointer in (
        ({"cron": "0 0 30 2 *"}, "/cron"),
        ({"timezone": "Mars/Olympus"}, "/timezone"),
        ({"cron": None, "interval_seconds": 0}, "/interval_seconds"),
        ({"starts_at": "2026-02-01T00:00:00Z", "ends_at": "2026-01-01T00:00:00Z"}, "/ends_at"),
        ({"task": "nobody"}, "/task"),
        ({"calendars": ["none"]}, "/calendars"),
        ({"missed": "maybe"}, "/missed"),
        ({"colour": "red"}, "/colour"),
    ):
        refused = await known.post("/scheduled-jobs", {**DAILY, **change})
        assert refused.status_code == 422, (change, refused.text)
        assert refused.json()["errors"][0]["pointer"] == pointer
    assert (await known.post("/scheduled-jobs", DAILY)).status_code == 201
    assert (await known.post("/scheduled-jobs", DAILY)).status_code == 409


async def test_calendars_preview_and_made_up_for(known: Client) -> None:
    put = await known.send("PUT", "/calendars/rest", json={"weekdays": ["SAT,SUN"]})
    assert put.json()["data"] == {"name": "rest", "dates": [], "weekdays": ["SAT,SUN"]}
    await known.post(
        "/scheduled-jobs", {**DAILY, "cron": "30 2 * * *", "timezone": "Europe/Berlin", "calendars": ["rest"]}
    )
    preview = await known.get("/scheduled-jobs/daily/preview?count=2&after=2024-03-30T12:00:00Z")
    assert preview.json()["data"] == [
        {
            "due_at": "2024-03-31T01:00:00Z",
            "local_time": "2024-03-31T03:00:00+02:00",
            "note": "gap",
            "rests": True,
        },
        {
            "due_at": "2024-04-01T00:30:00Z",
            "local_time": "2024-04-01T02:30:00+02:00",
            "note": None,
            "rests": False,
        },
    ]
    span = {"since": "2026-03-16T00:00:00Z", "until": "2026-03-23T00:00:00Z"}
    filled = await known.post("/scheduled-jobs/daily/backfill", span)
    operation = await ended(known, filled)
    assert (operation["action"], operation["counted"], operation["done"]) == ("backfill", 5, 5)
    again = await ended(known, await known.post("/scheduled-jobs/daily/backfill", span))
    assert (again["done"], again["skipped"], again["status"]) == (0, 5, "succeeded")
    future = {**span, "until": "2999-01-01T00:00:00Z"}
    refused = await known.post("/scheduled-jobs/daily/backfill", future)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/until")
    assert (await known.delete("/calendars/rest")).status_code == 409
    assert (await known.delete("/calendars/other")).status_code == 404
    assert len((await known.get("/calendars")).json()["data"]) == 1


class Nightly(BaseScheduledJob):
    """Fails when it is told to."""

    job_id = "nightly"
    description = "Nightly"
    cron = "30 0 * * *"
    max_retries = 0
    fails = False

    async def execute(self) -> dict[str, Any]:
        if self.fails:
            raise ValueError("no")
        return {"success": True, "message": "Selesai", "data": {"created": 2, "skipped": 1}}


@asynccontextmanager
async def working(url: str, job: Nightly) -> AsyncIterator[None]:
    app = TaskForge(url, poll_seconds=0.2)
    app.register(job)
    async with app.lifespan(worker=True, scheduler=True)(None):
        yield


async def test_triggers_and_history(installation: Installation, database_url: str) -> None:
    client, job = installation.client, Nightly()
    async with working(database_url, job):
        ran = await client.post("/scheduled-jobs/nightly/trigger", headers={"Accept-Language": "id"})
        assert ran.status_code == 200, ran.text
        assert ran.json()["message"] == "Job berhasil dijalankan"
        data = ran.json()["data"]
        assert (data["job_id"], data["success"], data["result"]["data"]["created"]) == ("nightly", True, 2)
        job.fails = True
        failed = (await client.post("/scheduled-jobs/nightly/trigger")).json()["data"]
        assert (failed["success"], failed["result"]) == (False, None)
    path = "/scheduled-jobs/nightly"
    later = await client.post(f"{path}/trigger?wait=0")
    assert later.status_code == 202
    assert later.headers["location"] == f"/api/v1/jobs/{later.json()['data']['queue_job_id']}"
    busy = await client.post(f"{path}/trigger?wait=0")
    assert (busy.status_code, busy.json()["code"]) == (409, "conflict")

    page = (await client.get(f"{path}/history?page=1&limit=2", headers={"Accept-Language": "id"})).json()
    assert page["message"] == "History eksekusi job nightly"
    assert {name: page["meta"][name] for name in ("page", "limit", "total_items", "total_pages")} == {
        "page": 1,
        "limit": 2,
        "total_items": 3,
        "total_pages": 2,
    }
    [good] = (await client.get(f"{path}/history?success=true")).json()["data"]
    assert (good["success"], good["message"], good["result_data"]) == (
        True,
        "Selesai",
        {"created": 2, "skipped": 1},
    )
    assert good["duration_seconds"] == round(good["duration_seconds"], 3)
    [bad] = (await client.get(f"{path}/history?success=false")).json()["data"]
    assert (bad["success"], bad["message"], bad["error_type"]) == (False, "no", "ValueError")
    assert "ValueError" in bad["error_trace"]
    recent = (await client.get("/scheduled-jobs/executions/recent?hours=24")).json()
    assert len(recent["data"]) == 3
    [latest] = (await client.get("/scheduled-jobs/executions/latest?count=2")).json()["data"]
    assert [run["id"] for run in latest["executions"]] == [run["id"] for run in recent["data"][:2]]
    stats = (await client.get(f"{path}/stats")).json()["data"]
    assert (stats["total_runs"], stats["successful_runs"], stats["success_rate"]) == (3, 1, 50.0)
    token = installation.callers.add("viewer", permissions=frozenset({Permission.SCHEDULE_READ}))
    viewer = client.as_(token)
    [shown] = (await viewer.get(f"{path}/history?success=false")).json()["data"]
    assert (shown["error_trace"], shown["message"]) == (None, "no")
    assert (await viewer.post(f"{path}/trigger")).status_code == 403
    assert (await viewer.post(f"{path}/disable")).status_code == 403
