"""A Redis or Valkey beside the database: every command ends within a second, and one that is away is left alone.

Nothing that must be true stands in it. Needs the extra ``redis``.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import time
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from uuid import UUID, uuid4

import redis.asyncio as redis_asyncio
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisClusterException, RedisError

from taskforge.coordination.redis_lines import Listener, RedisLines
from taskforge.domain.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from taskforge.domain.ids import ProjectId, QueueId

T = TypeVar("T")

COMMAND_SECONDS = 1.0
FAILURES = 3
"""So many failures in a row, and it is left alone for a while."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
LAYOUT = 1
"""The version of what is kept there; part of every key."""
CLUSTER = re.compile(r"[?&]cluster=true(?=&|$)")
"""In an address: the server is a node of a cluster, from which the others are learned."""

logger = logging.getLogger("taskforge.redis")


class Script(NamedTuple):
    """What a server runs as one step, and the name by which it knows it once it has seen it."""

    text: str
    digest: str


class Handed(NamedTuple):
    """A job that a waiting worker of this process was handed."""

    project_id: ProjectId
    queue_id: QueueId
    job_id: UUID
    job_type: str


class RedisServer:
    """Commands to one server, for one event loop. ``prefix`` keeps several installations apart."""

    def __init__(
        self, url: str, *, prefix: str = "taskforge", monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        address, is_cluster = CLUSTER.subn("", url)
        options: dict[str, Any] = {
            "socket_connect_timeout": COMMAND_SECONDS,
            "socket_timeout": None,  # lines are bounded by who uses them; the client's own bound is a task for each write
            "retry": Retry(NoBackoff(), 0),
            "decode_responses": True,
            "protocol": 2,
        }
        self._pool = redis_asyncio.ConnectionPool.from_url(address, **options)
        self._lines = RedisLines(self._pool)
        options["socket_timeout"] = COMMAND_SECONDS
        self._node = redis_asyncio.Redis.from_url(address, **options)
        self._client: Any = RedisCluster.from_url(address, **options) if is_cluster else self._node
        self._send = self._client.execute_command if is_cluster else self._lines.send
        self._prefix = prefix
        self.inbox = "" if is_cluster else self.channel(f"to {uuid4().hex[:12]}")
        """Where this process is handed jobs. Not in a cluster: there nobody knows whether it hears."""
        self.handed: list[Handed] = []
        self.look_again: Callable[[Handed], None] = lambda _: None
        self._monotonic = monotonic
        self._failures = 0
        self._pause = FIRST_PAUSE
        self._closed_until = 0.0

    def key(self, project_id: UUID, *parts: str) -> str:
        """The name of something of a project; all of a project lies in one slot of a cluster."""
        return ":".join((f"{self._prefix}:{LAYOUT}:{{{project_id}}}", *parts))

    def channel(self, name: str) -> str:
        """The name of a channel of this installation."""
        return f"{self._prefix}:{LAYOUT}:{name}"

    @property
    def is_answering(self) -> bool:
        """Whether it is worth asking now."""
        return self._monotonic() >= self._closed_until

    def script(self, name: str) -> Script:
        """A script of the folder ``lua``."""
        text = files("taskforge.coordination").joinpath("lua", f"{name}.lua").read_text("utf-8")
        return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())

    def listener(self) -> Listener:
        """A connection of its own that hears channels: a cluster's nodes pass on what is told."""
        return Listener(self._pool, COMMAND_SECONDS)

    async def run(self, script: Script, keys: Sequence[str], args: Sequence[Any]) -> Any:
        """Run a script, within a second; its text is sent to a server that has not seen it. Raises Unavailable."""
        return await self._within_a_second(lambda: self._evaluate(script, keys, args))

    async def tell(self, channel: str, text: str) -> None:
        """Publish, within a second. Raises Unavailable."""
        await self._within_a_second(lambda: self._send("PUBLISH", channel, text))

    async def ask(self, command: Callable[[redis_asyncio.Redis], Awaitable[T]]) -> T:
        """Run a command of the client, within a second. Raises Unavailable, at once while the server is left alone."""
        return await self._within_a_second(lambda: command(self._client))

    async def _evaluate(self, script: Script, keys: Sequence[str], args: Sequence[Any]) -> Any:
        try:
            return await self._send("EVALSHA", script.digest, len(keys), *keys, *args)
        except NoScriptError:
            return await self._send("EVAL", script.text, len(keys), *keys, *args)

    async def _within_a_second(self, command: Callable[[], Awaitable[T]]) -> T:
        if not self.is_answering:
            raise Unavailable("Redis does not answer; it is asked again in a moment")
        try:
            async with asyncio.timeout(COMMAND_SECONDS):
                answer = await command()
        except (RedisError, RedisClusterException, OSError, TimeoutError) as error:
            self._failed(error)
            raise Unavailable(f"Redis does not answer: {str(error) or type(error).__name__}") from error
        self._failures, self._pause = 0, FIRST_PAUSE
        return answer

    async def check(self) -> None:
        """Whether it answers. Raises Unavailable."""
        await self.ask(lambda client: client.ping())

    async def eviction_policy(self) -> str:
        """What it does when its memory is full; anything but ``noeviction`` may drop what is needed. Raises Unavailable."""
        found = await self.ask(lambda client: client.config_get("maxmemory-policy"))
        return str(found.get("maxmemory-policy", ""))

    async def close(self) -> None:
        """Let go of all connections."""
        await self._lines.close()
        await self._node.aclose()
        await self._client.aclose()

    def _failed(self, error: BaseException) -> None:
        self._failures += 1
        if self._failures >= FAILURES:
            logger.warning("Redis does not answer and is left alone for %.1f s: %s", self._pause, error)
            self._closed_until = self._monotonic() + self._pause
            self._pause = min(LONGEST_PAUSE, self._pause * 2)
            self._failures = FAILURES - 1  # one try then tells
