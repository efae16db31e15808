"""What an organization redacts is in no answer to those who may not see it."""

import asyncio
from typing import Any

import pytest

from taskforge import Context, TaskForge
from tests.api.installation import Client, running
from tests.api.tenants import make_tenant

pytestmark = pytest.mark.anyio

CANARY = "4111-canary-1111"
PAYLOAD = {"order": {"Card": CANARY, "amount": 3}, "to": "ani"}


def _shop(url: str) -> TaskForge:
    app = TaskForge(url, poll_seconds=0.05, poll_without_hints_seconds=0.05)

    @app.task(queue="till", name="charge")
    async def charge(ctx: Context, order: dict[str, Any], to: str) -> dict[str, Any]:
        ctx.log.info("charging", extra={"card": order["Card"], "to": to})
        said = f"the card is {order['Card']}"
        ctx.log.info(said)
        ctx.state["done"] = {"card": order["Card"]}
        if to == "budi":
            raise ValueError(f"no money on {order['Card']}")
        return {"receipt": {"card": order["Card"], "paid": order["amount"]}}

    return app


async def test_it_is_shown_to_those_who_may_see_it_and_to_nobody_else(sqlite_url: str) -> None:
    async with running(sqlite_url, own_credentials=True) as installation:
        tenant = await make_tenant(installation, "default")
        owner, operator = (installation.client.as_(tenant.keys[role]) for role in ("owner", "operator"))
        organization = f"/organizations/{tenant.organization_id}"
        assert (await operator.get("/auth/me")).json()["data"]["redacted_keys"] == []
        answer = await owner.patch(organization, {"redacted_keys": ["CARD"]})
        assert answer.status_code == 204, answer.text
        assert (await owner.get(organization)).json()["data"]["redacted_keys"] == ["card"]
        assert (await owner.get("/auth/me")).json()["data"]["redacted_keys"] == []
        assert (await operator.get("/auth/me")).json()["data"]["redacted_keys"] == ["card"]

        app = _shop(sqlite_url)
        async with app, app.worker(concurrency=1):
            paid = await _run(owner, PAYLOAD)
            failed = await _run(owner, {**PAYLOAD, "to": "budi"})
        nightly = {"job_id": "nightly", "task": "t", "cron": "0 0 * * *", "arguments": PAYLOAD}
        assert (await owner.post("/scheduled-jobs", nightly)).status_code == 201
        paths = [
            "/jobs",
            "/scheduled-jobs",
            "/scheduled-jobs/nightly",
            *(f"/jobs/{job}{rest}" for job in (paid, failed) for rest in ("", "/logs")),
            f"/jobs/{paid}/executions",
            f"/jobs/{failed}/executions",
            f"/jobs/{failed}/result",
            f"/jobs/{paid}/result",
            f"/jobs/{paid}/logs/tail",
            f"/jobs/{paid}/logs/tail?together=true",
        ]
        for path in paths:
            seen, hidden = (await owner.get(path)).text, (await operator.get(path)).text
            assert CANARY in seen, path
            assert CANARY not in hidden, path
            assert "[redacted]" in hidden, path
            if path == f"/jobs/{failed}/executions":
                attempt = (await operator.get(path)).json()["data"][0]
                assert attempt["error_message"] == "no money on [redacted]"
                assert "[redacted]" in attempt["traceback"]
                assert CANARY not in (await operator.get(f"/executions/{attempt['id']}")).text
        assert (await owner.get("/jobs/failures")).json()["data"][0]["example"].endswith(CANARY)
        assert (await operator.get("/jobs/failures")).json()["data"][0]["example"] == "[redacted]"
        result = (await operator.get(f"/jobs/{paid}/result")).json()["data"]["output"]
        assert result == {"receipt": {"card": "[redacted]", "paid": 3}}


async def test_it_can_neither_be_searched_for_nor_lost_by_a_change(sqlite_url: str) -> None:
    async with running(sqlite_url, own_credentials=True) as installation:
        tenant = await make_tenant(installation, "default")
        owner, operator = (installation.client.as_(tenant.keys[role]) for role in ("owner", "operator"))
        await owner.patch(f"/organizations/{tenant.organization_id}", {"redacted_keys": ["card"]})
        made = await owner.post("/jobs", {"job_type": "t", "queue_name": "q", "payload": PAYLOAD})
        job = made.json()["data"]["id"]
        assert (await owner.post(f"/jobs/{job}/cancel")).status_code == 204

        search = {"payload_path": "order.Card", "payload_value": CANARY}
        assert (await owner.get("/jobs", params=search)).json()["data"][0]["id"] == job
        for refused in (
            await operator.get("/jobs", params=search),
            await operator.post("/operations", {"action": "retry", "filter": search}),
            await operator.patch(f"/organizations/{tenant.organization_id}", {"redacted_keys": []}),
        ):
            assert refused.status_code == 403, refused.text

        shown = (await operator.get(f"/jobs/{job}")).json()["data"]["payload"]
        again = {"payload": {**shown, "to": "budi"}}
        assert (await operator.post(f"/jobs/{job}/retry", again)).status_code == 204
        assert (await owner.get(f"/jobs/{job}")).json()["data"]["payload"] == {**PAYLOAD, "to": "budi"}
        assert (await owner.post(f"/jobs/{job}/cancel")).status_code == 204
        moved = {"payload": {"to": shown["order"]}}
        unclear = await operator.post(f"/jobs/{job}/retry", moved)
        assert (unclear.status_code, unclear.json()["errors"][0]["pointer"]) == (422, "/payload")

        nightly = {"job_id": "nightly", "task": "t", "cron": "0 0 * * *", "arguments": PAYLOAD}
        assert (await owner.post("/scheduled-jobs", nightly)).status_code == 201
        same = (await operator.get("/scheduled-jobs/nightly")).json()["data"]["arguments"]
        changed = await operator.patch("/scheduled-jobs/nightly", {"arguments": {**same, "to": "budi"}})
        assert changed.status_code == 204, changed.text
        kept = (await owner.get("/scheduled-jobs/nightly")).json()["data"]["arguments"]
        assert kept == {**PAYLOAD, "to": "budi"}


async def _run(client: Client, payload: Any) -> str:
    made = await client.post(
        "/jobs", {"job_type": "charge", "queue_name": "till", "payload": payload, "max_attempts": 1}
    )
    assert made.status_code == 201, made.text
    job: str = made.json()["data"]["id"]
    answer = await asyncio.wait_for(client.get(f"/jobs/{job}/result?wait=20"), 30)
    assert answer.status_code == 200, answer.text
    return job
