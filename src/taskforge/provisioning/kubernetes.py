"""Scales Deployments of a cluster by their scale subresource (``ports.scaling.Provisioner``).

A Deployment that shrinks would end any of its pods. Those whose workers have been asked to leave get the lowest
``pod-deletion-cost`` before, so that the cluster ends these; a worker's host is the name of its pod.
"""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING, Any

from taskforge.domain.errors import ProvisionerFailed
from taskforge.ports.scaling import Capacity

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from taskforge.ports.scaling import Order

REQUEST_SECONDS = 5.0
DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
LEAVES_FIRST = "-1000"


class KubernetesProvisioner:
    """Scales the Deployment that a policy names; else ``pattern``, in which ``{queue}`` is the queue's name.

    ``config_file`` is a kubeconfig; None: the service account of the pod that this runs in.
    """

    def __init__(self, namespace: str, pattern: str, config_file: str | None = None) -> None:
        self._namespace = namespace
        self._pattern = pattern
        self._config_file = config_file
        self._client: Any = None
        self._opening = asyncio.Lock()

    async def look(self, queue_name: str, target: str | None) -> Capacity | None:
        name = self._deployment(queue_name, target)
        found = await self._ask(
            lambda apps, core: apps.read_namespaced_deployment_scale(
                name, self._namespace, _request_timeout=REQUEST_SECONDS
            )
        )
        return Capacity(_replicas(found))

    async def scale(self, order: Order) -> str:
        name = self._deployment(order.queue_name, order.target)
        for _, pod in order.leaving:
            await self._mark(pod)
        found = await self._ask(
            lambda apps, core: apps.patch_namespaced_deployment_scale(
                name,
                self._namespace,
                {"spec": {"replicas": order.desired}},
                field_manager="taskforge",
                _content_type="application/merge-patch+json",
                _request_timeout=REQUEST_SECONDS,
            )
        )
        said = _replicas(found)
        if said != order.desired:
            raise ProvisionerFailed(
                f"the Deployment {name!r} has {said} replicas where {order.desired} were ordered"
            )
        return f"the Deployment {name!r} has {said} replicas"

    async def close(self) -> None:
        """Close its connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _mark(self, pod: str) -> None:
        """Have the cluster end this pod before others. One that is gone, or runs elsewhere, needs no mark."""
        body = {"metadata": {"annotations": {DELETION_COST: LEAVES_FIRST}}}
        await self._ask(
            lambda apps, core: core.patch_namespaced_pod(
                pod,
                self._namespace,
                body,
                field_manager="taskforge",
                _content_type="application/merge-patch+json",
                _request_timeout=REQUEST_SECONDS,
            ),
            may_be_missing=True,
        )

    async def _ask(self, call: Callable[[Any, Any], Awaitable[Any]], *, may_be_missing: bool = False) -> Any:
        """One request. Raises ProvisionerFailed with what the API server says."""
        client = await asyncio.to_thread(import_module, "kubernetes.aio.client")  # it takes a second
        try:
            opened = await self._opened()
            return await call(client.AppsV1Api(opened), client.CoreV1Api(opened))
        except client.ApiException as error:
            if may_be_missing and error.status == 404:
                return None
            raise ProvisionerFailed(_why(error)) from None
        except TimeoutError:
            raise ProvisionerFailed(f"the API server did not answer within {REQUEST_SECONDS:g} s") from None
        except (OSError, ValueError, TypeError) as error:
            raise ProvisionerFailed(f"the API server cannot be used: {error}"[:500]) from None

    async def _opened(self) -> Any:
        async with self._opening:
            if self._client is None:
                self._client = await _open(self._config_file)
        return self._client

    def _deployment(self, queue_name: str, target: str | None) -> str:
        return target or self._pattern.replace("{queue}", queue_name)


async def _open(config_file: str | None) -> Any:
    from kubernetes.aio import client, config

    try:
        if config_file is not None:
            return await config.new_client_from_config(  # type: ignore[no-untyped-call] # the client is not typed
                config_file=config_file, persist_config=False
            )
        configuration = client.Configuration()
        config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call] # the client is not typed
        return client.ApiClient(configuration)
    except (config.ConfigException, OSError) as error:
        raise ProvisionerFailed(f"no access to a cluster: {error}") from None


def _replicas(scale: Any) -> int:
    """The number that is wanted of a Deployment; zero is left out of the answer."""
    spec = getattr(scale, "spec", None)
    if spec is None:
        raise ProvisionerFailed("the API server's answer is no Scale")
    return int(spec.replicas or 0)


def _why(error: Any) -> str:
    """What an answer of the API server says, in its own words where there are any."""
    import json

    try:
        said = json.loads(error.body)["message"]
    except (ValueError, TypeError, KeyError):
        said = error.reason
    return f"the API server answered {error.status}: {said}"[:500]
