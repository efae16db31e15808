"""What the commands `alerts` ask and order, of a database or of a server alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime


NEWEST = 1000
"""So many are listed at most, and among so many a delivery is known by the end of its id."""


class AlertDesk(Protocol):
    """Alerts; rules and receivers by name, silences and deliveries by the end of their ids; documents of the API."""

    async def alerts(self) -> list[dict[str, Any]]:
        """What is wrong, and was lately."""
        ...

    async def events(self, rule: str | None, limit: int) -> list[dict[str, Any]]:
        """What has happened, the latest first."""
        ...

    async def rules(self) -> list[dict[str, Any]]:
        """All rules by name."""
        ...

    async def create_rule(self, name: str, kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """A new rule."""
        ...

    async def change_rule(self, rule: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """One with something changed."""
        ...

    async def delete_rule(self, rule: str) -> None:
        """Remove one."""
        ...

    async def silences(self) -> list[dict[str, Any]]:
        """All silences."""
        ...

    async def silence(
        self, ends_at: datetime, rule: str | None, subject: str | None, reason: str | None, by: str | None
    ) -> dict[str, Any]:
        """A new silence, from now on."""
        ...

    async def end_silence(self, text: str) -> None:
        """Tell again."""
        ...

    async def receivers(self) -> list[dict[str, Any]]:
        """All receivers by name."""
        ...

    async def create_receiver(
        self, name: str, kind: str, url: str | None, to: Sequence[str] | None
    ) -> dict[str, Any]:
        """A new one, and its secret."""
        ...

    async def change_receiver(self, receiver: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """One with something changed."""
        ...

    async def delete_receiver(self, receiver: str) -> None:
        """Remove one."""
        ...

    async def rotate(self, receiver: str) -> str:
        """A new secret."""
        ...

    async def test(self, receiver: str, by: str) -> dict[str, Any]:
        """Send it something; the delivery."""
        ...

    async def deliveries(self, receiver: str | None, status: str | None, limit: int) -> list[dict[str, Any]]:
        """What was told, newest first."""
        ...

    async def resend(self, text: str) -> dict[str, Any]:
        """Try one again."""
        ...
