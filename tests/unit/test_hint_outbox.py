"""What becomes of hints on their way to other processes."""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

import pytest

from taskforge.coordination.hints import FOLD_SECONDS, HintOutbox
from taskforge.ports.signals import Hint, Topic
from tests.support.eventually import eventually

pytestmark = pytest.mark.anyio

PATIENCE_SECONDS = 20.0
PROJECT = uuid4()
READY, OTHER = Hint(Topic.READY, PROJECT, uuid4()), Hint(Topic.READY, PROJECT, uuid4())


class Post:
    """An outbox, and what left it."""

    def __init__(self) -> None:
        self.sent: list[Hint] = []
        self.outbox = HintOutbox(self.send)

    async def send(self, hints: Sequence[Hint]) -> None:
        self.sent += hints

    async def until_sent(self, count: int) -> None:
        def has_left() -> None:
            assert len(self.sent) == count

        await eventually(has_left, timeout=PATIENCE_SECONDS)


async def test_the_first_goes_at_once_and_the_next_ones_are_folded() -> None:
    post = Post()
    post.outbox.put(READY)
    await asyncio.sleep(0)
    assert post.sent == [READY]
    for _ in range(3):
        post.outbox.put(READY)
        post.outbox.put(OTHER)
    await post.until_sent(3)
    assert post.sent == [READY, READY, OTHER]


async def test_what_a_statement_carries_is_not_sent_and_what_comes_after_it_is() -> None:
    post = Post()
    assert post.outbox.carried(READY)
    post.outbox.put(READY)
    assert post.sent == []
    await post.until_sent(1)
    assert post.sent == [READY]


async def test_a_later_statement_carries_what_waits_if_it_says_the_same() -> None:
    post = Post()
    assert post.outbox.carried(READY)
    post.outbox.put(READY)
    post.outbox._sent_at -= FOLD_SECONDS  # time has passed
    assert post.outbox.carried(READY)
    await asyncio.sleep(FOLD_SECONDS * 3)
    assert post.sent == []


async def test_nothing_is_carried_while_something_else_waits() -> None:
    post = Post()
    assert post.outbox.carried(READY)
    post.outbox.put(OTHER)
    post.outbox._sent_at -= FOLD_SECONDS
    assert not post.outbox.carried(READY)
    await post.until_sent(1)
    assert post.sent == [OTHER]


async def test_what_waits_is_sent_at_the_end() -> None:
    post = Post()
    assert post.outbox.carried(READY)
    post.outbox.put(READY)
    await post.outbox.close()
    assert post.sent == [READY]
