"""Where it is kept which requests were made under an Idempotency-Key."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from taskforge.domain.ids import OrganizationId

    Standing = Mapping[int, UUID]


class RequestKey(NamedTuple):
    """A request that may come again: whose it is, under which key, and the SHA-256 of what is asked (hexadecimal)."""

    organization_id: OrganizationId
    principal_id: UUID
    key: str
    fingerprint: str


class Way(NamedTuple):
    """One try at a request, which no other may overtake: what it changes is noted with the key in the same transaction."""

    request: RequestKey
    attempt_id: UUID


class Answer(NamedTuple):
    """What a request was answered with, as text, without what is shown once."""

    status: int
    headers: Mapping[str, str]
    body: str


class KnownRequest(NamedTuple):
    """One that came before.

    ``standing``: by place, jobs that are not its own; None while it is not answered. Of one that is not for jobs:
    its ``answer``, and ``carried_out``, what it has changed. With ``is_lost`` whoever carried it out will not answer.
    """

    fingerprint: str
    first_id: UUID
    standing: Standing | None
    carried_out: str | None = None
    answer: Answer | None = None
    is_lost: bool = False


class RequestStore(Protocol):
    """Each verb is one statement. An ``attempt_id`` that has lost the key to a later one changes nothing."""

    async def begin(self, request: RequestKey, attempt_id: UUID, lock_us: int, keep_us: int) -> UUID | None:
        """Lock the key. Answers the id to count up from: an older one where the request was given up before.

        None: it is answered, under way, or another request's.
        """
        ...

    async def find(self, request: RequestKey, patience_us: int) -> KnownRequest | None:
        """What is known under the key; ``is_lost`` so long after its lock has run out."""
        ...

    async def complete(self, way: Way, standing: Standing) -> None:
        """It is answered."""
        ...

    async def keep(self, way: Way, answer: Answer) -> None:
        """It is answered with this."""
        ...

    async def release(self, way: Way) -> None:
        """Nobody knows what became of it: a repeat goes on where it was."""
        ...

    async def forget(self, way: Way) -> None:
        """It was refused and has changed nothing."""
        ...
