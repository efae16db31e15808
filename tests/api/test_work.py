"""Executions, logs, dead letters, workers, tasks and pauses over HTTP."""

import json
from uuid import uuid4

import pytest

from taskforge import Context, TaskForge
from taskforge.domain.worker import Registration, TaskDescription, WorkerType
from taskforge.services.processes import this_process
from tests.api.installation import Client
from tests.api.test_jobs import make_job, make_queue

pytestmark = pytest.mark.anyio


def application(url: str) -> TaskForge:
    """Another program on the same database."""
    app = TaskForge(url, poll_seconds=0.05, poll_without_hints_seconds=0.05)

    @app.task(queue="reports", name="log")
    async def log(ctx: Context, lines: int = 3) -> int:
        """Write lines."""
        for number in range(lines):
            write = ctx.log.info if number % 2 else ctx.log.warning
            write(f"line {number}")
        return lines

    @app.task(queue="reports", name="fail", max_attempts=1)
    async def fail() -> None:
        raise ValueError("no paper")

    return app


async def test_attempts_and_logs(client: Client, database_url: str) -> None:
    app = application(database_url)
    async with app, app.worker():
        job = await make_job(client, "log", payload={"lines": 5})
        await client.get(f"/jobs/{job['id']}/result?wait=30")
        [execution] = (await client.get(f"/jobs/{job['id']}/executions")).json()["data"]
        assert (execution["status"], execution["attempt_number"], execution["output"]) == ("succeeded", 1, 5)
        assert (await client.get(f"/executions/{execution['id']}")).json()["data"] == execution
        stats = (await client.get(f"/jobs/{job['id']}/executions/stats")).json()["data"]
        assert (stats["total_executions"], stats["succeeded_count"]) == (1, 1)

        for path in (f"/jobs/{job['id']}/logs", f"/executions/{execution['id']}/logs"):
            lines = (await client.get(path)).json()["data"]
            assert [line["message"] for line in lines][:5] == [f"line {n}" for n in range(5)]
            first = (await client.get(f"{path}?limit=2")).json()
            assert first["meta"]["has_more"]
            rest = (await client.get(f"{path}?after={first['meta']['next_cursor']}")).json()["data"]
            assert [*first["data"], *rest] == lines
            warned = (await client.get(f"{path}?level=warn")).json()["data"]
            assert [line["message"] for line in warned] == ["line 0", "line 2", "line 4"]
            assert (await client.get(f"{path}?after=x")).status_code == 422
            assert (await client.get(f"{path}?level=loud")).status_code == 422

        tail = await client.get(f"/jobs/{job['id']}/logs/tail")
        assert tail.headers["content-type"].startswith("text/event-stream")
        told = [json.loads(line[6:]) for line in tail.text.splitlines() if line.startswith('data: {"id')]
        assert [line["id"] for line in told] == [line["id"] for line in lines]
        together = await client.get(f"/jobs/{job['id']}/logs/tail?together=true")
        [batch] = [line[6:] for line in together.text.splitlines() if line.startswith("data: [")]
        assert json.loads(batch) == told
        assert f"id: {lines[-1]['id']}\nevent: lines\n" in together.text
        resumed = await client.get(
            f"/executions/{execution['id']}/logs/tail", headers={"Last-Event-ID": lines[-2]["id"]}
        )
        assert resumed.text.count("event: line") == 1
    assert (await client.get("/executions/active")).json()["data"] == []
    assert (await client.get("/executions/timed-out?hours=1")).json()["data"] == []
    assert (await client.get(f"/executions/{uuid4()}")).status_code == 404


async def test_what_a_worker_runs_now(client: Client, database_url: str) -> None:
    app = TaskForge(database_url)

    @app.task(queue="reports", name="careful")
    async def careful() -> None: ...

    async with app:
        platform = await app.platform()
        types = [TaskDescription("careful", "reports")]
        link = platform.link()
        about = Registration("w", WorkerType.GENERAL, {}, 2, ["reports"], types, this_process(), "0")
        worker_id = (await link.register(about)).worker_id
        handle = await careful.aenqueue()
        await link.claim(1, 0)
        path = "/executions/active?worker_id="
        [own] = (await client.get(f"{path}{worker_id}")).json()["data"]
        assert (own["job_id"], own["worker_id"]) == (str(handle.id), str(worker_id))
        assert (await client.get(f"{path}{uuid4()}")).json()["data"] == []


