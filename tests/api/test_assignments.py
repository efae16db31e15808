"""Assignments over HTTP."""

from uuid import uuid4

import pytest

from taskforge.domain.worker import Registration, TaskDescription, WorkerType
from taskforge.ports.acting import acting
from taskforge.services.processes import this_process
from tests.api.installation import ADMIN, Client, Installation
from tests.api.test_jobs import make_queue

pytestmark = pytest.mark.anyio

WHOLE = {"Prefer": "return=representation"}


async def worker(installation: Installation, name: str, project_id: str) -> str:
    """A registered worker that subscribes to the queue q."""
    backend = installation.application.state.backend
    with acting(ADMIN):
        platform = await backend.project(project_id)
        registration = Registration(
            name, WorkerType.GENERAL, {}, 4, ["q"], [TaskDescription("t", "q")], this_process(), "0"
        )
        return str((await platform.link().register(registration)).worker_id)


async def test_who_serves_what(installation: Installation, client: Client) -> None:
    queue = await make_queue(client, "reports")
    project = (await client.get(f"/queues/{queue}")).json()["data"]["project_id"]
    gpu, cpu = await worker(installation, "gpu-1", project), await worker(installation, "cpu-1", project)
    made = await client.post("/assignments", {"queue_id": queue, "worker_id": gpu, "weight": 30})
    assert made.status_code == 201
    assignment = made.json()["data"]
    assert (assignment["worker_name"], assignment["worker_id"], assignment["queue_name"]) == (
        "gpu-1", gpu, "reports",
    )  # fmt: skip
    at = made.headers["location"].removeprefix("/api/v1")
    assert (await client.get(at)).json()["data"] == assignment
    again = await client.post("/assignments", {"queue_name": "reports", "worker_name": "gpu-1"})
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    pattern = {"queue_name": "reports", "worker_name": "cpu-*", "is_active": False}
    assert (await client.post("/assignments", pattern)).json()["data"]["is_pattern"] is True

    async def serving() -> list[tuple[str, int]]:
        found = (await client.get(f"/queues/{queue}/eligible-workers")).json()["data"]
        assert all(w["load_percentage"] == 0 for w in found)
        return sorted((w["worker_name"], w["weight"]) for w in found)

    assert await serving() == [("gpu-1", 30)]
    listed = (await client.get(f"/assignments?worker_id={cpu}")).json()["data"]
    assert [found["worker_name"] for found in listed] == ["cpu-*"]
    assert len((await client.get(f"/assignments?queue_id={queue}&is_active=true")).json()["data"]) == 1
    activated = await client.post(f"/assignments/{listed[0]['id']}/activate", headers=WHOLE)
    assert activated.json()["data"]["is_active"] is True
    assert await serving() == [("cpu-1", 1), ("gpu-1", 30)]
    changed = await client.patch(at, {"weight": 7}, headers={**WHOLE, "If-Match": made.headers["etag"]})
    assert changed.json()["data"]["weight"] == 7
    assert (
        await client.patch(at, {"weight": 8}, headers={"If-Match": made.headers["etag"]})
    ).status_code == 412
    assert (await client.post(f"{at}/deactivate")).status_code == 204

    queues = (await client.get(f"/workers/{cpu}/eligible-queues")).json()["data"]
    assert [(q["queue_name"], q["strategy"]) for q in queues] == [
        ("q", "first_free"),
        ("reports", "weighted"),
    ]
    matrix = (await client.get("/assignments/matrix")).json()["data"]
    assert {q["name"]: q["is_open"] for q in matrix["queues"]} == {"q": True, "reports": False}
    assert {w["name"] for w in matrix["workers"]} == {"gpu-1", "cpu-1"}
    assert [w["worker_name"] for w in matrix["serving"][queue]] == ["cpu-1"]
    assert len(matrix["assignments"][queue]) == 2

    assert (await client.delete(at)).status_code == 204
    assert (await client.get(at)).status_code == 404


async def test_what_is_wrong_is_told(client: Client) -> None:
    queue = await make_queue(client, "reports")
    for body, status in (
        ({"queue_id": queue, "worker_name": "w", "weight": 0}, 422),
        ({"queue_id": queue, "worker_name": "w", "weight": 101}, 422),
        ({"queue_id": queue, "worker_name": "w", "weight": "3"}, 422),
        ({"queue_id": queue, "worker_name": " w"}, 422),
        ({"queue_id": queue, "worker_name": "x" * 101}, 422),
        ({"queue_id": queue}, 422),
        ({"queue_id": queue, "queue_name": "reports", "worker_name": "w"}, 422),
        ({"worker_name": "w"}, 422),
        ({"queue_name": "reprots", "worker_name": "w"}, 404),
        ({"queue_id": queue, "worker_id": str(uuid4())}, 404),
    ):
        refused = await client.post("/assignments", body)
        assert refused.status_code == status, (body, refused.text)
    assert (await client.get("/assignments")).json()["data"] == []


async def test_worker_and_queue_have_to_be_of_one_project(installation: Installation, client: Client) -> None:
    queue = await make_queue(client, "reports")
    other = (await client.post("/projects", {"name": "second"})).json()["data"]["id"]
    stranger = await worker(installation, "w", other)
    refused = await client.post("/assignments", {"queue_id": queue, "worker_id": stranger})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/worker_id")
    assert "different projects" in refused.json()["detail"]
