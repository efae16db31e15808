"""Orders to a server of the installation: signed, bounded, not believed too much."""

import asyncio
import json
from ipaddress import ip_network
from typing import Any

import pytest

from taskforge.domain.errors import ProvisionerFailed
from taskforge.domain.webhook import is_signed, new_secret
from taskforge.outbound.poster import CheckedPoster
from taskforge.ports.outbound import Answer
from taskforge.provisioning.webhook import WebhookProvisioner
from tests.support.receivers import listening, receiver
from tests.unit.provisioning.orders import order

pytestmark = pytest.mark.anyio
SECRET = new_secret(lambda count: bytes(range(count)))
NOW = 1_800_000_000.0


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def provisioner(url: str, **options: Any) -> WebhookProvisioner:
    poster = CheckedPoster([ip_network("127.0.0.0/8")])
    return WebhookProvisioner(poster, url, SECRET, clock=lambda: NOW, **options)


class Saying:
    """A poster whose server answers so."""

    def __init__(self, status: int, body: bytes) -> None:
        self.answer = Answer(status, None, body)

    async def check(self, url: str, field: str = "url") -> None:
        pass

    async def post(self, *given: Any, **options: Any) -> Answer:
        return self.answer


async def test_an_order_comes_whole_and_signed() -> None:
    async with receiver() as server:
        hand = provisioner(server.url)
        assert await hand.look("reports", None) is None
        await hand.scale(order(5, 3, target="fleet", leaving=[("w-4", "host-4")]))
    [sent] = server.requests
    assert is_signed(SECRET, sent.headers, sent.body, now=NOW)
    message = json.loads(sent.body)
    assert message["type"] == "workers.scale_down"
    assert message["data"]["desired_workers"] == 3
    assert message["data"]["target"] == "fleet"
    assert message["data"]["draining"] == [{"name": "w-4", "host": "host-4"}]
    assert sent.headers["webhook-id"] == "scale_" + message["data"]["decision_id"].replace("-", "")


async def test_a_refusal_and_silence_are_failures() -> None:
    async with receiver(500) as server:
        with pytest.raises(ProvisionerFailed, match="500"):
            await provisioner(server.url).scale(order(0, 1))

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with listening(hang_up) as port:
        with pytest.raises(ProvisionerFailed, match="connection"):
            await provisioner(f"http://127.0.0.1:{port}/").scale(order(0, 1))
    with pytest.raises(ProvisionerFailed):
        await WebhookProvisioner(CheckedPoster(), "http://127.0.0.1:1/", SECRET).scale(order(0, 1))


@pytest.mark.parametrize("body", [b'{"workers": 4}', b'{"workers": "3"}', b'{"workers": 3.5}'])
async def test_an_answer_that_says_another_number_is_a_failure(body: bytes) -> None:
    with pytest.raises(ProvisionerFailed, match="where 3 were ordered"):
        await WebhookProvisioner(Saying(200, body), "http://x/", SECRET).scale(order(0, 3))


@pytest.mark.parametrize("body", [b"", b"ok", b"[]", b"{}", b'{"workers": 3}', b'{"workers": null}'])
async def test_any_other_answer_is_taken(body: bytes) -> None:
    assert "200" in await WebhookProvisioner(Saying(200, body), "http://x/", SECRET).scale(order(0, 3))
