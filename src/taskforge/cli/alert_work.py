"""The alerts of a database or of a server, as the commands `alerts` ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from taskforge.cli.alert_desk import NEWEST
from taskforge.cli.show import plain
from taskforge.domain.errors import InvalidInput, NotFound
from taskforge.services.directory import near

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from taskforge.client import Client
    from taskforge.platform import Platform

Document = dict[str, Any]


class LocalAlerts:
    """Implements ``AlertDesk`` over the services of a project."""

    def __init__(self, platform: Platform) -> None:
        from taskforge.api.views import alerts as views

        self._views = views
        self._alerting = platform.alerting
        self._receivers = platform.receivers

    async def alerts(self) -> list[Document]:
        return [plain(self._views.alert_view(alert)) for alert in await self._alerting.alerts()]

    async def events(self, rule: str | None, limit: int) -> list[Document]:
        rule_id = None if rule is None else (await self._alerting.rule(rule)).id
        found = await self._alerting.events(rule_id, limit=limit)
        return [plain(self._views.event_view(event)) for event in found]

    async def rules(self) -> list[Document]:
        return [plain(self._views.rule_view(rule)) for rule in await self._alerting.rules()]

    async def create_rule(self, name: str, kind: str, values: Mapping[str, Any]) -> Document:
        from taskforge.domain.alert_rule import RuleKind

        made = await self._alerting.create(name, _known(RuleKind, kind, "kind"), values)
        document: Document = plain(self._views.rule_view(made))
        return document

    async def change_rule(self, rule: str, values: Mapping[str, Any]) -> Document:
        said = dict(values)
        name, enabled = said.pop("name", None), said.pop("enabled", None)
        found = await self._alerting.rule(rule)
        changed = await self._alerting.change(found.id, said, name=name, enabled=enabled)
        document: Document = plain(self._views.rule_view(changed))
        return document

    async def delete_rule(self, rule: str) -> None:
        await self._alerting.delete((await self._alerting.rule(rule)).id)

    async def silences(self) -> list[Document]:
        return [plain(self._views.silence_view(silence)) for silence in await self._alerting.silences()]

    async def silence(
        self, ends_at: datetime, rule: str | None, subject: str | None, reason: str | None, by: str | None
    ) -> Document:
        rule_id = None if rule is None else (await self._alerting.rule(rule)).id
        made = await self._alerting.silence(ends_at, rule_id=rule_id, subject=subject, reason=reason, by=by)
        document: Document = plain(self._views.silence_view(made))
        return document

    async def end_silence(self, text: str) -> None:
        await self._alerting.end_silence(_id_of(text, await self.silences(), "silence"))

    async def receivers(self) -> list[Document]:
        return [plain(self._views.receiver_view(receiver)) for receiver in await self._receivers.list()]

    async def create_receiver(
        self, name: str, kind: str, url: str | None, to: Sequence[str] | None
    ) -> Document:
        from taskforge.domain.receiver import ReceiverKind

        made, secret = await self._receivers.create(name, _known(ReceiverKind, kind, "kind"), url=url, to=to)
        return {"receiver": plain(self._views.receiver_view(made)), "secret": secret}

    async def change_receiver(self, receiver: str, values: Mapping[str, Any]) -> Document:
        changed = await self._receivers.change(await self._receivers.get(receiver), **values)
        document: Document = plain(self._views.receiver_view(changed))
        return document

    async def delete_receiver(self, receiver: str) -> None:
        await self._receivers.delete(await self._receivers.get(receiver))

    async def rotate(self, receiver: str) -> str:
        return await self._receivers.rotate(await self._receivers.get(receiver))

    async def test(self, receiver: str, by: str) -> Document:
        delivery = await self._receivers.test(await self._receivers.get(receiver), by)
        document: Document = plain(self._views.delivery_view(delivery))
        return document

    async def deliveries(self, receiver: str | None, status: str | None, limit: int) -> list[Document]:
        from taskforge.domain.delivery import DeliveryStatus

        receiver_id = None if receiver is None else (await self._receivers.get(receiver)).id
        wanted = None if status is None else _known(DeliveryStatus, status, "status")
        found = await self._receivers.deliveries(receiver_id, wanted, limit=limit)
        return [plain(self._views.delivery_view(delivery)) for delivery in found]

    async def resend(self, text: str) -> Document:
        delivery_id = _id_of(text, await self.deliveries(None, None, NEWEST), "delivery")
        sent = await self._receivers.resend(await self._receivers.delivery(delivery_id))
        document: Document = plain(self._views.delivery_view(sent))
        return document


class RemoteAlerts:
    """Implements ``AlertDesk`` over the HTTP API."""

    def __init__(self, client: Client) -> None:
        self._client = client.alerts

    async def alerts(self) -> list[Document]:
        return await self._client.alist()

    async def events(self, rule: str | None, limit: int) -> list[Document]:
        filters = {} if rule is None else {"rule_id": await self._rule(rule)}
        return await self._client.aevents(limit=limit, **filters)

    async def rules(self) -> list[Document]:
        return await self._client.arules()

    async def create_rule(self, name: str, kind: str, values: Mapping[str, Any]) -> Document:
        return await self._client.acreate_rule(name, kind, **values)

    async def change_rule(self, rule: str, values: Mapping[str, Any]) -> Document:
        return await self._client.achange_rule(await self._rule(rule), **values)

    async def delete_rule(self, rule: str) -> None:
        await self._client.adelete_rule(await self._rule(rule))

    async def silences(self) -> list[Document]:
        return await self._client.asilences()

    async def silence(
        self, ends_at: datetime, rule: str | None, subject: str | None, reason: str | None, by: str | None
    ) -> Document:
        """Who does it, the server knows by the key."""
        rule_id = None if rule is None else await self._rule(rule)
        said = {"rule_id": rule_id, "subject": subject, "reason": reason}
        given = {name: value for name, value in said.items() if value is not None}
        return await self._client.asilence(ends_at, **given)

    async def end_silence(self, text: str) -> None:
        await self._client.aend_silence(_id_of(text, await self.silences(), "silence"))

    async def receivers(self) -> list[Document]:
        return await self._client.areceivers()

    async def create_receiver(
        self, name: str, kind: str, url: str | None, to: Sequence[str] | None
    ) -> Document:
        given = {"url": url, "to": None if to is None else [*to]}
        said = {field: value for field, value in given.items() if value is not None}
        return await self._client.acreate_receiver(name, kind, **said)

    async def change_receiver(self, receiver: str, values: Mapping[str, Any]) -> Document:
        return await self._client.achange_receiver(await self._receiver(receiver), **values)

    async def delete_receiver(self, receiver: str) -> None:
        await self._client.adelete_receiver(await self._receiver(receiver))

    async def rotate(self, receiver: str) -> str:
        return await self._client.arotate_secret(await self._receiver(receiver))

    async def test(self, receiver: str, by: str) -> Document:
        return await self._client.atest(await self._receiver(receiver))

    async def deliveries(self, receiver: str | None, status: str | None, limit: int) -> list[Document]:
        said = {"receiver_id": None if receiver is None else await self._receiver(receiver), "status": status}
        given = {name: value for name, value in said.items() if value is not None}
        return await self._client.adeliveries(limit=limit, **given)

    async def resend(self, text: str) -> Document:
        found = await self.deliveries(None, None, NEWEST)
        return await self._client.aresend(_id_of(text, found, "delivery"))

    async def _rule(self, name: str) -> str:
        return _named(name, await self.rules(), "alert rule")

    async def _receiver(self, name: str) -> str:
        return _named(name, await self.receivers(), "receiver")


def _named(name: str, found: Sequence[Document], what: str) -> str:
    for document in found:
        if name in (document["name"], document["id"]):
            return str(document["id"])
    raise NotFound(f"no {what} is named {name!r}", hint=near(name, [one["name"] for one in found]))


def _id_of(text: str, found: Sequence[Document], what: str) -> UUID:
    """The id that is meant: whole, or at least its last 4 characters. Raises InvalidInput, NotFound."""
    suffix = text.lower().replace("-", "")
    matching = [
        one["id"] for one in found if len(suffix) >= 4 and one["id"].replace("-", "").endswith(suffix)
    ]
    if len(matching) > 1:
        raise InvalidInput(f"several end with {text!r}", field="ID", hint="give more characters")
    if not matching:
        raise NotFound(f"no {what} has an id that ends with {text!r}")
    return UUID(matching[0])


def _known(kinds: Any, word: str, field: str) -> Any:
    words = [kind.value for kind in kinds]
    if word not in words:
        raise InvalidInput(f"there is no {field} {word!r}", field=field, hint=f"one of: {', '.join(words)}")
    return kinds(word)
