"""Scaling policies over HTTP: made, evaluated, executed, told to KEDA."""

from typing import Any

import pytest

from tests.api.installation import Client, Installation

pytestmark = pytest.mark.anyio
POLICY = {"queue_name": "reports", "max_workers": 4, "target_queue_length": 2, "scale_up_threshold": 2}


@pytest.fixture
async def client(installation: Installation) -> Client:
    """The client of an installation with a queue."""
    assert (await installation.client.post("/queues", {"name": "reports"})).status_code == 201
    return installation.client


async def test_the_life_of_a_policy(client: Client) -> None:
    made = await client.post("/scaling-policies", POLICY, headers={"Accept-Language": "id"})
    assert (made.status_code, made.json()["message"]) == (201, "Kebijakan scaling berhasil dibuat")
    policy = made.json()["data"]
    path = f"/scaling-policies/{policy['queue_id']}"
    assert made.headers["location"] == f"/api/v1{path}"
    assert (await client.post("/scaling-policies", POLICY)).status_code == 409
    assert (await client.get(path)).json()["data"] == policy
    changed = await client.patch(path, {"min_workers": 1}, headers={"If-Match": made.headers["etag"]})
    assert changed.status_code == 204
    late = await client.patch(path, {"min_workers": 2}, headers={"If-Match": made.headers["etag"]})
    assert late.status_code == 412
    [listed] = (await client.get("/scaling-policies")).json()["data"]
    assert (listed["min_workers"], listed["queue_name"]) == (1, "reports")
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"min_workers": 5}, "min_workers"),
        ({"scale_down_threshold": 2}, "scale_down_threshold"),
        ({"max_workers": 0}, "max_workers"),
        ({"target_worker_utilization": 101}, "target_worker_utilization"),
        ({"provisioner": "cloud"}, "provisioner"),
        ({"queue_name": None}, "queue_name"),
        ({"workers": 1}, "workers"),
    ],
)
async def test_what_contradicts_itself_is_refused_by_name_and_nothing_is_kept(
    client: Client, values: dict[str, Any], field: str
) -> None:
    refused = await client.post("/scaling-policies", {**POLICY, **values})
    assert refused.status_code == 422, refused.text
    assert field in refused.text
    assert (await client.get("/scaling-policies")).json()["data"] == []


async def test_it_recommends_for_keda_and_what_is_executed_is_recorded(client: Client) -> None:
    policy = (await client.post("/scaling-policies", {**POLICY, "min_workers": 3})).json()["data"]
    answer = (await client.get("/autoscaling/reports")).json()["data"]
    assert (answer["desired_workers"], answer["action"], answer["reason"]) == (3, "scale_up", "below_minimum")
    assert (await client.get(f"/autoscaling/{policy['queue_id']}")).json()["data"]["desired_workers"] == 3
    assert (await client.get("/scaling-decisions")).json()["data"] == [], "evaluating changes nothing"
    done = (await client.post(f"/scaling-policies/{policy['queue_id']}/execute")).json()["data"]
    assert (done["decision"]["outcome"], done["decision"]["to_workers"]) == ("recommended", 3)
    again = (await client.post(f"/scaling-policies/{policy['queue_id']}/execute")).json()["data"]
    assert (again["decision"], again["recommendation"]["desired_workers"]) == (None, 3)
    [decision] = (await client.get(f"/scaling-decisions?queue_id={policy['queue_id']}")).json()["data"]
    assert decision == done["decision"]
    [evaluated] = (await client.post("/scaling-policies/evaluate")).json()["data"]
    assert evaluated["current_workers"] == 3
    assert (await client.get("/autoscaling/nothing")).status_code == 404


async def test_what_is_not_set_up_is_a_recorded_failure_and_what_is_elsewhere_a_conflict(
    client: Client,
) -> None:
    made = await client.post("/scaling-policies", {**POLICY, "min_workers": 1, "provisioner": "webhook"})
    path = f"/scaling-policies/{made.json()['data']['queue_id']}"
    done = (await client.post(f"{path}/execute")).json()["data"]["decision"]
    assert (done["outcome"], "scaling_webhook_url" in done["detail"]) == ("failed", True)
    assert (await client.get(path)).json()["data"]["failures"] == 1
    await client.patch(path, {"provisioner": "local"})
    assert (await client.get(path)).json()["data"]["failures"] == 0
    refused = await client.post(f"{path}/execute")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")


async def test_a_policy_is_tried_on_arrivals_before_it_is_one(client: Client) -> None:
    queue_id = (await client.get("/queues")).json()["data"][0]["id"]
    path = f"/scaling-policies/{queue_id}/simulate"
    asked = {
        "policy": {"max_workers": 4, "scale_down_cooldown": 60},
        "arrivals": [{"at": 60, "jobs": 5}, {"at": 0, "jobs": 40, "work": 2.0}],
        "slots": 4,
    }
    found = (await client.post(path, asked)).json()["data"]
    assert (found["jobs"], found["most_workers"], found["points"][0]["backlog"]) == (45, 4, 40)
    assert [change["action"] for change in found["changes"]] == ["scale_up", "scale_down"]
    assert (await client.get("/scaling-policies")).json()["data"] == []
    for wrong, field in (
        ({}, "arrivals"),
        ({**asked, "hours": 1}, "arrivals"),
        ({"hours": 1}, "hours"),
        ({**asked, "policy": {"min_workers": 90}}, "min_workers"),
        ({**asked, "arrivals": [{"at": 2_000_000, "jobs": 1}]}, "interval"),
        ({**asked, "arrivals": [{"at": 0, "jobs": 60_000}] * 2}, "arrivals"),
    ):
        refused = await client.post(path, wrong)
        assert (refused.status_code, field in refused.text) == (422, True), refused.text