async def test_what_a_task_declares_of_its_jobs_holds_where_the_request_says_nothing(
    client: Client, database_url: str
) -> None:
    app = TaskForge(database_url)

    @app.task(
        queue="reports",
        name="careful",
        max_attempts=1,
        priority=3,
        timeout="2m",
        tags=["paper"],
        retry_base=9,
    )
    async def careful() -> None: ...

    @app.task(queue="reports", name="plain")
    async def plain() -> None: ...

    async with app:
        await plain.aenqueue()
    said = {"priority": 3, "max_attempts": 1, "timeout": 120.0, "tags": ["paper"], "retry_base": 9}
    assert (await client.get("/tasks/careful")).json()["data"]["options"] == said
    job = await make_job(client, "careful")
    assert (job["max_attempts"], job["priority"], job["tags"]) == (1, 3, ["paper"])
    other = await make_job(client, "careful", max_attempts=4, priority=0)
    assert (other["max_attempts"], other["priority"], other["tags"]) == (4, 0, ["paper"])
    [bulk] = (await client.post("/jobs/bulk", {"jobs": [{"job_type": "careful"}]})).json()["data"]
    made = (await client.get(f"/jobs/{bulk['id']}")).json()["data"]
    assert made["max_attempts"] == 1
    assert (await make_job(client, "plain"))["max_attempts"] == 3


async def test_dead_letters_are_grouped_and_redriven(client: Client, database_url: str) -> None:
    dead = await make_queue(client, "dead")
    await make_queue(client, settings={"dead_letter_queue_id": dead})
    app = application(database_url)
    async with app, app.worker():
        for _ in range(2):
            job = await make_job(client, "fail", max_attempts=1)
            await client.get(f"/jobs/{job['id']}/result?wait=30")
    listed = (await client.get(f"/dead-letters?queue_id={dead}")).json()
    assert listed["meta"]["total_items"] == 2
    assert (await client.get(f"/queues/{dead}/stats")).json()["data"]["dead_letter_count"] == 2
    [group] = (await client.get("/dead-letters/groups")).json()["data"]
    assert (group["count"], group["error_type"], group["example"]) == (2, "ValueError", "no paper")
    [older] = (await client.get(f"/dead-letters/groups?before={job['id']}")).json()["data"]
    assert (older["count"], older["last_at"]) == (1, group["first_at"])
    [failed] = (await client.get("/jobs/failures")).json()["data"]
    assert failed["queue_id"] == job["queue_id"] != group["queue_id"]
    assert (failed["count"], failed["error_type"], failed["example"]) == (2, "ValueError", "no paper")
    assert (await client.get(f"/jobs/failures?project_id={uuid4()}")).status_code == 404
    at = f"/dead-letters/{job['id']}/redrive"
    redriven = await client.post(at, {"queue_name": "dead"}, headers={"Prefer": "return=representation"})
    assert (redriven.json()["data"]["status"], redriven.json()["data"]["queue_name"]) == ("pending", "dead")
    assert (await client.post(at)).status_code == 404
    assert (await client.get(f"/dead-letters?queue_id={uuid4()}")).status_code == 404


async def test_workers_are_seen_drained_and_deregistered(client: Client, database_url: str) -> None:
    app = application(database_url)
    app.configure(lease_seconds=3)
    async with app:
        session = app.worker(name="w1")
        worker = await session.open()
        await worker.start()
        [seen] = (await client.get("/workers")).json()["data"]
        assert (seen["name"], seen["status"], seen["worker_type"], seen["drain_mode"]) == (
            "w1",
            "online",
            "general",
            False,
        )
        at = f"/workers/{seen['id']}"
        assert (await client.get(at)).json()["data"]["id"] == seen["id"]
        assert len((await client.get("/workers/healthy")).json()["data"]) == 1
        assert (await client.get("/workers?worker_type=specialized_gpu")).json()["data"] == []
        assert (await client.get("/workers?status=nonsense")).status_code == 422
        assert (await client.get(f"{at}/stats")).json()["data"]["active_jobs"] == 0
        assert [t["name"] for t in (await client.get("/tasks")).json()["data"]] == ["fail", "log"]
        task = (await client.get("/tasks/log")).json()["data"]
        assert (task["description"], task["queue"]) == ("Write lines.", "reports")
        assert task["schema"]["properties"]["lines"]["type"] == "integer"
        assert (await client.get("/tasks/other")).status_code == 404

        drained = await client.post(f"{at}/drain", headers={"Prefer": "return=representation"})
        assert drained.json()["data"]["drain_mode"] is True
        await worker.run_until_stopped()
        await worker.drain()
        await session.close()
    assert (await client.get("/workers")).json()["data"] == []
    left = await client.get("/workers?stopped=true")
    assert left.json()["data"][0]["stopped_at"] is not None
    for refused in (await client.delete(at), await client.delete(f"{at}/drain")):
        assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert (await client.delete(f"/workers/{uuid4()}")).status_code == 404


async def test_jobs_of_a_type_are_paused(client: Client) -> None:
    await make_queue(client)
    paused = await client.post("/pauses", {"kind": "type", "value": "send", "reason": "the printer burns"})
    assert (paused.status_code, paused.json()["data"]["paused_by"]) == (201, "admin")
    assert (await client.post("/pauses", {"kind": "type", "value": "send"})).status_code == 200
    [listed] = (await client.get("/pauses")).json()["data"]
    assert listed["reason"] == "the printer burns"
    assert (await client.post("/pauses", {"kind": "colour", "value": "send"})).status_code == 422
    assert (await client.delete("/pauses?kind=type&value=send")).status_code == 204
    assert (await client.delete("/pauses?kind=type&value=send")).status_code == 404
