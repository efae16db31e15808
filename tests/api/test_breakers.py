"""Circuit breakers over HTTP: set, shown, changed, opened and closed by hand."""

from typing import Any

import pytest

from taskforge.domain.worker import TaskDescription
from tests.api.installation import Client, Installation

pytestmark = pytest.mark.anyio
BREAKER = {"job_type": "t", "failure_rate": 0.25, "minimum_attempts": 4}
WHOLE = {"Prefer": "return=representation"}


@pytest.fixture
async def client(installation: Installation) -> Client:
    """The client of an installation that knows the type `t`."""
    backend: Any = installation.application.state.backend
    [project] = await backend.projects_of(installation.callers.callers["admin"].organization_id)
    await (await backend.project(project)).declare([TaskDescription("t", "default")])
    return installation.client


async def test_the_life_of_a_breaker(client: Client) -> None:
    made = await client.post("/breakers", BREAKER, headers={"Accept-Language": "id"})
    assert (made.status_code, made.json()["message"]) == (201, "Breaker berhasil dibuat"), made.text
    breaker = made.json()["data"]
    path = f"/breakers/{breaker['id']}"
    assert made.headers["location"] == f"/api/v1{path}"
    assert (breaker["state"], breaker["failure_rate"], breaker["open_seconds"]) == ("closed", 0.25, 30)
    assert (await client.post("/breakers", BREAKER)).status_code == 409
    assert (await client.get(path)).json()["data"] == breaker
    changed = await client.patch(path, {"probes": 3}, headers={"If-Match": made.headers["etag"]})
    assert changed.status_code == 204
    late = await client.patch(path, {"probes": 2}, headers={"If-Match": made.headers["etag"]})
    assert late.status_code == 412
    assert (await client.delete(path, headers={"If-Match": made.headers["etag"]})).status_code == 412
    [listed] = (await client.get("/breakers")).json()["data"]
    assert (listed["probes"], listed["attempts"], listed["failures"]) == (3, 0, 0)
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404


async def test_it_is_opened_and_closed_by_hand_and_that_is_written_down(client: Client) -> None:
    path = f"/breakers/{(await client.post('/breakers', BREAKER)).json()['data']['id']}"
    job = {"job_type": "t", "queue_name": "default"}
    await client.post("/queues", {"name": "default"})
    job_path = f"/jobs/{(await client.post('/jobs', job)).json()['data']['id']}"
    opened = (await client.post(f"{path}/open", {"reason": "upkeep"}, headers=WHOLE)).json()["data"]
    assert (opened["state"], opened["reason"], opened["probe_at"]) == ("open", "upkeep", None)
    assert (await client.get(f"{job_path}/why")).json()["data"]["code"] == "breaker_open"
    [pause] = (await client.get("/pauses")).json()["data"]
    assert (pause["kind"], pause["value"], pause["reason"]) == ("breaker", "t", "upkeep")
    refused = await client.delete("/pauses?kind=breaker&value=t")
    assert (refused.status_code, "its own pause" in refused.text) == (422, True)
    timed = (await client.post(f"{path}/open", {"seconds": 60}, headers=WHOLE)).json()["data"]
    assert timed["probe_at"] > timed["changed_at"]
    assert (await client.post(f"{path}/close", {})).status_code == 204
    assert (await client.get(job_path)).json()["data"]["hold"] is None
    told = (await client.get("/audit?limit=5")).json()["data"]
    assert [entry["action"] for entry in told[:3]] == ["breaker.close", "breaker.open", "breaker.open"]
    assert told[0]["after"]["reason"] == "closed by hand"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"failure_rate": 0}, "failure_rate"),
        ({"failure_rate": 1.5}, "failure_rate"),
        ({"window_seconds": 0}, "window_seconds"),
        ({"minimum_attempts": 0}, "minimum_attempts"),
        ({"probes": 101}, "probes"),
        ({"job_type": "x"}, "job_type"),
        ({"rate": 1}, "rate"),
    ],
)
async def test_bad_values_are_refused_by_name_and_nothing_is_kept(
    client: Client, values: dict[str, Any], field: str
) -> None:
    refused = await client.post("/breakers", {**BREAKER, **values})
    assert refused.status_code == 422, refused.text
    assert field in refused.text
    assert (await client.get("/breakers")).json()["data"] == []
