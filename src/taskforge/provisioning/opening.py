"""The provisioners that can be ordered from anywhere, by what is set; one that is not set up says what is missing."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from taskforge.provisioning.unready import UnreadyProvisioner

if TYPE_CHECKING:
    from collections.abc import Callable

    from taskforge.ports.outbound import Poster
    from taskforge.ports.scaling import Provisioner


def webhook_provisioner(poster: Callable[[], Poster], url: str | None, secret: str | None) -> Provisioner:
    if url is None or secret is None:
        return UnreadyProvisioner("scaling_webhook_url and scaling_webhook_secret are not set")
    from taskforge.domain.webhook import check_secret
    from taskforge.provisioning.webhook import WebhookProvisioner

    return WebhookProvisioner(poster(), url, check_secret(secret))


def kubernetes_provisioner(namespace: str | None, deployment: str, config: str | None) -> Provisioner:
    if namespace is None:
        return UnreadyProvisioner("scaling_kubernetes_namespace is not set")
    if find_spec("kubernetes") is None:
        return UnreadyProvisioner("the extra kubernetes is not installed")
    from taskforge.provisioning.kubernetes import KubernetesProvisioner

    return KubernetesProvisioner(namespace, deployment, config)
