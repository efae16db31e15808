"""Bulk operations, purging and redriving over HTTP."""

from typing import Any
from uuid import uuid4

import pytest

from taskforge.domain.access import Permission
from tests.api.installation import Client, Installation
from tests.api.test_jobs import a_worker, make_job, make_queue
from tests.support.eventually import eventually

pytestmark = pytest.mark.anyio


async def ended(client: Client, begun: Any) -> dict[str, Any]:
    """The operation of an answer, when it is over."""
    assert begun.status_code == 202, begun.text
    path = begun.headers["location"].removeprefix("/api/v1")

    async def look() -> dict[str, Any]:
        found: dict[str, Any] = (await client.get(path)).json()["data"]
        assert found["status"] != "running"
        return found

    return await eventually(look)


async def count(client: Client, **query: str) -> int:
    found: int = (await client.get("/jobs", params=query)).json()["meta"]["total_items"]
    return found


async def test_what_a_filter_chooses_is_counted_first_and_then_done(client: Client) -> None:
    await make_queue(client)
    await make_queue(client, "other")
    for name in ("reports", "reports", "other"):
        await make_job(client, queue_name=name, tags=[name])
    order: dict[str, Any] = {"action": "cancel", "filter": {"queue_name": ["reports"], "status": ["waiting"]}}
    counted = await client.post("/operations", {**order, "dry_run": True})
    assert counted.status_code == 200
    assert counted.json()["data"] == {"action": "cancel", "counted": 2, "counted_or_more": False}
    assert (await client.get("/operations")).json()["data"] == []
    begun = await client.post("/operations", order)
    assert (await ended(client, begun))["done"] == 2
    assert (await count(client, status="cancelled"), await count(client, status="pending")) == (2, 1)
    moved = {"action": "move", "filter": {"tag": "other"}, "queue_name": "reports"}
    assert (await ended(client, await client.post("/operations", moved)))["done"] == 1
    assert await count(client, queue_name="reports") == 3
    deleted = {"action": "delete", "filter": {"status": ["cancelled"]}}
    assert (await ended(client, await client.post("/operations", deleted)))["done"] == 2
    found = (await client.get("/operations")).json()["data"]
    assert [operation["action"] for operation in found] == ["delete", "move", "cancel"]
    assert {operation["created_by"] for operation in found} == {"admin"}
    first = (await client.get("/operations?limit=1")).json()
    rest = (await client.get(f"/operations?limit=2&cursor={first['meta']['next_cursor']}")).json()
    assert [*first["data"], *rest["data"]] == found
    assert (rest["meta"]["has_more"], rest["meta"]["next_cursor"]) == (False, None)
    assert (await client.get("/operations?status=succeeded")).json()["data"] == found
    assert (await client.get("/operations?status=running")).json()["data"] == []


async def test_a_queue_is_purged_of_what_waits(client: Client, installation: Installation) -> None:
    queue_id = await make_queue(client)
    for _ in range(3):
        await make_job(client, queue_name="reports")
    steerer = installation.callers.add("steerer", permissions=frozenset({Permission.JOB_WRITE}))
    assert (await client.as_(steerer).post(f"/queues/{queue_id}/purge")).status_code == 403
    assert (await ended(client, await client.post(f"/queues/{queue_id}/purge")))["done"] == 3
    assert await count(client) == 0


async def test_dead_letters_are_redriven_some_or_all(client: Client, database_url: str) -> None:
    graveyard = await make_queue(client, "graveyard")
    await make_queue(client, settings={"dead_letter_queue_id": graveyard})
    async with a_worker(database_url):
        made = [
            await make_job(client, "fail", queue_name="reports", payload={"why": why}, max_attempts=1)
            for why in ("one", "two", "three")
        ]
        for job in made:
            assert (await client.get(f"/jobs/{job['id']}/result?wait=20")).status_code == 200
    some = await client.post("/dead-letters/redrive", {"queue_id": graveyard, "ids": [made[0]["id"]]})
    assert (await ended(client, some))["done"] == 1
    named = await client.post("/dead-letters/redrive", {"queue_id": graveyard, "error": "two"})
    assert (await ended(client, named))["done"] == 1
    rest = {"queue_id": graveyard, "target_queue_name": "graveyard", "per_second": 100}
    assert (await ended(client, await client.post("/dead-letters/redrive", rest)))["done"] == 1
    assert (await count(client, queue_name="reports"), await count(client, queue_name="graveyard")) == (2, 1)
    assert await count(client, status="pending") == 3


async def test_one_that_runs_is_stopped(client: Client) -> None:
    await make_queue(client)
    for _ in range(4):
        await make_job(client, queue_name="reports")
    order = {"action": "cancel", "filter": {"queue_name": ["reports"]}, "per_second": 1}
    begun = await client.post("/operations", order)
    path = begun.headers["location"].removeprefix("/api/v1")
    for _ in range(2):
        assert (await client.post(f"{path}/cancel")).status_code == 204
    stopped = await ended(client, begun)
    assert (stopped["status"], stopped["counted"]) == ("cancelled", 4)
    assert stopped["done"] < 4


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"action": "cancel", "filter": {}}, 422),
        ({"action": "cancel"}, 422),
        ({"action": "burn", "filter": {"tag": "a"}}, 422),
        ({"action": "cancel", "filter": {"status": ["succeeded"]}}, 422),
        ({"action": "cancel", "filter": {"status": ["dead"]}}, 422),
        ({"action": "move", "filter": {"tag": "a"}}, 422),
        ({"action": "delete", "filter": {"tag": "a"}, "queue_name": "reports"}, 422),
        ({"action": "cancel", "filter": {"tag": "a"}, "per_second": 0}, 422),
        ({"action": "cancel", "filter": {"queue_name": ["nowhere"]}}, 404),
        ({"action": "cancel", "filter": {"queue_id": [str(uuid4())]}}, 404),
        ({"action": "cancel", "filter": {"dead_letter_queue_id": str(uuid4())}}, 404),
        ({"action": "move", "filter": {"tag": "a"}, "queue_id": str(uuid4())}, 404),
    ],
)
async def test_what_is_wrong_with_an_order_is_said(
    client: Client, wrong: dict[str, Any], status: int
) -> None:
    await make_queue(client)
    assert (await client.post("/operations", wrong)).status_code == status
