"""The example of a FastAPI application: one transaction for an order and its job, and TaskForge under a path of the site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from fastapi import FastAPI

from taskforge import TaskForge
from taskforge.domain.access import BuiltinRole
from taskforge.domain.ids import DEFAULT_ORGANIZATION
from taskforge.ports.history import JobFilter
from tests.support.examples import example, visited

if TYPE_CHECKING:
    import httpx2

pytestmark = pytest.mark.anyio


async def test_an_order_and_its_job_are_one_commit(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = example("shop", database_url, monkeypatch)
    async with visited(shop.web) as visitor:
        bought = await visitor.post("/orders?item=cake&email=ani@example.com")
        assert bought.status_code == 201, bought.text
        order = bought.json()

        told = await shop.tasks.handle(UUID(order["job"])).aresult(timeout=60)
        assert told == "ani@example.com: your cake is on its way"
        shown = (await visitor.get(f"/orders/{order['order']}")).json()
        assert shown == {"item": "cake", "state": "confirmed"}

        refused = await visitor.post("/orders?item=cake&email=budi@example.com")
        assert refused.status_code == 409
        assert (await visitor.get(f"/orders/{order['order'] + 1}")).status_code == 404
        jobs = await (await shop.tasks.platform()).insights.jobs(JobFilter())
        assert [str(job.id) for job in jobs] == [order["job"]]  # that of the refused order is not there
        await _is_under_its_path(visitor, shop)


async def _is_under_its_path(visitor: httpx2.AsyncClient, shop: Any) -> None:
    keys = (await shop.tasks.platform()).security.keys
    _, key = await keys.create(DEFAULT_ORGANIZATION, "test", role=BuiltinRole.OWNER)
    api, headers = "/taskforge/api/v1", {"Authorization": f"Bearer {key}"}
    assert (await visitor.get(f"{api}/queues")).status_code == 401
    made = await visitor.post(f"{api}/queues", json={"name": "mail"}, headers=headers)
    assert made.headers["location"].startswith(f"{api}/queues/")
    assert (await visitor.get(made.headers["location"], headers=headers)).json()["data"]["name"] == "mail"
    wrong = await visitor.put(f"{api}/queues", headers=headers)
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, HEAD, POST")
    page = await visitor.get("/taskforge/")
    assert page.status_code == 200
    assert "/taskforge/" in page.text
    for path in ("docs", "openapi.json", "health/live"):
        assert (await visitor.get(f"/taskforge/{path}")).status_code == 200, path
    document = (await visitor.get("/taskforge/docs")).text
    assert 'href="/' not in document
    assert 'src="/' not in document


async def test_a_worker_beside_the_web_application_is_a_choice(sqlite_url: str) -> None:
    app = TaskForge(sqlite_url)

    @app.task(name="web.add")
    def add(a: int, b: int) -> int:
        return a + b

    web = FastAPI(lifespan=app.lifespan)

    @web.post("/")
    async def route(a: int, b: int) -> str:
        return str((await add.aenqueue(a, b)).id)

    async with visited(web) as visitor:
        job = app.handle(UUID((await visitor.post("/?a=2&b=3")).json()))
        assert not await (await app.platform()).insights.workers(stopped=True)
    web = FastAPI(lifespan=app.lifespan(worker=True))
    async with visited(web):
        assert await app.handle(job.id).aresult(timeout=60) == 5
