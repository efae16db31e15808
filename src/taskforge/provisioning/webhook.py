"""Tells a server of the installation how many workers a queue should have (``ports.scaling.Provisioner``).

The request is signed as Standard Webhooks has it; its id is that of the decision, so that one which comes twice can
be told. Any 2xx means that the order is taken. An answer ``{"workers": N}`` says what it was brought to: another
number than the one that was ordered is a failure.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from taskforge.domain.errors import DeliveryFailed, ForbiddenAddress, InvalidInput, ProvisionerFailed
from taskforge.domain.webhook import signed_headers

if TYPE_CHECKING:
    from collections.abc import Callable

    from taskforge.ports.outbound import Poster
    from taskforge.ports.scaling import Capacity, Order

ANSWER_SECONDS = 10.0
MOST_ANSWER = 4096


class WebhookProvisioner:
    """Sends orders to ``url``, signed with ``secret``. It cannot tell how many workers there are."""

    def __init__(
        self, poster: Poster, url: str, secret: str, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._poster = poster
        self._url = url
        self._secret = secret
        self._clock = clock

    async def look(self, queue_name: str, target: str | None) -> Capacity | None:
        return None

    async def scale(self, order: Order) -> str:
        body = json.dumps(_message(order), separators=(",", ":")).encode()
        headers = {
            "content-type": "application/json",
            **signed_headers([self._secret], f"scale_{order.decision_id.hex}", int(self._clock()), body),
        }
        try:
            answer = await self._poster.post(
                self._url, body, headers, seconds=ANSWER_SECONDS, most_bytes=MOST_ANSWER
            )
        except (DeliveryFailed, ForbiddenAddress, InvalidInput) as error:
            raise ProvisionerFailed(error.message) from None
        if not answer.is_good:
            raise ProvisionerFailed(f"it answered {answer.status}")
        said = _workers_in(answer.body)
        if said is not None and said != order.desired:
            raise ProvisionerFailed(f"it says {said!r} workers where {order.desired} were ordered")
        return f"told, and answered {answer.status}"

    async def close(self) -> None:
        pass


def _message(order: Order) -> dict[str, Any]:
    return {
        "type": f"workers.{order.action}",
        "data": {
            "decision_id": str(order.decision_id),
            "project_id": str(order.project_id),
            "queue_id": str(order.queue_id),
            "queue_name": order.queue_name,
            "target": order.target,
            "from_workers": order.workers,
            "desired_workers": order.desired,
            "max_workers": order.most,
            "reason": order.reason,
            "message": order.message,
            "draining": [{"name": name, "host": host} for name, host in order.leaving],
        },
    }


def _workers_in(body: bytes) -> Any:
    """What the answer says of workers; None when it says nothing of them."""
    try:
        said = json.loads(body)
    except ValueError:
        return None
    return said.get("workers") if isinstance(said, dict) else None
