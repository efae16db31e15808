"""Error groups over HTTP."""

from typing import Any

import pytest

from taskforge.domain.access import Permission
from tests.api.installation import Client, Installation
from tests.api.test_jobs import a_worker, make_job, make_queue
from tests.api.test_operations import count, ended

pytestmark = pytest.mark.anyio


async def fail(client: Client, database_url: str, *why: str) -> list[dict[str, Any]]:
    """Jobs that have failed, and are dead letters."""
    graveyard = await make_queue(client, "graveyard")
    await make_queue(client, settings={"dead_letter_queue_id": graveyard})
    made = []
    async with a_worker(database_url):
        for reason in why:
            job = await make_job(
                client,
                "fail",
                queue_name="reports",
                payload={"why": reason},
                tags=["acme"],
                fairness_key="acme",
            )
            assert (await client.get(f"/jobs/{job['id']}/result?wait=20")).status_code == 200
            made.append(job)
    return made


async def test_a_group_is_found_judged_and_redriven(client: Client, database_url: str) -> None:
    made = await fail(client, database_url, "card 17", "card 18", "card 19")
    [group] = (await client.get("/errors")).json()["data"]
    assert (group["error_type"], group["status"], group["count"]) == ("ValueError", "new", 3)
    assert group["frames"] == ["api/test_jobs.py: fail"]
    assert group["job_id"] == made[2]["id"]
    assert group["tasks"] == [{"name": "fail", "count": 3}]
    assert group["queues"] == [{"name": "reports", "count": 3}]
    assert group["tags"] == group["tenants"] == [{"name": "acme", "count": 3}]
    assert group["traceback"] is None
    path = f"/errors/{group['id']}"
    whole = (await client.get(path)).json()["data"]
    assert "raise ValueError(why)" in whole["traceback"]
    assert (await client.post(f"{path}/mute", {"until": "2036-01-01T00:00:00Z"})).status_code == 204
    muted = (await client.get("/errors?status=muted&status=new")).json()["data"]
    assert [found["muted_until"] for found in muted] == ["2036-01-01T00:00:00Z"]
    assert (await client.post(f"{path}/reopen")).status_code == 204
    representation = {"Prefer": "return=representation"}
    resolved = await client.post(f"{path}/resolve", headers=representation)
    assert (resolved.json()["data"]["status"], resolved.json()["data"]["status_by"]) == ("resolved", "admin")
    assert (await client.get("/errors?status=new")).json()["data"] == []
    assert await count(client, fingerprint=group["fingerprint"], status="failed") == 3
    begun = await client.post(f"{path}/redrive", {"per_second": 100, "queue_name": "graveyard"})
    operation = await ended(client, begun)
    assert (operation["counted"], operation["done"]) == (3, 3)
    assert await count(client, queue_name="graveyard", status="pending") == 3
    actions = [entry["action"] for entry in (await client.get("/audit?limit=20")).json()["data"]]
    assert {"error.mute", "error.reopen", "error.resolve", "operation.create", "jobs.retry"} <= set(actions)


async def test_what_a_caller_may_not_read_is_left_out(
    client: Client, installation: Installation, database_url: str
) -> None:
    await fail(client, database_url, "card 17")
    [group] = (await client.get("/errors")).json()["data"]
    assert group["message"] == "card 17"
    watcher = client.as_(installation.callers.add("watcher", permissions=frozenset({Permission.JOB_READ})))
    seen = (await watcher.get(f"/errors/{group['id']}")).json()["data"]
    assert (seen["message"], seen["traceback"], seen["count"]) == (None, None, 1)
    assert (await watcher.post(f"/errors/{group['id']}/resolve")).status_code == 403


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/mute", {"until": "tomorrow"}, 422),
        ("/mute", {"until": "2036-01-01T00:00:00"}, 422),
        ("/redrive", {"per_second": 0}, 422),
        ("/redrive", {"queue_name": "nowhere"}, 404),
        ("/burn", None, 404),
    ],
)
async def test_what_is_wrong_is_said(
    client: Client, database_url: str, path: str, body: Any, status: int
) -> None:
    await fail(client, database_url, "x")
    [group] = (await client.get("/errors")).json()["data"]
    assert (await client.post(f"/errors/{group['id']}{path}", body)).status_code == status
    assert (await client.get("/errors?status=dead")).status_code == 422
