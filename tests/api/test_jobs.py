"""Jobs over HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from taskforge import TaskForge
from taskforge.domain.access import Permission
from taskforge.domain.ids import QueueId
from tests.api.installation import Client, Installation

pytestmark = pytest.mark.anyio


async def make_queue(client: Client, name: str = "reports", **values: Any) -> str:
    made = await client.post("/queues", {"name": name, **values})
    assert made.status_code == 201, made.text
    queue_id: str = made.json()["data"]["id"]
    return queue_id


async def make_job(client: Client, job_type: str = "send", **values: Any) -> dict[str, Any]:
    made = await client.post("/jobs", {"job_type": job_type, **values})
    assert made.status_code == 201, made.text
    data: dict[str, Any] = made.json()["data"]
    return data


@asynccontextmanager
async def a_worker(url: str) -> AsyncIterator[TaskForge]:
    """A worker of another program, on the same database."""
    app = TaskForge(url, poll_seconds=0.05, poll_without_hints_seconds=0.05)

    @app.task(queue="reports", name="add")
    async def add(a: int, b: int) -> int:
        return a + b

    @app.task(queue="reports", name="fail", max_attempts=1)
    async def fail(why: str = "boom") -> None:
        raise ValueError(why)

    async with app, app.worker(concurrency=4):
        yield app


async def test_a_job_is_made_by_the_name_or_the_id_of_its_queue(client: Client) -> None:
    queue_id = await make_queue(client)
    by_name = await make_job(client, queue_name="reports", payload={"to": "x"}, priority=7, tags=["a"])
    by_id = await make_job(client, queue_id=queue_id, max_attempts=5)
    assert by_name["queue_id"] == by_id["queue_id"] == queue_id
    assert (by_name["status"], by_name["priority"], by_name["payload"], by_name["tags"]) == (
        "pending",
        7,
        {"to": "x"},
        ["a"],
    )
    assert by_name["hold"] == "no_worker"
    assert by_id["max_attempts"] == 5
    found = await client.get(f"/jobs/{by_name['id']}")
    assert found.json()["data"] == by_name


async def test_what_is_wrong_with_a_job_is_named(client: Client) -> None:
    await make_queue(client)
    unknown = await client.post("/jobs", {"job_type": "send", "queue_name": "report"})
    assert unknown.status_code == 404
    assert "reports" in unknown.json()["hint"]
    for wrong, pointer in (
        ({"priority": 10}, "/priority"),
        ({"priority": True}, "/priority"),
        ({"priority": "1"}, "/priority"),
        ({"max_attempts": 0}, "/max_attempts"),
        ({"scheduled_for": "2026-01-05T09:00:00"}, "/scheduled_for"),
        ({"scheduled_for": 12}, "/scheduled_for"),
        ({"tags": ["x"] * 21}, "/tags"),
        ({"tags": [1]}, "/tags/0"),
        ({"status": "succeeded"}, ""),
        ({"timeout_ms": 0}, "/timeout_ms"),
    ):
        refused = await client.post("/jobs", {"job_type": "send", "queue_name": "reports", **wrong})
        assert refused.status_code == 422, wrong
        assert refused.json()["errors"][0]["pointer"] == pointer
    assert (await client.post("/jobs", {"queue_name": "reports"})).status_code == 422
    assert (await client.get("/jobs")).json()["meta"]["total_items"] == 0


async def test_a_bulk_is_all_or_nothing(client: Client) -> None:
    await make_queue(client)
    good = [{"job_type": "send", "queue_name": "reports", "payload": {"n": n}} for n in range(1000)]
    made = await client.post("/jobs/bulk", {"jobs": good})
    assert made.status_code == 201, made.text
    assert len({job["id"] for job in made.json()["data"]}) == 1000
    for spoilt in ({"queue_name": "nowhere"}, {"queue_id": str(uuid4())}, {"priority": 11}):
        refused = await client.post("/jobs/bulk", {"jobs": [*good[:2], {**good[2], **spoilt}]})
        assert refused.status_code in (404, 422)
    assert (await client.post("/jobs/bulk", {"jobs": [*good, good[0]]})).status_code == 422
    assert (await client.post("/jobs/bulk", {"jobs": []})).status_code == 422
    stats = await client.get("/jobs?limit=1")
    assert stats.json()["meta"]["total_items"] == 1000


async def test_lists_are_filtered_and_paged(client: Client) -> None:
    reports, mails = await make_queue(client), await make_queue(client, "mails")
    for n in range(7):
        payload = {"customer": {"id": n % 2}, "name": f"n{n}"}
        await make_job(client, queue_id=reports, payload=payload, tags=["odd"] if n % 2 else [])
    await make_job(client, "other", queue_id=mails)
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    scheduled = await make_job(client, queue_id=mails, scheduled_for=later)

    async def total(query: str) -> int:
        found = await client.get(f"/jobs?{query}")
        assert found.status_code == 200, found.text
        assert len(found.json()["data"]) == found.json()["meta"]["total_items"]
        count: int = found.json()["meta"]["total_items"]
        return count

    assert await total("") == 9
    assert await total(f"queue_id={reports}") == 7
    assert await total("queue_name=mails") == 2
    assert await total("queue_name=nowhere") == 0
    assert await total("status=scheduled") == 1
    assert await total("status=waiting") == 9
    assert await total("status=active&status=completed") == 0
    assert await total("job_type=other") == 1
    assert await total("tag=odd") == 3
    assert await total("payload_path=customer.id&payload_value=1") == 3
    assert await total("payload_path=name&payload_value=n3") == 1
    assert await total("payload_path=customer.id&payload_value=%221%22") == 0
    assert await total(f"scheduled_from={datetime.now(UTC).isoformat().replace('+', '%2B')}") == 1
    assert (await client.get("/jobs?status=nonsense")).status_code == 422
    assert (await client.get("/jobs?created_from=2026-01-01")).status_code == 422
    assert (await client.get("/jobs?limit=201")).status_code == 422
    assert (await client.get("/jobs?page=0")).status_code == 422
    listed = (await client.get(f"/queues/{mails}/jobs")).json()["data"]
    assert scheduled["id"] in {job["id"] for job in listed}


async def test_pages_and_cursors_show_every_job_once(client: Client) -> None:
    queue_id = await make_queue(client)
    made = [(await make_job(client, queue_id=queue_id))["id"] for _ in range(7)]
    by_page: list[str] = []
    for page in (1, 2, 3):
        answer = (await client.get(f"/jobs?limit=3&page={page}")).json()
        by_page += [job["id"] for job in answer["data"]]
        assert (answer["meta"]["total_items"], answer["meta"]["total_pages"]) == (7, 3)
        assert answer["meta"]["has_more"] is (page < 3)
    by_cursor: list[str] = []
    query = "limit=3"
    while True:
        answer = (await client.get(f"/jobs?{query}")).json()
        by_cursor += [job["id"] for job in answer["data"]]
        if answer["meta"]["next_cursor"] is None:
            break
        query = f"limit=3&cursor={answer['meta']['next_cursor']}"
    assert by_page == by_cursor == made[::-1]


async def test_a_cursor_is_good_for_its_own_list_only(client: Client, installation: Installation) -> None:
    queue_id = await make_queue(client)
    for _ in range(3):
        await make_job(client, queue_id=queue_id)
    cursor = (await client.get("/jobs?limit=1")).json()["meta"]["next_cursor"]
    other = installation.callers.add("other", project_id=UUID(int=1))
    for forged in (
        await client.get(f"/jobs?limit=1&tag=x&cursor={cursor}"),
        await client.get(f"/jobs?limit=1&cursor={cursor[:-2]}AA"),
        await client.get(f"/jobs?limit=1&cursor=x{cursor}"),
        await client.get("/jobs?cursor=%F0%9F%92%A9"),
        await client.as_(other).get(f"/jobs?limit=1&cursor={cursor}"),
        await client.get(f"/jobs?cursor={cursor}&page=2"),
    ):
        assert forged.status_code == 422
        assert forged.json()["errors"][0]["pointer"] in ("/cursor", "/page")


async def test_a_waiting_job_is_steered(client: Client) -> None:
    reports, mails = await make_queue(client), await make_queue(client, "mails")
    job = await make_job(client, queue_id=reports)
    at = f"/jobs/{job['id']}"
    later = "2036-01-05T09:00:00+07:00"
    assert (await client.post(f"{at}/reschedule", {"scheduled_for": later})).status_code == 204
    seen = (await client.get(at)).json()["data"]
    assert (seen["status"], seen["scheduled_for"]) == ("scheduled", "2036-01-05T02:00:00Z")
    moved = await client.post(
        f"{at}/move", {"queue_name": "mails"}, headers={"Prefer": "return=representation"}
    )
    assert moved.json()["data"]["queue_id"] == mails
    why = (await client.get(f"{at}/why")).json()["data"]
    assert why["code"] == "scheduled"
    assert (await client.post(f"{at}/cancel")).status_code == 204
    assert (await client.post(f"{at}/cancel")).status_code == 204
    refused = await client.post(f"{at}/reschedule", {"scheduled_for": later})
    assert (refused.status_code, refused.json()["code"]) == (409, "invalid_transition")
    assert (await client.post(f"{at}/move", {"queue_name": "reports"})).status_code == 409
    retried = await client.post(
        f"{at}/retry",
        {"payload": {"now": 1}, "queue_id": reports},
        headers={"Prefer": "return=representation"},
    )
    assert retried.json()["data"]["payload"] == {"now": 1}
    assert (retried.json()["data"]["status"], retried.json()["data"]["queue_id"]) == ("pending", reports)
    assert (await client.post(f"{at}/retry")).status_code == 409
    assert (await client.delete(at)).status_code == 204
    assert (await client.get(at)).status_code == 404


async def test_a_key_is_taken_once(client: Client) -> None:
    await make_queue(client)
    first = await make_job(client, queue_name="reports", key="monthly")
    again = await client.post("/jobs", {"job_type": "send", "queue_name": "reports", "key": "monthly"})
    assert (again.status_code, again.json()["data"]["id"]) == (200, first["id"])


async def test_results_are_waited_for(client: Client, database_url: str) -> None:
    async with a_worker(database_url):
        job = await make_job(client, "add", payload={"a": 2, "b": 3})
        assert job["queue_name"] == "reports"
        result = await client.get(f"/jobs/{job['id']}/result?wait=30")
        assert (result.status_code, result.json()["data"]["output"]) == (200, 5)
        failed = await make_job(client, "fail", payload={"why": "no paper"}, max_attempts=1)
        ending = (await client.get(f"/jobs/{failed['id']}/result?wait=30")).json()["data"]
        assert (ending["status"], ending["error_type"], ending["error_message"]) == (
            "failed",
            "ValueError",
            "no paper",
        )
        assert (await client.get("/jobs?error=PAPER")).json()["meta"]["total_items"] == 1
        assert (await client.get("/jobs?error=ink")).json()["meta"]["total_items"] == 0
    unfinished = await make_job(client, "nobody", queue_name="reports")
    assert (await client.get(f"/jobs/{unfinished['id']}/result?wait=0")).status_code == 202
    assert (await client.get(f"/jobs/{unfinished['id']}/result?wait=61")).status_code == 422


async def test_a_payload_that_breaks_a_known_schema_is_refused_at_once(
    client: Client, database_url: str
) -> None:
    async with a_worker(database_url):
        refused = await client.post("/jobs", {"job_type": "add", "payload": {"a": "x", "b": 1}})
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_payload")
        assert refused.json()["errors"][0]["pointer"] == "/payload/a"
        bulk = await client.post(
            "/jobs/bulk", {"jobs": [{"job_type": "add", "payload": {"a": 1, "b": 1}}, {"job_type": "add"}]}
        )
        assert bulk.json()["errors"][0]["pointer"] == "/jobs/1/payload"


async def test_payloads_and_tracebacks_have_their_own_permissions(
    client: Client, installation: Installation, database_url: str
) -> None:
    viewer = installation.callers.add("viewer", permissions=frozenset({Permission.JOB_READ}))
    async with a_worker(database_url):
        job = await make_job(client, "fail", payload={"why": "canary"}, max_attempts=1)
        await client.get(f"/jobs/{job['id']}/result?wait=30")
    for path in (f"/jobs/{job['id']}", f"/jobs/{job['id']}/result", "/jobs"):
        seen = await client.as_(viewer).get(path)
        assert seen.status_code == 200
        assert "canary" not in seen.text
    probing = await client.as_(viewer).get("/jobs?payload_path=why&payload_value=canary")
    assert probing.status_code == 403


async def test_a_caller_of_one_queue_sees_no_other(client: Client, installation: Installation) -> None:
    reports, mails = await make_queue(client), await make_queue(client, "mails")
    bound = client.as_(installation.callers.add("bound", queue_ids=frozenset({QueueId(UUID(mails))})))
    hidden = await make_job(client, queue_id=reports)
    own = await make_job(bound, queue_id=mails)
    assert [job["id"] for job in (await bound.get("/jobs")).json()["data"]] == [own["id"]]
    assert [queue["id"] for queue in (await bound.get("/queues")).json()["data"]] == [mails]
    for refused in (
        await bound.get(f"/jobs/{hidden['id']}"),
        await bound.post(f"/jobs/{hidden['id']}/cancel"),
        await bound.get(f"/queues/{reports}"),
        await bound.post("/jobs", {"job_type": "send", "queue_id": reports}),
        await bound.post("/jobs", {"job_type": "send", "queue_name": "reports"}),
        await bound.post(f"/jobs/{own['id']}/move", {"queue_name": "reports"}),
        await bound.post("/jobs/bulk", {"jobs": [{"job_type": "send", "queue_id": reports}]}),
    ):
        assert refused.status_code == 404
    assert (await bound.post("/queues", {"name": "third"})).status_code == 403
