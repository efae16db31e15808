"""Alerts of a server: rules, silences, receivers, deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from taskforge.client.resources import Resource, synchronous

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID


class Alerts(Resource):
    """``client.alerts``: what is wrong now, and who is told. Things are as the API tells them: docs/alerts.md."""

    async def alist(self, /, **filters: Any) -> list[dict[str, Any]]:
        """What is pending, fires, or has recovered lately. ``filters`` are the API's: status."""
        return await self._by_number(dict[str, Any], "/alerts", **filters)

    async def aevents(self, /, *, limit: int = 50, **filters: Any) -> list[dict[str, Any]]:
        """What fired and recovered, the latest first. ``filters`` are the API's: rule_id."""
        return [found async for found in self._all(dict[str, Any], "/alerts/events", limit, **filters)]

    async def arules(self) -> list[dict[str, Any]]:
        """All rules by name."""
        return await self._by_number(dict[str, Any], "/alerts/rules")

    async def acreate_rule(self, /, name: str, kind: str, **values: Any) -> dict[str, Any]:
        """Make a rule. ``values`` are the API's: threshold, queue, for_seconds, recovery_seconds, receivers ...

        Raises Conflict, InvalidInput, NotFound.
        """
        return await self._do(dict[str, Any], "/alerts/rules", {"name": name, "kind": kind, **values})

    async def achange_rule(self, /, rule_id: UUID | str, **values: Any) -> dict[str, Any]:
        """Change a rule; None goes back to the kind's default."""
        return await self._do(dict[str, Any], f"/alerts/rules/{rule_id}", values, method="PATCH")

    async def adelete_rule(self, rule_id: UUID | str) -> None:
        """Remove a rule; what fires of it is told as recovered."""
        await self._transport.ask("DELETE", f"/alerts/rules/{rule_id}")

    async def asilences(self) -> list[dict[str, Any]]:
        """All silences, those that end last first."""
        return await self._by_number(dict[str, Any], "/alerts/silences")

    async def asilence(self, /, ends_at: datetime, **values: Any) -> dict[str, Any]:
        """Tell nobody until then. ``values`` are the API's: rule_id, subject, starts_at, reason."""
        return await self._do(dict[str, Any], "/alerts/silences", {"ends_at": ends_at, **values})

    async def aend_silence(self, silence_id: UUID | str) -> None:
        """Tell again."""
        await self._transport.ask("DELETE", f"/alerts/silences/{silence_id}")

    async def areceivers(self) -> list[dict[str, Any]]:
        """All receivers by name, without their secrets."""
        return await self._by_number(dict[str, Any], "/alerts/receivers")

    async def acreate_receiver(self, /, name: str, kind: str, **values: Any) -> dict[str, Any]:
        """Make a receiver: ``receiver``, and the ``secret`` of a webhook, which is told here only.

        ``values`` are the API's: url, to, secret. Raises Conflict, InvalidInput.
        """
        body = {"name": name, "kind": kind, **values}
        return await self._do(dict[str, Any], "/alerts/receivers", body, may_repeat=False)

    async def achange_receiver(self, /, receiver_id: UUID | str, **values: Any) -> dict[str, Any]:
        """Change a receiver: name, url, to, enabled."""
        return await self._do(dict[str, Any], f"/alerts/receivers/{receiver_id}", values, method="PATCH")

    async def adelete_receiver(self, receiver_id: UUID | str) -> None:
        """Remove a receiver, and what was to be told to it."""
        await self._transport.ask("DELETE", f"/alerts/receivers/{receiver_id}")

    async def arotate_secret(self, receiver_id: UUID | str) -> str:
        """A new secret for a webhook; the old one signs beside it for a day."""
        found = await self._do(dict[str, Any], f"/alerts/receivers/{receiver_id}/secret", may_repeat=False)
        return msgspec.convert(found["secret"], str)

    async def atest(self, receiver_id: UUID | str) -> dict[str, Any]:
        """Send it something; answers the delivery."""
        return await self._do(dict[str, Any], f"/alerts/receivers/{receiver_id}/test")

    async def adeliveries(self, /, *, limit: int = 50, **filters: Any) -> list[dict[str, Any]]:
        """What was told, or is to be, newest first. ``filters`` are the API's: receiver_id, status."""
        return [found async for found in self._all(dict[str, Any], "/alerts/deliveries", limit, **filters)]

    async def adelivery(self, delivery_id: UUID | str) -> dict[str, Any]:
        """What has become of one. Raises NotFound."""
        return await self._get(dict[str, Any], f"/alerts/deliveries/{delivery_id}")

    async def aresend(self, delivery_id: UUID | str) -> dict[str, Any]:
        """Try one again that has failed. Raises Conflict."""
        return await self._do(dict[str, Any], f"/alerts/deliveries/{delivery_id}/retry")

    async def anotify(self, job_id: UUID | str, *receivers: str) -> dict[str, Any]:
        """Tell these receivers (names or ids) when the job ends, or at once where it has ended."""
        body = {"receivers": [*receivers]}
        return await self._do(dict[str, Any], f"/alerts/notices/{job_id}", body, method="PUT")

    list = synchronous(alist)
    events = synchronous(aevents)
    rules = synchronous(arules)
    create_rule = synchronous(acreate_rule)
    change_rule = synchronous(achange_rule)
    delete_rule = synchronous(adelete_rule)
    silences = synchronous(asilences)
    silence = synchronous(asilence)
    end_silence = synchronous(aend_silence)
    receivers = synchronous(areceivers)
    create_receiver = synchronous(acreate_receiver)
    change_receiver = synchronous(achange_receiver)
    delete_receiver = synchronous(adelete_receiver)
    rotate_secret = synchronous(arotate_secret)
    test = synchronous(atest)
    deliveries = synchronous(adeliveries)
    delivery = synchronous(adelivery)
    resend = synchronous(aresend)
    notify = synchronous(anotify)
