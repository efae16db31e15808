"""Passwords: argon2id, in a few threads of their own, so that logins never keep other work waiting."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from argon2 import PasswordHasher

T = TypeVar("T")

MEMORY_KIBIBYTES = 19_456
ROUNDS = 2
LANES = 1
"""The least that OWASP advises for argon2id."""
THREADS = 2


class Passwords:
    """Hashes and verifies. The threads are started with the first password."""

    def __init__(self) -> None:
        self._threads: ThreadPoolExecutor | None = None

    async def hash(self, password: str) -> str:
        """What is stored of a password."""
        return await self._in_thread(partial(self._hasher.hash, password))

    async def verify(self, hashed: str | None, password: str) -> bool:
        """Whether it is the password. Without a hash it is not, and to find that out takes as long."""
        return await self._in_thread(partial(self._matches, hashed, password))

    def is_outdated(self, hashed: str) -> bool:
        """Whether it was hashed otherwise than it would be now."""
        return self._hasher.check_needs_rehash(hashed)

    def close(self) -> None:
        """End the threads."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="taskforge-password")
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    @cached_property
    def _hasher(self) -> PasswordHasher:
        from argon2 import PasswordHasher, Type

        return PasswordHasher(time_cost=ROUNDS, memory_cost=MEMORY_KIBIBYTES, parallelism=LANES, type=Type.ID)

    @cached_property
    def _decoy(self) -> str:
        return self._hasher.hash("the password of nobody")

    def _matches(self, hashed: str | None, password: str) -> bool:
        from argon2.exceptions import InvalidHashError, VerificationError

        decoy = self._decoy  # made with the first password of all, whether there is an account or not
        try:
            return self._hasher.verify(hashed or decoy, password) and hashed is not None
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False
