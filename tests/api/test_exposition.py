"""`/metrics` over HTTP: closed to who has no right to it, and each tenant sees its own."""

from collections.abc import AsyncIterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from taskforge.domain.access import BuiltinRole, Permission
from taskforge.domain.errors import InvalidSetting
from tests.api.installation import Client, Installation, running
from tests.api.tenants import client_of, make_tenant

pytestmark = pytest.mark.anyio

TOKEN = "a-token-of-the-scraper"


@pytest.fixture
async def installation(sqlite_url: str, anyio_backend: str) -> AsyncIterator[Installation]:
    """The application with its own credentials, and a scrape token."""
    async with running(sqlite_url, own_credentials=True, metrics_token=TOKEN) as installation:
        yield installation


async def organizations(client: Client) -> set[str]:
    """Those that a scrape tells of."""
    answer = await client.get("//metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = list(text_string_to_metric_families(answer.text))
    assert {"taskforge_build_info", "process_cpu_seconds"} <= {family.name for family in families}
    found = {sample.labels.get("organization", "") for family in families for sample in family.samples}
    return found - {""}


async def test_who_may_scrape_sees_its_own(installation: Installation) -> None:
    ours, theirs = await make_tenant(installation, "default"), await make_tenant(installation, "other")
    nobody = installation.client.as_(None)
    assert (await nobody.get("//metrics")).status_code == 401
    assert (await nobody.as_("not-the-token-of-the-scraper").get("//metrics")).status_code == 401
    for role in (BuiltinRole.VIEWER, BuiltinRole.OWNER):
        assert await organizations(client_of(installation, ours, role)) == {"default"}
        assert await organizations(client_of(installation, theirs, role)) == {"other"}
    assert (await client_of(installation, ours, BuiltinRole.WORKER).get("//metrics")).status_code == 403


async def test_the_scrape_token_sees_all_figures_and_nothing_else(installation: Installation) -> None:
    await make_tenant(installation, "default")
    await make_tenant(installation, "other")
    scraper = installation.client.as_(TOKEN)
    assert await organizations(scraper) == {"default", "other"}
    for path in ("/jobs", "/queues", "/metrics/throughput", "/audit", "/errors"):
        assert (await scraper.get(path)).status_code in (403, 404), path


async def test_a_key_can_be_made_for_it_alone(installation: Installation) -> None:
    tenant = await make_tenant(installation, "default")
    owner = client_of(installation, tenant, BuiltinRole.OWNER)
    made = await owner.post("/keys", {"name": "prometheus", "permissions": [Permission.METRICS_READ]})
    assert made.status_code == 201, made.text
    key = installation.client.as_(made.json()["data"]["key"])
    assert await organizations(key) == {"default"}
    assert (await key.get("/jobs")).status_code == 403


async def test_a_short_token_is_refused(sqlite_url: str) -> None:
    with pytest.raises(InvalidSetting, match="16 characters"):
        async with running(sqlite_url, own_credentials=True, metrics_token="short"):
            raise AssertionError("it started")
