"""Queues over HTTP."""

from uuid import uuid4

import pytest

from tests.api.installation import Client

pytestmark = pytest.mark.anyio


async def test_the_life_of_a_queue(client: Client) -> None:
    made = await client.post("/queues", {"name": "reports", "priority": 3, "settings": {"max_retries": 2}})
    assert made.status_code == 201
    queue = made.json()["data"]
    assert made.headers["location"] == f"/api/v1/queues/{queue['id']}"
    assert made.json()["status"] == "success"
    assert (queue["name"], queue["priority"], queue["is_active"]) == ("reports", 3, True)
    assert queue["settings"]["max_retries"] == 2
    at = f"/queues/{queue['id']}"

    assert (await client.post(f"{at}/pause")).status_code == 204
    paused = (await client.get(at)).json()["data"]
    assert (paused["is_active"], paused["state"], paused["paused_by"]) == (False, "paused", "admin")
    assert (await client.post(f"{at}/resume")).status_code == 204

    change = {"priority": 9, "settings": {"max_retries": None, "rate_limit": 60}}
    changed = await client.patch(at, change, headers={"Prefer": "return=representation"})
    assert changed.status_code == 200
    assert changed.headers["preference-applied"] == "return=representation"
    assert changed.json()["data"]["settings"]["max_retries"] is None
    assert changed.json()["data"]["settings"]["rate_limit"] == 60

    answer = await client.get(f"{at}/stats")
    seen = {"If-None-Match": answer.headers["etag"]}
    assert (await client.get(f"{at}/stats", headers=seen)).status_code == 304
    stats = answer.json()["data"]
    assert stats["total_count"] == 0
    assert stats["queue_id"] == queue["id"]

    assert (await client.delete(at)).status_code == 204
    assert (await client.get(at)).status_code == 404


async def test_a_list_has_the_seeds_meta(client: Client) -> None:
    for number in range(5):
        await client.post("/queues", {"name": f"q{number}"})
    first = (await client.get("/queues?page=1&limit=2")).json()
    assert [queue["name"] for queue in first["data"]] == ["q0", "q1"]
    assert {key: first["meta"][key] for key in ("page", "limit", "total_items", "total_pages")} == {
        "page": 1,
        "limit": 2,
        "total_items": 5,
        "total_pages": 3,
    }
    last = (await client.get("/queues?offset=4&limit=2")).json()
    assert [queue["name"] for queue in last["data"]] == ["q4"]
    bare = await client.get("/queues?limit=2", headers={"Prefer": "envelope=none"})
    assert [queue["name"] for queue in bare.json()] == ["q0", "q1"]
    assert bare.headers["x-total-count"] == "5"


async def test_what_is_wrong_is_named(client: Client) -> None:
    wrong = await client.post("/queues", {"name": "q", "settings": {"rate_limit": 0}})
    assert wrong.status_code == 422
    assert wrong.headers["content-type"] == "application/problem+json"
    problem = wrong.json()
    assert problem["code"] == "invalid_setting"
    assert problem["errors"][0]["pointer"] == "/rate_limit"
    assert problem["request_id"] == wrong.headers["x-request-id"]
    taken = [await client.post("/queues", {"name": "q"}) for _ in range(2)][1]
    assert (taken.status_code, taken.json()["code"]) == (409, "conflict")


async def test_a_change_of_another_version_is_refused(client: Client) -> None:
    made = await client.post("/queues", {"name": "q"})
    at, seen = f"/queues/{made.json()['data']['id']}", made.headers["etag"]
    assert (await client.patch(at, {"priority": 1}, headers={"If-Match": seen})).status_code == 204
    stale = await client.patch(at, {"priority": 2}, headers={"If-Match": seen})
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    assert (await client.get(at)).json()["data"]["priority"] == 1


async def test_a_dead_letter_queue_is_one_of_the_project_and_leads_nowhere_back(client: Client) -> None:
    dead = (await client.post("/queues", {"name": "dead"})).json()["data"]["id"]
    made = await client.post("/queues", {"name": "q", "settings": {"dead_letter_queue_id": dead}})
    queue = made.json()["data"]["id"]
    circle = await client.patch(f"/queues/{dead}", {"settings": {"dead_letter_queue_id": queue}})
    assert circle.status_code == 422
    unknown = await client.patch(f"/queues/{dead}", {"settings": {"dead_letter_queue_id": str(uuid4())}})
    assert unknown.status_code == 422


async def test_what_all_queues_hold(client: Client) -> None:
    for number in range(3):
        await client.post(
            "/jobs", {"job_type": "unknown", "queue_name": await _queue(client, "a"), "payload": number}
        )
    await _queue(client, "b")

    depths = (await client.get("/metrics/depths")).json()["data"]

    assert {(one["queue_name"], one["held"] + one["ready"]) for one in depths} == {("a", 3), ("b", 0)}
    counts = (await client.get("/jobs/counts")).json()["data"]
    assert counts["counts"]["pending"] == 3
    assert counts["bounded"] == []


async def _queue(client: Client, name: str) -> str:
    await client.post("/queues", {"name": name})
    return name
