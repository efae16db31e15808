"""Speaking with servers of others: web servers that are told something, and a mail server."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Answer(NamedTuple):
    """What a web server said: the status, the seconds it asks us to wait (None: it did not), and its body.

    The body is cut off where it is longer than ``most_bytes``.
    """

    status: int
    retry_after: float | None
    body: bytes = b""

    @property
    def is_good(self) -> bool:
        """Whether it took what it was given."""
        return 200 <= self.status < 300


class Poster(Protocol):
    """Sends one request by POST: no redirect is followed, time and size are bounded, addresses are checked."""

    async def check(self, url: str, field: str = "url") -> None:
        """Whether it may be sent to: raises InvalidInput, ForbiddenAddress. A host that is not found may."""
        ...

    async def post(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        seconds: float = 10.0,
        most_bytes: int = 65536,
    ) -> Answer:
        """What the server answers within so many seconds. Raises ForbiddenAddress, DeliveryFailed."""
        ...


class Mail(NamedTuple):
    """A message in plain text."""

    to: Sequence[str]
    subject: str
    text: str
    message_id: str


class Mailer(Protocol):
    """Hands messages to the mail server of the installation."""

    @property
    def is_ready(self) -> bool:
        """Whether the installation has one."""
        ...

    async def send(self, mail: Mail) -> None:
        """The server has taken it. Raises DeliveryFailed."""
        ...
