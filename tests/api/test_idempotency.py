"""The Idempotency-Key header, as callers meet it."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from taskforge.domain.access import Permission
from tests.api.installation import Client, Installation, running
from tests.api.tenants import client_of, make_tenant
from tests.api.test_authorization import BODIES, OPERATIONS, path_of
from tests.api.test_jobs import make_queue

pytestmark = pytest.mark.anyio

ONCE = {"Idempotency-Key": "5f0c9c1e"}


async def test_a_job_is_made_once_however_often_it_is_asked_for(client: Client) -> None:
    await make_queue(client)
    body = {"job_type": "send", "queue_name": "reports", "payload": {"to": "x"}}
    first, again = [await client.post("/jobs", body, headers=ONCE) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert first.headers["location"] == again.headers["location"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert (await client.get("/jobs")).json()["meta"]["total_items"] == 1


async def test_many_jobs_are_made_once_and_in_order(client: Client) -> None:
    await make_queue(client)
    jobs: list[dict[str, Any]] = [
        {"job_type": "send", "queue_name": "reports", "payload": n} for n in range(20)
    ]
    jobs[3]["key"] = jobs[7]["key"] = "the same"
    answers = await asyncio.gather(
        *(client.post("/jobs/bulk", {"jobs": jobs}, headers=ONCE) for _ in range(4))
    )
    while any(answer.status_code == 409 for answer in answers):
        assert {a.json()["code"] for a in answers if a.status_code == 409} == {"request_in_progress"}
        assert all("retry-after" in a.headers for a in answers if a.status_code == 409)
        answers = [await client.post("/jobs/bulk", {"jobs": jobs}, headers=ONCE) for _ in answers]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    data = answers[0].json()["data"]
    assert [place for place, job in enumerate(data) if not job["created"]] == [7]
    assert data[7]["id"] == data[3]["id"]
    own = [job["id"] for job in data if job["created"]]
    assert own == sorted(own)
    assert (await client.get("/jobs")).json()["meta"]["total_items"] == 19


async def test_a_key_belongs_to_one_request_of_one_caller(client: Client, installation: Installation) -> None:
    await make_queue(client)
    body = {"job_type": "send", "queue_name": "reports"}
    assert (await client.post("/jobs", body, headers=ONCE)).status_code == 201
    other = await client.post("/jobs", {**body, "priority": 1}, headers=ONCE)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    colleague = client.as_(installation.callers.add("colleague", id=uuid4()))
    assert "idempotency-replayed" not in (await colleague.post("/jobs", body, headers=ONCE)).headers
    assert (await client.get("/jobs")).json()["meta"]["total_items"] == 2


async def test_what_was_refused_may_be_mended_under_the_same_key(client: Client) -> None:
    refused = await client.post("/jobs", {"job_type": "send", "queue_name": "later"}, headers=ONCE)
    assert refused.status_code == 404
    await make_queue(client, "later")
    made = await client.post("/jobs", {"job_type": "send", "queue_name": "later"}, headers=ONCE)
    assert made.status_code == 201
    assert "idempotency-replayed" not in made.headers


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "é".encode("latin-1")])
async def test_what_is_no_key_is_refused(client: Client, key: str | bytes) -> None:
    await make_queue(client)
    refused = await client.post(
        "/jobs", {"job_type": "send", "queue_name": "reports"}, headers={"Idempotency-Key": key}
    )
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/idempotency-key")


async def test_who_may_not_make_jobs_is_told_nothing_of_keys(
    client: Client, installation: Installation
) -> None:
    reader = client.as_(installation.callers.add("reader", permissions=frozenset({Permission.JOB_READ})))
    assert (await reader.post("/jobs", {}, headers=ONCE)).status_code == 403


REFUSED = {
    "organizations.create": 403,
    "jobs.retry": 409,
    "jobs.reschedule": 409,
    "dead_letters.redrive": 404,
    "deliveries.retry": 409,
    "operations.cancel": 409,
    "receivers.rotate": 422,
    "breakers.create": 409,
    "scaling_policies.create": 409,
    "scheduled_jobs.reset": 409,
    "dead_letters.redrive_many": 404,
}
"""What cannot be done with the things of a tenant as they are made."""


async def test_whatever_is_asked_for_twice_is_done_once_and_answered_alike(
    sqlite_url: str, anyio_backend: str
) -> None:
    async with running(sqlite_url, own_credentials=True) as installation:
        tenant = await make_tenant(installation, "default")
        owner = client_of(installation, tenant, "owner")
        refused = {}
        for operation in OPERATIONS:
            if not operation.keeps_answer:
                continue
            wait = "?wait=0" if operation.name == "scheduled_jobs.trigger" else ""
            asked = (path_of(operation, tenant.ids) + wait, BODIES.get(operation.name))
            first, again = [
                await owner.post(*asked, headers={"Idempotency-Key": operation.name}) for _ in range(2)
            ]
            assert first.status_code == again.status_code, (operation.name, first.text, again.text)
            assert "idempotency-replayed" not in first.headers
            if first.status_code >= 400:
                refused[operation.name] = first.status_code
                continue
            assert again.headers["idempotency-replayed"] == "true", operation.name
            assert again.headers.get("location") == first.headers.get("location")
            if first.status_code != 204:
                told, told_again = first.json(), again.json()
                if operation.shown_once:
                    told["data"] |= dict.fromkeys(operation.shown_once)
                assert told_again["data"] == told["data"]
        assert refused.items() <= REFUSED.items()
        bare = {"Idempotency-Key": "bare", "Prefer": "envelope=none"}
        keys = [
            (await owner.post("/keys", {"name": "k", "role": "viewer"}, headers=bare)).json()
            for _ in range(2)
        ]
        assert keys[0].pop("key").startswith("tfk_")
        assert keys[1].pop("key") is None
        assert keys[0] == keys[1]
        made = (await owner.get("/audit?limit=200")).json()["data"]
        twice = [entry["action"] for entry in made if entry["resource"]["name"] in ("other", "second")]
        assert len(twice) == len(set(twice)) > 5


async def test_a_refused_change_leaves_its_key_free(client: Client) -> None:
    assert (await client.post("/queues", {"nam": "q"}, headers=ONCE)).status_code == 422
    assert (await client.post("/queues", {"name": "q"}, headers=ONCE)).status_code == 201
    other = await client.post("/queues", {"name": "r"}, headers=ONCE)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
