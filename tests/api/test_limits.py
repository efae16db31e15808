"""What an organization may have, enforced where it is asked for over HTTP."""

import time

import pytest

from taskforge.domain.access import ALL
from taskforge.services.limits import LIMITS_SECONDS
from tests.api.installation import Installation, running
from tests.api.test_jobs import make_queue

pytestmark = pytest.mark.anyio


async def test_waiting_jobs_are_limited_over_all_queues(database_url: str) -> None:
    async with running(database_url) as installation:
        client = installation.client
        await _limit(installation, queued_jobs=3)
        for name in ("one", "two"):
            await make_queue(client, name)
            assert (await client.post("/jobs", {"job_type": "t", "queue_name": name})).status_code == 201
        refused = await client.post(
            "/jobs/bulk", {"jobs": [{"job_type": "t", "queue_name": "one"} for _ in range(2)]}
        )
        assert (refused.status_code, refused.json()["code"]) == (409, "limit_exceeded")
        assert (await client.post("/jobs", {"job_type": "t", "queue_name": "one"})).status_code == 201
        assert (await client.post("/jobs", {"job_type": "t", "queue_name": "one"})).status_code == 409


async def test_a_limit_counts_for_the_next_job_where_it_is_set_and_within_seconds_elsewhere(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(database_url) as installation, running(database_url) as elsewhere:
        client, other = installation.client, elsewhere.client
        await make_queue(client, "q")
        project = (await client.post("/projects", {"name": "second"})).json()["data"]["id"]
        await client.post(f"/queues?project_id={project}", {"name": "q"})
        job = {"job_type": "t", "queue_name": "q"}
        second = f"/jobs?project_id={project}"
        for asked in (client.post("/jobs", job), client.post(second, job), other.post("/jobs", job)):
            assert (await asked).status_code == 201
        await _limit(installation, queued_jobs=3)
        for path in ("/jobs", second):
            assert (await client.post(path, job)).json()["code"] == "limit_exceeded"
        now = time.monotonic() + LIMITS_SECONDS
        limits = elsewhere.application.state.backend.security.limits
        monkeypatch.setattr(limits, "_monotonic", lambda: now)
        assert (await other.post("/jobs", job)).json()["code"] == "limit_exceeded"


async def test_who_asks_too_often_is_told_when_to_come_back(database_url: str) -> None:
    async with running(database_url) as installation:
        assert "ratelimit" not in (await installation.client.get("/queues")).headers
        await _limit(installation, requests_per_second=1)
        answers = [await installation.client.get("/queues") for _ in range(4)]
        assert [answer.status_code for answer in answers[-2:]] == [429, 429]
        assert int(answers[-1].headers["retry-after"]) >= 1
        assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"requests";q=2;w=2'}
        assert answers[0].headers["ratelimit"].startswith('"requests";r=1;t=')
        assert answers[-1].headers["ratelimit"].startswith('"requests";r=0;t=')


async def _limit(installation: Installation, **limits: int) -> None:
    administrator = installation.client.as_(installation.callers.add("root", permissions=ALL))
    [organization] = (await administrator.get("/organizations")).json()["data"]
    changed = await administrator.patch(f"/organizations/{organization['id']}", {"limits": limits})
    assert changed.status_code == 204, changed.text
