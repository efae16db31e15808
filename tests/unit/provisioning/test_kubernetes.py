"""Deployments of a cluster, by the official client and over HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from taskforge.domain.errors import ProvisionerFailed
from taskforge.ports.scaling import Capacity
from taskforge.provisioning import kubernetes
from taskforge.provisioning.kubernetes import DELETION_COST, KubernetesProvisioner
from tests.support.cluster import Cluster, cluster
from tests.unit.provisioning.orders import order

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[Cluster]:
    async with cluster(tmp_path) as found:
        found.replicas = {"worker-reports": 2, "other": 0}
        yield found


@pytest.fixture
async def hand(there: Cluster) -> AsyncIterator[KubernetesProvisioner]:
    found = KubernetesProvisioner("jobs", "worker-{queue}", str(there.config))
    yield found
    await found.close()


async def test_it_looks_and_scales_by_the_scale_subresource(
    there: Cluster, hand: KubernetesProvisioner
) -> None:
    assert await hand.look("reports", None) == Capacity(2)
    assert await hand.look("reports", "other") == Capacity(0)
    assert "5 replicas" in await hand.scale(order(2, 5))
    assert await hand.scale(order(2, 5)), "twice is once"
    await hand.scale(order(0, 1, target="other"))
    assert there.replicas == {"worker-reports": 5, "other": 1}
    path = "/apis/apps/v1/namespaces/jobs/deployments/worker-reports/scale"
    assert there.requests[:1] + there.requests[2:3] == [f"GET {path}", f"PATCH {path}"]


async def test_pods_that_were_asked_to_leave_go_first(there: Cluster, hand: KubernetesProvisioner) -> None:
    there.pods = {"pod-1": {}, "pod-2": {}}
    await hand.scale(order(2, 0, leaving=[("w1", "pod-1"), ("w9", "elsewhere")]))
    assert there.pods == {"pod-1": {DELETION_COST: "-1000"}, "pod-2": {}}
    assert there.requests[-1].endswith("/scale"), "only then"
    assert there.replicas["worker-reports"] == 0


async def test_what_the_cluster_says_is_told(there: Cluster, hand: KubernetesProvisioner) -> None:
    with pytest.raises(ProvisionerFailed, match=r"404: deployments.apps \"nothing\" not found"):
        await hand.look("reports", "nothing")
    there.status = 403
    with pytest.raises(ProvisionerFailed, match="403: the cluster is upset"):
        await hand.scale(order(2, 3))


async def test_one_that_does_something_else_is_not_believed(
    there: Cluster, hand: KubernetesProvisioner
) -> None:
    there.cap = 3
    with pytest.raises(ProvisionerFailed, match="3 replicas where 5 were ordered"):
        await hand.scale(order(2, 5))


async def test_silence_has_an_end(
    there: Cluster, hand: KubernetesProvisioner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kubernetes, "REQUEST_SECONDS", 0.1)
    there.is_silent = True
    with pytest.raises(ProvisionerFailed, match="did not answer"):
        await hand.look("reports", None)


async def test_without_a_cluster_it_says_so(tmp_path: Path) -> None:
    for missing in (None, str(tmp_path / "nothing")):
        with pytest.raises(ProvisionerFailed, match="no access to a cluster"):
            await KubernetesProvisioner("jobs", "w", missing).look("reports", None)
    (tmp_path / "config").write_text("current-context: x")
    with pytest.raises(ProvisionerFailed):
        await KubernetesProvisioner("jobs", "w", str(tmp_path / "config")).look("reports", None)
